/**
 * A run over time: each plug with its own time and its wait for others, attempts, the first token, the pauses in the reply.
 *
 * @module
 */
import { useRef } from "react"
import type { Recorded } from "../../../api.ts"
import { type Mark, type Row, waterfall, type Waterfall as Model } from "../../../model/waterfall.ts"
import { to } from "../../app/route.ts"
import { duration, many, percent } from "../../ui/format.ts"
import { useWidth } from "../../ui/measure.ts"
import { lanes, ticks } from "../../ui/scale.ts"
import { Facts, Table } from "../../ui/surfaces.tsx"
import { timeline } from "../../../model/timeline.ts"
import { toneOfOutcome } from "./walk/outcomes.tsx"
import "./waterfall.css"

const Waterfall = ({ recorded }: { readonly recorded: Recorded }) => {
  const model = waterfall(recorded)
  const { gaps, stream, total } = model
  const waited = model.rows.reduce((longest, row) => (row.own > longest.own ? row : longest), model.rows[0]!)
  return (
    <div className="trace-scroll" tabIndex={0} role="region" aria-label="Waterfall">
      <div className="stack waterfall-page">
        <Facts
          facts={[
            ["Whole run", duration(total)],
            ["Most time in", `${waited.visit.name} (${percent(total > 0 ? waited.own / total : 0)})`],
            stream === undefined ? undefined : ["First part", duration(stream.from)],
            stream === undefined
              ? undefined
              : ["Stream", `${many(stream.parts, "part")} in ${duration(stream.to - stream.from)}`],
            stream === undefined || stream.parts < 2
              ? undefined
              : ["Pause between parts", `${duration(gaps.median)} median, ${duration(gaps.longest[0]?.ms ?? 0)} longest`]
          ]}
        />
        <Chart recorded={recorded} model={model} />
        {gaps.longest.length > 0 && stream !== undefined && stream.parts > 2 && (
          <section className="stack gaps">
            <h2>Longest pauses in the reply</h2>
            <Table
              caption="Longest pauses between parts"
              head={["Before part", "From", "To", "Pause"]}
              right={[0, 1, 2, 3]}
              rows={gaps.longest
                .slice(0, 8)
                .map(({ from, index, ms, to }) => [
                  index + 1,
                  duration(from),
                  duration(to),
                  <strong key="ms">{duration(ms)}</strong>
                ])}
            />
          </section>
        )}
      </div>
    </div>
  )
}

export default Waterfall

const Chart = ({ model, recorded }: { readonly recorded: Recorded; readonly model: Model }) => {
  const scale = useRef<HTMLDivElement>(null)
  const width = useWidth(scale, 700)
  const { marks, rows, stream } = model
  const total = Math.max(model.total, 0.001)
  const place = (at: number) => `${Math.max(0, Math.min(100, (at / total) * 100))}%`
  const times = ticks(total, Math.max(2, Math.floor(width / 90)))
  const shown = marks.filter(({ kind }) => kind !== "sent")
  const labels = shown.map(({ at, label }) => {
    const size = label.length * 6 + 16
    const from = Math.min((at / total) * width, width - size)
    return { from, to: from + size }
  })
  const lane = lanes(labels, 3)
  const high = Math.max(0, ...lane.map((each) => (each ?? -1) + 1)) * 17
  return (
    <div className="waterfall card">
      <div className="wf-head">
        <div className="wf-name label">Plug</div>
        <div className="wf-times label">
          <span>own</span>
          <span>total</span>
        </div>
        <div className="wf-scale" ref={scale} style={{ height: 24 + high }}>
          {times.map((at) => (
            <span key={at} className="wf-tick num" style={{ left: place(at) }}>
              {duration(at)}
            </span>
          ))}
          {shown.map(
            (mark, index) =>
              lane[index] !== undefined && (
                <span
                  key={index}
                  className="wf-mark"
                  data-kind={mark.kind}
                  style={{ left: labels[index]!.from, top: 22 + lane[index] * 17 }}
                >
                  {mark.label}
                </span>
              )
          )}
        </div>
      </div>
      <div className="wf-body">
        <div className="wf-grid" aria-hidden>
          <span className="wf-grid-inner">
            {times.map((at) => (
              <i key={at} style={{ left: place(at) }} />
            ))}
            {marks.map((mark, index) => (
              <b key={index} data-kind={mark.kind} style={{ left: place(mark.at) }} />
            ))}
          </span>
        </div>
        <ol>
          {rows.map((row) => (
            <RowView key={row.visit.id} row={row} place={place} total={total} id={recorded.summary.id} marks={marks} />
          ))}
          {stream !== undefined && (
            <StreamRow recorded={recorded} from={stream.from} to={stream.to} total={total} place={place} />
          )}
        </ol>
      </div>
      <div className="wf-legend">
        <span>
          <i data-kind="own" />
          its own time
        </span>
        <span>
          <i data-kind="rest" />
          waiting for the plugs behind it
        </span>
        {stream !== undefined && (
          <span>
            <i data-kind="part" />
            parts reaching the reader
          </span>
        )}
      </div>
    </div>
  )
}

