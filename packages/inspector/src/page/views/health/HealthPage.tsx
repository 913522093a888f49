/**
 * What requests took and cost over time, and how circuits, budgets and the cache stand.
 *
 * @module
 */
import { RefreshCw } from "lucide-react"
import { useEffect, useState } from "react"
import type { JsonObject } from "@plugline/core"
import type { Health, HealthQuery } from "../../../api.ts"
import * as client from "../../api/client.ts"
import { useResource } from "../../api/resource.ts"
import { replace, withQuery } from "../../app/route.ts"
import { IconButton, Segments, Select } from "../../ui/controls.tsx"
import { cost, count, many, moment, type Tone } from "../../ui/format.ts"
import { Badge, Empty, Failure, Loading, Table } from "../../ui/surfaces.tsx"
import { Chart } from "./Chart.tsx"
import { plotsOf, totals } from "./series.ts"
import "./health.css"

const spans = { "5m": 300_000, "15m": 900_000, "1h": 3_600_000, "6h": 21_600_000, "24h": 86_400_000, "7d": 604_800_000 } as const

type Span = keyof typeof spans

const groupings = [
  { key: "none", label: "all together" },
  { key: "provider", label: "provider" },
  { key: "model", label: "model" },
  { key: "pipeline", label: "pipeline" },
  { key: "tenant", label: "tenant" }
] as const

type By = NonNullable<HealthQuery["by"]>

/** How often it is asked for anew, in ms. */
const period = 10_000

const HealthPage = ({ query }: { readonly query: string }) => {
  const given = new URLSearchParams(query)
  const span = (Object.keys(spans) as ReadonlyArray<string>).includes(given.get("span") ?? "")
    ? (given.get("span") as Span)
    : "1h"
  const by = groupings.some(({ key }) => key === given.get("by")) ? (given.get("by") as By) : "provider"
  const [percentile, setPercentile] = useState<"p50" | "p95" | "p99">("p95")
  const { again, error, loading, value } = useResource(`health ${span} ${by}`, (signal) =>
    client.health({ since: Date.now() - spans[span], by }, signal)
  )
  useEffect(() => {
    const timer = window.setInterval(() => document.visibilityState === "visible" && again(), period)
    return () => window.clearInterval(timer)
  }, [again])
  const change = (changes: { readonly span?: string; readonly by?: string }) =>
    replace(withQuery("#/health", { span, by, ...changes }))
  return (
    <div className="page health">
      <div className="page-head">
        <div>
          <h1>Health</h1>
          <p>Calls, money and time, from the requests that are kept.</p>
        </div>
        <div className="end">
          <Segments<Span>
            label="How far back"
            value={span}
            onChange={(span) => change({ span })}
            items={(Object.keys(spans) as ReadonlyArray<Span>).map((key) => ({ key, label: key }))}
          />
          <Select label="By" items={groupings} value={by} onChange={(by) => change({ by })} />
          <Segments<"p50" | "p95" | "p99">
            label="Percentile"
            value={percentile}
            onChange={setPercentile}
            items={[
              { key: "p50", label: "p50" },
              { key: "p95", label: "p95" },
              { key: "p99", label: "p99" }
            ]}
          />
          <IconButton icon={<RefreshCw aria-hidden />} label="Ask anew" onPress={again} isDisabled={loading} />
        </div>
      </div>
      {value === undefined ? (
        error === undefined ? (
          <Loading what="Loading measurements" />
        ) : (
          <Failure error={error} again={again} />
        )
      ) : (
        <Measured health={value} percentile={percentile} />
      )}
    </div>
  )
}

export default HealthPage

