/**
 * Rows of requests. Only those in view are drawn, so that ten thousand scroll like ten.
 *
 * @module
 */
import { useVirtualizer } from "@tanstack/react-virtual"
import { Check, Footprints, GitFork, RotateCcw } from "lucide-react"
import { type KeyboardEvent, memo, useEffect, useRef, useState } from "react"
import type { Summary } from "../../../api.ts"
import { Badge } from "../../ui/surfaces.tsx"
import { cost, count, duration, moment, short, time, toneOfCache, toneOfStatus, unknown } from "../../ui/format.ts"

const columns = [
  ["mark", ""],
  ["status", "Status"],
  ["time", "Time"],
  ["model", "Model"],
  ["route", "Route"],
  ["pipeline", "Pipeline"],
  ["cache", "Cache"],
  ["attempts", "Tries"],
  ["tokens", "Tokens"],
  ["cost", "Cost"],
  ["first", "First token"],
  ["took", "Latency"]
] as const

/** As wide as a finger needs on narrow screens, where a row has two lines. */
const heights = { wide: 33, narrow: 58 }

export const Grid = ({
  marked,
  onEnd,
  onMark,
  onOpen,
  rows
}: {
  readonly rows: ReadonlyArray<Summary>
  readonly marked: ReadonlyArray<string>
  readonly onMark: (id: string) => void
  readonly onOpen: (summary: Summary) => void
  /** The last row came into view. */
  readonly onEnd: () => void
}) => {
  const scroller = useRef<HTMLDivElement>(null)
  const [active, setActive] = useState<string>()
  const narrow = useNarrow()
  const height = narrow ? heights.narrow : heights.wide
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    getItemKey: (index) => rows[index]!.id
  })
  useEffect(() => virtual.measure(), [virtual, height])
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= rows.length - 40) onEnd()
  }, [last, rows.length, onEnd])

  const at = active === undefined ? -1 : rows.findIndex(({ id }) => id === active)
  const select = (index: number) => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, index))]
    if (next === undefined) return
    setActive(next.id)
    virtual.scrollToIndex(rows.indexOf(next), { align: "auto" })
  }
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / height) - 2)
    const moves: { readonly [key: string]: number } = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? 0 : at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: rows.length - 1
    }
    const move = moves[event.key]
    const current = rows[at]
    if (move !== undefined) select(move)
    else if (event.key === "Enter" && current !== undefined) onOpen(current)
    else if ((event.key === "x" || event.key === " ") && current !== undefined) onMark(current.id)
    else return
    event.preventDefault()
  }
  return (
    <div
      ref={scroller}
      className="grid"
      role="grid"
      aria-label="Requests"
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      aria-multiselectable
      aria-activedescendant={at < 0 ? undefined : `row-${rows[at]!.seq}`}
      tabIndex={0}
      onKeyDown={press}
      onFocus={() => at < 0 && rows.length > 0 && setActive(rows[items[0]?.index ?? 0]!.id)}
    >
      <div className="grid-head grid-row" role="row" aria-rowindex={1}>
        {columns.map(([name, title]) => (
          <span key={name} role="columnheader" className={`cell c-${name}`}>
            {title === "" ? <span className="unseen">Marked</span> : title}
          </span>
        ))}
      </div>
      <div className="grid-body" role="presentation" style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, key, start }) => {
          const row = rows[index]!
          return (
            <Row
              key={key}
              row={row}
              index={index}
              start={start}
              active={row.id === active}
              marked={marked.includes(row.id)}
              onMark={onMark}
              onOpen={onOpen}
              onActive={setActive}
            />
          )
        })}
      </div>
    </div>
  )
}

const useNarrow = (): boolean => {
  const [narrow, setNarrow] = useState(() => window.matchMedia("(max-width: 720px)").matches)
  useEffect(() => {
    const query = window.matchMedia("(max-width: 720px)")
    const change = () => setNarrow(query.matches)
    query.addEventListener("change", change)
    return () => query.removeEventListener("change", change)
  }, [])
  return narrow
}

interface RowProps {
  readonly row: Summary
  readonly index: number
  readonly start: number
  readonly active: boolean
  readonly marked: boolean
  readonly onMark: (id: string) => void
  readonly onOpen: (summary: Summary) => void
  readonly onActive: (id: string) => void
}

