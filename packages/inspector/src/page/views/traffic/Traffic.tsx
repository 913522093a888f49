/**
 * The live list of requests: searched, narrowed down, paused, walked through with the keyboard.
 *
 * @module
 */
import { Pause, Play, Radio, SearchX, X } from "lucide-react"
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react"
import type { Summary } from "../../../api.ts"
import * as client from "../../api/client.ts"
import { useResource } from "../../api/resource.ts"
import { type Filter, filterNames } from "../../api/rows.ts"
import { Traffic as Store } from "../../api/traffic.ts"
import { go, replace, to, withQuery } from "../../app/route.ts"
import { useVisitor } from "../../app/session.tsx"
import { Button, SearchBox, Select } from "../../ui/controls.tsx"
import { count, many } from "../../ui/format.ts"
import { Code, Empty, Failure, Loading } from "../../ui/surfaces.tsx"
import { Grid } from "./Grid.tsx"
import "./traffic.css"

/** `query`: the filter, as it stands in the address. */
export const Traffic = ({ query }: { readonly query: string }) => {
  const filter = useMemo(() => filterOf(query), [query])
  const store = useMemo(() => new Store(filter), [filter])
  useEffect(() => {
    store.open()
    return () => store.close()
  }, [store])
  const state = useSyncExternalStore(store.subscribe, store.snapshot)
  const [marked, setMarked] = useState<ReadonlyArray<string>>([])
  const mark = useCallback(
    (id: string) => setMarked((now) => (now.includes(id) ? now.filter((each) => each !== id) : [...now, id].slice(-2))),
    []
  )
  const further = useCallback(() => void store.older(), [store])
  useSlash()
  const filtered = Object.keys(filter).length > 0
  const change = (changes: Partial<Record<keyof Filter, string>>) => replace(withQuery("#/traffic", { ...filter, ...changes }))
  const { connection, error, more, paused, phase, rows, total, waiting } = state

  return (
    <div className="traffic">
      <h1 className="unseen">Traffic</h1>
      <Filters filter={filter} rows={rows} onChange={change}>
        <Status connection={connection} paused={paused} />
        <Button
          icon={paused ? <Play aria-hidden /> : <Pause aria-hidden />}
          onPress={() => store.pause(!paused)}
          aria-pressed={paused}
        >
          {paused ? (waiting === 0 ? "Resume" : `Show ${count(waiting)} new`) : "Pause"}
        </Button>
      </Filters>
      {phase === "loading" && <Loading what="Loading requests" />}
      {phase === "failed" && <Failure error={error} again={() => store.open()} />}
      {phase === "ready"
        && rows.length === 0
        && (filtered ? <NothingFound onClear={() => replace("#/traffic")} /> : <NothingYet />)}
      {phase === "ready" && rows.length > 0 && (
        <>
          <Grid rows={rows} marked={marked} onMark={mark} onOpen={open} onEnd={further} />
          <footer className="traffic-foot num">
            <span>
              {many(rows.length, "request")}
              {more && <span className="faint"> of {count(total)}</span>}
            </span>
            <span className="hide-small keys">
              <kbd>↑</kbd>
              <kbd>↓</kbd> move <kbd>↵</kbd> walk <kbd>x</kbd> mark to compare <kbd>/</kbd> search
            </span>
          </footer>
        </>
      )}
      {marked.length > 0 && (
        <div className="marked" role="region" aria-label="Marked requests">
          <span role="status">{marked.length === 1 ? "One request marked; mark another to compare" : "Two requests marked"}</span>
          <Button kind="main" isDisabled={marked.length !== 2} onPress={() => go(to("compare", ...older(marked, rows)))}>
            Compare
          </Button>
          <Button kind="plain" icon={<X aria-hidden />} onPress={() => setMarked([])}>
            Clear
          </Button>
        </div>
      )}
    </div>
  )
}

/** What came first is the first of two that are compared. */
const older = (marked: ReadonlyArray<string>, rows: ReadonlyArray<Summary>): ReadonlyArray<string> => {
  const seq = new Map(rows.map((row) => [row.id, row.seq]))
  return marked.toSorted((a, b) => (seq.get(a) ?? 0) - (seq.get(b) ?? 0))
}

const open = (summary: Summary): void => go(to("traces", summary.id, "walk"))

const filterOf = (query: string): Filter => {
  const given = new URLSearchParams(query)
  return Object.fromEntries(
    filterNames.flatMap((name) => {
      const value = given.get(name)
      return value === null || value === "" ? [] : [[name, value]]
    })
  )
}

/** `/` leads to the search from anywhere but a field. */
const useSlash = (): void => {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const inField = event.target instanceof HTMLElement && event.target.matches("input, textarea, [contenteditable=true]")
      if (event.key !== "/" || inField || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      document.querySelector<HTMLInputElement>("input[data-search]")?.focus()
    }
    window.addEventListener("keydown", press)
    return () => window.removeEventListener("keydown", press)
  }, [])
}