const RowView = ({
  id,
  marks,
  place,
  row,
  total
}: {
  readonly row: Row
  readonly id: string
  readonly marks: ReadonlyArray<Mark>
  readonly place: (at: number) => string
  readonly total: number
}) => {
  const { bars, depth, own, visit } = row
  const attempts = marks.filter((mark) => mark.visit === visit.id && mark.kind === "attempt").length
  return (
    <li className="wf-row" data-tone={toneOfOutcome(visit.outcome)}>
      <a
        className="wf-name"
        href={`${to("traces", id, "walk")}?visit=${encodeURIComponent(visit.id)}`}
        style={{ paddingLeft: 12 + depth * 14 }}
      >
        <span className="clip">{visit.name}</span>
        {visit.attempt > 1 && <span className="visit-note">visit {visit.attempt}</span>}
        {attempts > 1 && <span className="visit-note">{attempts} attempts</span>}
      </a>
      <div className="wf-times num">
        <span>{duration(own)}</span>
        <span>{duration(row.total)}</span>
      </div>
      <div
        className="wf-bars"
        title={`${visit.name}: from ${duration(row.offset)}, ${duration(own)} itself, ${duration(row.total)} in all`}
      >
        {bars.map((bar, index) => (
          <i
            key={index}
            data-kind={bar.kind}
            style={{
              left: place(bar.from),
              width: `max(${bar.kind === "own" ? 2 : 0}px, ${((bar.to - bar.from) / total) * 100}%)`
            }}
          />
        ))}
      </div>
    </li>
  )
}

const StreamRow = ({
  from,
  place,
  recorded,
  to: end,
  total
}: {
  readonly recorded: Recorded
  readonly from: number
  readonly to: number
  readonly total: number
  readonly place: (at: number) => string
}) => {
  const { parts } = timeline(recorded)
  // One line each, drawn as one path, however many there are.
  const path = parts.map(({ at }) => `M${((at / total) * 10_000).toFixed(1)} 0V10`).join("")
  return (
    <li className="wf-row wf-stream">
      <a className="wf-name" href={to("traces", recorded.summary.id, "stream")} style={{ paddingLeft: 12 }}>
        <span className="clip">parts of the reply</span>
      </a>
      <div className="wf-times num">
        <span />
        <span>{duration(end - from)}</span>
      </div>
      <div className="wf-bars">
        <i data-kind="stream" style={{ left: place(from), width: `${((end - from) / total) * 100}%` }} />
        <svg viewBox="0 0 10000 10" preserveAspectRatio="none" aria-hidden>
          <path d={path} />
        </svg>
      </div>
    </li>
  )
}