const Row = memo(({ active, index, marked, onActive, onMark, onOpen, row, start }: RowProps) => {
  const {
    asked,
    at,
    attempts,
    cache,
    error,
    firstToken,
    id,
    inputTokens,
    model,
    operation,
    outputTokens,
    parent,
    pipeline,
    provider,
    recorded,
    route,
    seq,
    status,
    streamed,
    took
  } = row
  const tokens =
    inputTokens === undefined && outputTokens === undefined
      ? undefined
      : `${inputTokens === undefined ? "?" : short(inputTokens)} → ${outputTokens === undefined ? "?" : short(outputTokens)}`
  return (
    <div
      id={`row-${seq}`}
      className="grid-row"
      role="row"
      aria-rowindex={index + 2}
      aria-selected={marked}
      data-active={active ? "" : undefined}
      data-marked={marked ? "" : undefined}
      data-failed={status >= 400 ? "" : undefined}
      data-id={id}
      style={{ transform: `translateY(${start}px)` }}
      onClick={(event) => {
        onActive(id)
        if (event.shiftKey || event.metaKey || event.ctrlKey) onMark(id)
        else onOpen(row)
      }}
    >
      <span role="gridcell" className="cell c-mark">
        <span
          className="mark"
          title="Mark to compare"
          onClick={(event) => {
            event.stopPropagation()
            onActive(id)
            onMark(id)
          }}
        >
          {marked && <Check aria-hidden />}
        </span>
        {marked && <span className="unseen">marked</span>}
      </span>
      <span role="gridcell" className="cell c-status">
        <Badge tone={toneOfStatus(status)}>{status}</Badge>
      </span>
      <span role="gridcell" className="cell c-time num" title={moment(at)}>
        {time(at)}
      </span>
      <span role="gridcell" className="cell c-model" title={error === undefined ? (model ?? asked ?? "") : error.message}>
        <span className="model-name">{model ?? asked ?? <span className="faint">{operation}</span>}</span>
        <span className="model-provider">{provider ?? ""}</span>
        {error !== undefined && <span className="model-error">{error.reason}</span>}
      </span>
      <span role="gridcell" className="cell c-route" title={route}>
        {route === "fork" ? <GitFork aria-hidden /> : route === "replay" ? <RotateCcw aria-hidden /> : undefined}
        <span className="clip">{parent === undefined ? route : `${route} of ${parent}`}</span>
        {streamed && <span className="tag">stream</span>}
      </span>
      <span role="gridcell" className="cell c-pipeline">
        <span className="clip">{pipeline}</span>
        {recorded && <Footprints className="walkable" aria-label="can be walked" role="img" />}
      </span>
      <span role="gridcell" className="cell c-cache">
        {cache === undefined ? <Dash /> : <Badge tone={toneOfCache(cache)}>{cache}</Badge>}
      </span>
      <span role="gridcell" className="cell c-attempts num" data-many={attempts !== undefined && attempts > 1 ? "" : undefined}>
        {attempts ?? <Dash />}
      </span>
      <span
        role="gridcell"
        className="cell c-tokens num"
        title={tokens === undefined ? "" : `${count(inputTokens)} in, ${count(outputTokens)} out`}
      >
        {tokens ?? <Unknown />}
      </span>
      <span role="gridcell" className="cell c-cost num">
        {row.cost === undefined ? <Unknown /> : cost(row.cost)}
      </span>
      <span role="gridcell" className="cell c-first num">
        {firstToken === undefined ? <Dash /> : duration(firstToken)}
      </span>
      <span role="gridcell" className="cell c-took num">
        {duration(took)}
        <Timing took={took} firstToken={firstToken} />
      </span>
    </div>
  )
})

const Unknown = () => <span className="faint">{unknown}</span>

const Dash = () => (
  <span className="dash">
    <span aria-hidden>–</span>
    <span className="unseen">none</span>
  </span>
)

/** How long it took, on a scale from 1 ms to a minute by powers of ten; the light part is the wait for the first token. */
const Timing = ({ firstToken, took }: { readonly took: number; readonly firstToken: number | undefined }) => {
  const place = (ms: number) => Math.max(2, Math.min(100, (Math.log10(Math.max(1, ms)) / Math.log10(60_000)) * 100))
  return (
    <span className="timing" aria-hidden>
      <i style={{ width: `${place(took)}%` }} />
      {firstToken !== undefined && <b style={{ width: `${Math.min(place(firstToken), place(took))}%` }} />}
    </span>
  )
}