const Measured = ({ health, percentile }: { readonly health: Health; readonly percentile: "p50" | "p95" | "p99" }) => {
  const all = totals(health)
  const tiles = [
    ["Calls", count(all.calls), undefined],
    [
      "Errors",
      all.calls === 0 ? "none" : `${((all.errors / all.calls) * 100).toFixed(1)} %`,
      `${count(all.errors)} of ${count(all.calls)}`
    ],
    ["Tokens", count(all.tokens), undefined],
    all.unpriced > 0 && all.cost === 0
      ? ["Cost", "unknown", `of ${many(all.unpriced, "call")}`]
      : ["Cost", cost(all.cost), all.unpriced > 0 ? `and ${many(all.unpriced, "call")} of unknown cost` : undefined],
    ["Saved", cost(all.saved), "by the cache"]
  ] as const
  return (
    <div className="stack">
      <dl className="tiles">
        {tiles.map(([name, value, note]) => (
          <div key={name} className="card">
            <dt>{name}</dt>
            <dd className="num">{value}</dd>
            {note !== undefined && <dd className="tile-note">{note}</dd>}
          </div>
        ))}
      </dl>
      {all.calls === 0 ? (
        <Empty title="No calls in this time">
          <p>
            Look further back, or send a request from the <a href="#/playground">playground</a>.
          </p>
        </Empty>
      ) : (
        <div className="plots">
          {plotsOf(health, percentile).map((plot) => (
            <Chart key={plot.key} plot={plot} times={health.times} />
          ))}
        </div>
      )}
      <Standing title="Circuits" none="No service has been asked yet." rows={health.circuits} first={["circuit", "state"]} />
      <Standing
        title="Limits and budgets"
        none="Nothing is limited, or it is not yours to see."
        rows={health.limits}
        first={["limit", "whose", "kind", "amount", "spent"]}
      />
      <Cache cache={health.cache} />
    </div>
  )
}

const tones: { readonly [state: string]: Tone } = { closed: "good", open: "bad", "half-open": "warn" }

/** Rows of plain fields, whatever their names. */
const Standing = ({
  first,
  none,
  rows,
  title
}: {
  readonly title: string
  readonly none: string
  readonly rows: ReadonlyArray<JsonObject>
  readonly first: ReadonlyArray<string>
}) => {
  const names = [...first, ...[...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !first.includes(name))]
  return (
    <section className="stack standing">
      <h2>{title}</h2>
      {rows.length === 0 ? (
        <p className="faint">{none}</p>
      ) : (
        <Table
          caption={title}
          head={names.map(spoken)}
          rows={rows.map((row) => names.map((name) => cell(name, row[name])))}
          right={names.flatMap((name, index) =>
            rows.every((row) => typeof row[name] === "number" || row[name] === undefined) ? [index] : []
          )}
        />
      )}
    </section>
  )
}

const spoken = (name: string): string =>
  name
    .replace(/([A-Z])/g, " $1")
    .toLowerCase()
    .replace(/^./, (letter) => letter.toUpperCase())

const cell = (name: string, value: JsonObject[string] | undefined) => {
  if (value === undefined || value === null) return ""
  if (name === "state" && typeof value === "string") return <Badge tone={tones[value] ?? "plain"}>{value}</Badge>
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) return moment(Date.parse(value))
  if (typeof value === "boolean") return value ? "yes" : "no"
  return typeof value === "object" ? <code>{JSON.stringify(value)}</code> : typeof value === "number" ? count(value) : value
}

const Cache = ({ cache }: { readonly cache: JsonObject }) => {
  const { stores, ...counts } = cache
  const names = Object.keys(counts)
  if (names.length === 0) return undefined
  return (
    <section className="stack standing">
      <h2>Cache</h2>
      <Table
        caption="Cache"
        head={names.map(spoken)}
        rows={[names.map((name) => (name === "savedCost" ? cost(String(counts[name])) : cell(name, counts[name])))]}
        right={names.map((_, index) => index)}
      />
      {Array.isArray(stores) && stores.length > 0 && (
        <Table
          caption="Stores of the cache"
          head={Object.keys(stores[0] as JsonObject).map(spoken)}
          rows={(stores as ReadonlyArray<JsonObject>).map((store) =>
            Object.entries(store).map(([name, value]) => cell(name, value))
          )}
        />
      )}
    </section>
  )
}