const Filters = ({
  children,
  filter,
  onChange,
  rows
}: {
  readonly filter: Filter
  readonly rows: ReadonlyArray<Summary>
  readonly onChange: (changes: Partial<Record<keyof Filter, string>>) => void
  readonly children: React.ReactNode
}) => {
  const [text, setText] = useState(filter.q ?? "")
  const wanted = useRef(onChange)
  wanted.current = onChange
  // What was typed goes to the address after a while; an address that changes by other means comes back into the field.
  const told = useRef(filter.q ?? "")
  useEffect(() => {
    if ((filter.q ?? "") === told.current) return
    told.current = filter.q ?? ""
    setText(told.current)
  }, [filter.q])
  useEffect(() => {
    if (text === told.current) return
    const timer = window.setTimeout(() => {
      told.current = text
      wanted.current({ q: text })
    }, 220)
    return () => window.clearTimeout(timer)
  }, [text])
  const facets = useFacets(rows, filter)
  return (
    <div className="filters" role="search">
      <div className="filters-search">
        <SearchBox
          label="Search requests"
          placeholder="Search id, model, route, error, tenant"
          hint="/"
          value={text}
          onChange={setText}
        />
      </div>
      <div className="filters-selects">
        <Select
          label="Status"
          all="any"
          items={statuses}
          value={filter.status ?? ""}
          onChange={(status) => onChange({ status })}
        />
        {(["provider", "model", "pipeline", "cache", "tenant"] as const).map(
          (name) =>
            facets[name].length > 1 && (
              <Select
                key={name}
                label={name.replace(/^./, (first) => first.toUpperCase())}
                all="any"
                items={facets[name].map((value) => ({ key: value, label: value }))}
                value={filter[name] ?? ""}
                onChange={(value) => onChange({ [name]: value })}
              />
            )
        )}
      </div>
      <div className="filters-end">{children}</div>
    </div>
  )
}

const statuses = [
  { key: "ok", label: "answered" },
  { key: "error", label: "any error" },
  { key: "429", label: "429 too many" },
  { key: "499", label: "499 client left" },
  { key: "500", label: "500 failed" },
  { key: "504", label: "504 too late" }
]

const facetNames = ["provider", "model", "pipeline", "cache", "tenant"] as const

/** What can be chosen: what was seen so far, also by an earlier, wider look. */
const useFacets = (rows: ReadonlyArray<Summary>, filter: Filter) => {
  const seen = useRef<Record<(typeof facetNames)[number], Set<string>>>({
    provider: new Set(),
    model: new Set(),
    pipeline: new Set(),
    cache: new Set(),
    tenant: new Set()
  })
  return useMemo(() => {
    for (const name of facetNames) {
      for (const row of rows) {
        const value = row[name]
        if (value !== undefined && seen.current[name].size < 200) seen.current[name].add(value)
      }
      // What is chosen can be seen, and taken back.
      const chosen = filter[name]
      if (chosen !== undefined) seen.current[name].add(chosen).add("")
    }
    const listed = (name: (typeof facetNames)[number]) =>
      [...seen.current[name]].filter((value) => value !== "" || filter[name] !== undefined).sort()
    return {
      provider: listed("provider"),
      model: listed("model"),
      pipeline: listed("pipeline"),
      cache: listed("cache"),
      tenant: listed("tenant")
    }
  }, [rows, filter])
}

const Status = ({ connection, paused }: { readonly connection: "connecting" | "live" | "lost"; readonly paused: boolean }) => {
  const [tone, text] =
    connection === "lost"
      ? (["bad", "Connection lost, trying again"] as const)
      : connection === "connecting"
        ? (["warn", "Connecting"] as const)
        : paused
          ? (["warn", "Paused"] as const)
          : (["good", "Live"] as const)
  return (
    <span className="live" role="status">
      <span className="dot" data-tone={tone} data-live={connection === "live" && !paused ? "" : undefined} />
      {text}
    </span>
  )
}

const NothingFound = ({ onClear }: { readonly onClear: () => void }) => (
  <Empty icon={<SearchX aria-hidden />} title="No request fits">
    <p>Nothing that is kept matches this search and these filters. New requests that do will appear here.</p>
    <Button onPress={onClear}>Clear all filters</Button>
  </Empty>
)

const NothingYet = () => {
  const { may, session } = useVisitor()
  const { value: models = [] } = useResource(may("models") ? "models" : undefined, (signal) =>
    client.models(signal).catch(() => [])
  )
  const model = models.find((id) => id.startsWith("local/")) ?? models[0]
  const body = { ...(model !== undefined && { model }), messages: [{ role: "user", content: "What is 6 times 7?" }] }
  const curl = [
    `curl ${client.origin()}/v1/chat/completions`,
    ...(session?.open === true ? [] : ["-H 'authorization: Bearer YOUR_KEY'"]),
    "-H 'content-type: application/json'",
    `-d '${JSON.stringify(body)}'`
  ].join(" \\\n  ")
  return (
    <Empty icon={<Radio aria-hidden />} title="Waiting for the first request">
      <p>Send one to this gateway and it shows up here at once, ready to be walked plug by plug.</p>
      <Code text={curl} label="A first request, as curl" />
      <p>
        Or ask from the <a href="#/playground">playground</a>.
      </p>
    </Empty>
  )
}
