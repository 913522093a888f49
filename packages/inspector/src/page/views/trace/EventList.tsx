/**
 * The events of a streamed response; one at a time is opened.
 *
 * @module
 */
import { useVirtualizer } from "@tanstack/react-virtual"
import { useRef, useState } from "react"
import type { WireEvent } from "../../../model/events.ts"
import { duration } from "../../ui/format.ts"
import { JsonTree } from "../../ui/json.tsx"

export const EventList = ({ events }: { readonly events: ReadonlyArray<WireEvent> }) => {
  const scroller = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState<number>()
  const virtual = useVirtualizer({
    count: events.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 26,
    overscan: 10
  })
  return (
    <div className="events" ref={scroller} role="list" aria-label={`${events.length} events`} tabIndex={0}>
      <div className="parts-body" role="presentation" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const { at, data, event, json } = events[index]!
          return (
            <div
              key={index}
              role="listitem"
              data-index={index}
              ref={virtual.measureElement}
              className="event"
              aria-setsize={events.length}
              aria-posinset={index + 1}
              style={{ transform: `translateY(${start}px)` }}
            >
              <button
                type="button"
                className="event-row"
                aria-expanded={open === index}
                onClick={() => setOpen(open === index ? undefined : index)}
              >
                <span className="num faint">{duration(at)}</span>
                {event !== undefined && <span className="event-name">{event}</span>}
                <code className="clip grow">{gist(json) ?? data}</code>
              </button>
              {open === index && (
                <div className="event-open">
                  {json === undefined ? <pre>{data}</pre> : <JsonTree value={json} label={`Event ${index + 1}`} open={5} />}
                </div>
              )}
            </div>
          )
        })}
      </div>
    </div>
  )
}

/** Of the events that services stream, what changes from one to the next; all of it is there when it is opened. */
const gist = (json: unknown): string | undefined => {
  const { choices, delta } = (typeof json === "object" && json !== null ? json : {}) as {
    readonly choices?: ReadonlyArray<{ readonly delta?: unknown }>
    readonly delta?: unknown
  }
  const said = choices?.[0]?.delta ?? delta
  return said === undefined || JSON.stringify(said) === "{}" ? undefined : JSON.stringify(said)
}
