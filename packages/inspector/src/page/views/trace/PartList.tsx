/**
 * The parts of a stream as a list of which only what is in view is drawn.
 *
 * @module
 */
import { useVirtualizer } from "@tanstack/react-virtual"
import { memo, useEffect, useRef } from "react"
import type { TimelinePart } from "../../../model/timeline.ts"
import { duration } from "../../ui/format.ts"

const height = 26

export const PartList = ({
  at,
  halt,
  onGo,
  parts
}: {
  readonly parts: ReadonlyArray<TimelinePart>
  /** The last part that is there. */
  readonly at: number
  readonly halt: number | undefined
  readonly onGo: (index: number) => void
}) => {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({
    count: parts.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 10
  })
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" })
  }, [at, virtual])
  const go = useRef(onGo)
  go.current = onGo
  const longest = Math.max(1e-9, ...parts.slice(1).map(({ gap }) => gap))
  return (
    <>
      <div className="part part-head label" aria-hidden>
        <span>#</span>
        <span>at</span>
        <span>after</span>
        <span>type</span>
        <span>adds</span>
      </div>
      <div className="parts" ref={scroller} tabIndex={0} role="list" aria-label={`${parts.length} parts`}>
        <div className="parts-body" role="presentation" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start }) => (
            <Row
              key={index}
              part={parts[index]!}
              start={start}
              state={index === at ? "here" : index < at ? "past" : "future"}
              halted={index === halt}
              share={index === 0 ? 0 : parts[index]!.gap / longest}
              count={parts.length}
              go={go}
            />
          ))}
        </div>
      </div>
    </>
  )
}

const Row = memo(
  ({
    count,
    go,
    halted,
    part: { at, changedBy, gap, index, part, text },
    share,
    start,
    state
  }: {
    readonly part: TimelinePart
    readonly start: number
    readonly state: "here" | "past" | "future"
    readonly halted: boolean
    readonly share: number
    readonly count: number
    readonly go: { readonly current: (index: number) => void }
  }) => (
    <div
      role="listitem"
      className="part"
      aria-setsize={count}
      aria-posinset={index + 1}
      aria-current={state === "here" ? "true" : undefined}
      data-state={state}
      data-type={part.type}
      data-halted={halted ? "" : undefined}
      style={{ transform: `translateY(${start}px)` }}
      onClick={() => go.current(index)}
    >
      <span className="num faint">{index + 1}</span>
      <span className="num">{duration(at)}</span>
      <span className="num part-gap">
        <i style={{ width: `${share * 100}%` }} aria-hidden />
        {duration(gap)}
      </span>
      <span className="part-type">{part.type}</span>
      <span className="part-text clip">
        {text === "" ? (part.type === "error" ? part.error.reason.message : "") : text}
        {changedBy.length > 0 && <em title={`changed by ${changedBy.join(", ")}`}> {changedBy.join(", ")}</em>}
      </span>
    </div>
  )
)
