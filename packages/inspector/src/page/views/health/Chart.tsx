/**
 * One plot over time, on a canvas; with its numbers as a table for whoever cannot see it.
 *
 * @module
 */
import { ChartColumn, Table2 } from "lucide-react"
import { useEffect, useRef, useState } from "react"
import uPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import { useDark } from "../../app/theme.ts"
import { IconButton } from "../../ui/controls.tsx"
import { time } from "../../ui/format.ts"
import { useWidth } from "../../ui/measure.ts"
import { Table } from "../../ui/surfaces.tsx"
import { type Plot, rowsOf, stacked } from "./series.ts"

/** Told apart also by those who do not see all colours; light, dark. */
const colours = [
  ["#1463d6", "#6ea8ff"],
  ["#c2570c", "#f59a55"],
  ["#0b8a63", "#45c99a"],
  ["#8a3fc0", "#c394f5"],
  ["#b8860b", "#e6c04d"],
  ["#c2255c", "#f783ac"],
  ["#5f6979", "#9aa4b5"]
] as const

const height = 168

export const Chart = ({ plot, times }: { readonly plot: Plot; readonly times: ReadonlyArray<number> }) => {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box, 400)
  const dark = useDark()
  const [asTable, setAsTable] = useState(false)
  const [at, setAt] = useState<number>()
  const { kind, series, sum, title, write } = plot
  const colour = (index: number): string => colours[index % colours.length]![dark ? 1 : 0]
  const chart = useRef<uPlot>(undefined)
  const now = useRef(times)
  now.current = times
  const names = series.map(({ name }) => name).join("\n")

  useEffect(() => {
    if (asTable || box.current === null) return
    const ink = dark ? "#8b95a6" : "#5f6979"
    const line = dark ? "#242a34" : "#e9ecf1"
    const axis: uPlot.Axis = { stroke: ink, font: "11px sans-serif", grid: { stroke: line, width: 1 }, ticks: { show: false } }
    const made = new uPlot(
      {
        width,
        height,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: "health" }, points: { show: kind === "line" }, y: false, drag: { x: false, y: false } },
        scales: {
          x: { time: true, range: () => rangeOf(now.current) },
          y: { range: (_chart, _low, high) => [0, high > 0 ? high * 1.12 : 1] }
        },
        axes: [
          { ...axis, size: 26, space: 76, values: (_chart, splits) => splits.map(clockOf) },
          { ...axis, size: 62, space: 34, values: (_chart, values) => values.map((value) => write(value)) }
        ],
        series: [
          {},
          ...orderOf(plot).map((index): uPlot.Series => ({
            label: series[index]!.name,
            stroke: colour(index),
            width: kind === "bars" ? 0 : 1.75,
            ...(kind === "bars" && { fill: colour(index), paths: uPlot.paths.bars!({ size: [0.75, 26], radius: 0.12 }) }),
            points: { show: kind === "line", size: 4 },
            spanGaps: false
          }))
        ],
        hooks: { setCursor: [({ cursor: { idx } }) => setAt(idx ?? undefined)] }
      },
      dataOf(plot, times),
      box.current
    )
    chart.current = made
    return () => {
      chart.current = undefined
      made.destroy()
    }
    // New numbers come through `setData` below.
  }, [asTable, dark, width, names, kind])
  useEffect(() => chart.current?.setData(dataOf(plot, times)), [plot, times])

  const shown = at === undefined ? undefined : times[at]
  return (
    <section className="card plot" aria-label={title}>
      <div className="card-head">
        <h2>{title}</h2>
        <span className="dim num clip">{shown === undefined ? sum : time(shown)}</span>
        <span className="end">
          <IconButton
            icon={asTable ? <ChartColumn aria-hidden /> : <Table2 aria-hidden />}
            label={asTable ? `Show ${title} as a plot` : `Show ${title} as a table`}
            onPress={() => setAsTable(!asTable)}
          />
        </span>
      </div>
      {asTable ? (
        <PlotTable plot={plot} times={times} />
      ) : (
        <div className="plot-box" ref={box} role="img" aria-label={`${title}: ${sum}. The table has the numbers.`} />
      )}
      <ul className="legend">
        {series.map(({ name, values }, index) => (
          <li key={name}>
            <i style={{ background: colour(index) }} aria-hidden />
            {name === "" ? "unknown" : name}
            {at !== undefined && values[at] != null && <b className="num">{write(values[at])}</b>}
          </li>
        ))}
      </ul>
    </section>
  )
}

const PlotTable = ({ plot, times }: { readonly plot: Plot; readonly times: ReadonlyArray<number> }) => {
  const rows = rowsOf(plot, times)
  return (
    <div className="plot-table">
      {rows.length === 0 ? (
        <p className="faint">Nothing was measured in this time.</p>
      ) : (
        <Table
          caption={plot.title}
          head={["From", ...plot.series.map(({ name }) => (name === "" ? "unknown" : name))]}
          right={plot.series.map((_, index) => index + 1)}
          rows={rows.map(({ at, cells }) => [time(at), ...cells])}
        />
      )}
    </div>
  )
}

/** From the beginning of the first slot to the end of the last. */
const rangeOf = (times: ReadonlyArray<number>): [number, number] => {
  const [first, last] = [times[0] ?? 0, times.at(-1) ?? 1]
  return [first / 1000, (last + (last - first) / Math.max(1, times.length - 1)) / 1000]
}

const hours = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" })
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" })

/** A place on the axis of time: the hour, and at midnight the day. */
const clockOf = (seconds: number): string => {
  const text = hours.format(seconds * 1000)
  return text === "00:00" ? days.format(seconds * 1000) : text
}

/** Of stacked bars the highest are drawn first. */
const orderOf = ({ kind, series }: Plot): ReadonlyArray<number> => {
  const order = series.map((_, index) => index)
  return kind === "bars" ? order.toReversed() : order
}

const dataOf = (plot: Plot, times: ReadonlyArray<number>): uPlot.AlignedData => {
  const values = plot.kind === "bars" ? stacked(plot.series) : plot.series.map((series) => series.values)
  return [times.map((at) => at / 1000), ...orderOf(plot).map((index) => [...values[index]!])] as uPlot.AlignedData
}
