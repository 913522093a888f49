/**
 * Runs a recorded request another way: another request from some step on, other options for a plug, another line of plugs.
 *
 * @module
 */
import { GitFork } from "lucide-react"
import { lazy, Suspense, useMemo, useState } from "react"
import type { JsonValue as Json } from "@plugline/core"
import type { Recorded } from "../../../../api.ts"
import { steps as stepsOf, type WalkStep } from "../../../../model/steps.ts"
import { walk } from "../../../../model/walk.ts"
import * as client from "../../../api/client.ts"
import { put } from "../../../api/recordings.ts"
import { useResource } from "../../../api/resource.ts"
import { go, to } from "../../../app/route.ts"
import { Button, Segments, Select } from "../../../ui/controls.tsx"
import { Confirm } from "../../../ui/dialog.tsx"
import { many } from "../../../ui/format.ts"
import { Loading, Notice } from "../../../ui/surfaces.tsx"
import { editable, type Edits, editsOf, type Entry, forkOf, isIdle, lineOf, placesOf, sameLine } from "./edits.ts"
import { LineEditor } from "./LineEditor.tsx"

const JsonEditor = lazy(() => import("../../../ui/JsonEditor.tsx"))

type What = "request" | "options" | "line"

const nothing: Edits = { set: [], unset: [] }

/** JSON that somebody types, read as far as it can be. */
const read = (text: string): { readonly value?: Json; readonly error?: string } => {
  try {
    return { value: JSON.parse(text) as Json }
  } catch (thrown) {
    return { error: thrown instanceof Error ? thrown.message : String(thrown) }
  }
}

const pretty = (value: unknown): string => JSON.stringify(value, undefined, 2)

export const ForkForm = ({ recorded }: { readonly recorded: Recorded }) => {
  const places = useMemo(() => stepsOf(walk(recorded)).filter(({ direction }) => direction === "down"), [recorded])
  const [from, setFrom] = useState("")
  const [what, setWhat] = useState<What>("request")
  const [upstream, setUpstream] = useState<"recorded" | "live">("recorded")
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()

  const place = places.find(({ visit }) => visit.id === from)
  const given = useMemo(() => editable(place?.before ?? recorded.request, upstream === "live"), [place, recorded, upstream])
  const [texts, setTexts] = useState<{ readonly of: object; readonly text: string }>({ of: given, text: pretty(given) })
  const text = texts.of === given ? texts.text : pretty(given)
  const typed = read(text)
  const edits = typed.value === undefined ? nothing : editsOf(given as Json, typed.value)

  const [options, setOptions] = useState<{ readonly [path: string]: string }>({})
  const changedOptions = useMemo(() => optionsOf(recorded, options), [recorded, options])

  const { value: known } = useResource("pipelines", (signal) => client.pipelines(signal))
  const written = useMemo(() => lineOf(recorded.pipeline, known?.plugs ?? []), [recorded, known])
  const [line, setLine] = useState<ReadonlyArray<Entry>>()
  const changedLine = line !== undefined && !sameLine(line, written) ? line : undefined

  const fork = forkOf({
    at: place === undefined ? undefined : { path: place.visit.path, attempt: place.visit.attempt },
    edits,
    options: changedOptions.good,
    line: changedLine,
    upstream
  })
  const broken = typed.error ?? changedOptions.error
  const ready = broken === undefined && !isIdle(fork) && !busy
  const run = async () => {
    setBusy(true)
    setError(undefined)
    try {
      const { forked } = await client.fork(recorded.summary.id, fork)
      put(forked)
      go(to("compare", recorded.summary.id, forked.summary.id))
    } catch (thrown) {
      setError(thrown)
      setBusy(false)
    }
  }
  const button = (
    <Button
      kind="main"
      icon={<GitFork aria-hidden />}
      isDisabled={!ready}
      {...(upstream === "recorded" && { onPress: () => void run() })}
    >
      {busy ? "Running" : "Run the fork"}
    </Button>
  )
  return (
    <section className="card fork" aria-label="Fork">
      <div className="card-head">
        <h2>Fork</h2>
        <span className="dim hide-small">change something and see what it leads to</span>
      </div>
      <div className="card-body stack">
        <div className="fork-row">
          <Select
            label="The request is changed"
            shown="above"
            all="before the first plug"
            items={places.map((step) => ({ key: step.visit.id, label: labelOf(step) }))}
            value={from}
            onChange={setFrom}
          />
          <div className="field">
            <span className="field-label">What to change</span>
            <Segments<What>
              label="What to change"
              value={what}
              onChange={setWhat}
              items={[
                { key: "request", label: "Request", ...count(edits.set.length + edits.unset.length) },
                { key: "options", label: "Plug options", ...count(changedOptions.good.length) },
                { key: "line", label: "List of plugs", ...count(changedLine === undefined ? 0 : 1) }
              ]}
            />
          </div>
        </div>
        <Suspense fallback={<Loading what="Loading the editor" />}>
          {what === "request" && (
            <div className="field">
              <span className="field-label">
                The request {place === undefined ? "as it was asked" : `as ${place.visit.name} was handed it`}
              </span>
              <JsonEditor
                key={from + upstream}
                label="Request as JSON"
                value={text}
                onChange={(text) => setTexts({ of: given, text })}
                tall
              />
            </div>
          )}
          {what === "options" && (
            <Options
              recorded={recorded}
              texts={options}
              onChange={(path, text) => setOptions((now) => ({ ...now, [path]: text }))}
            />
          )}
          {what === "line"
            && (known === undefined ? (
              <Loading what="Loading the plugs" />
            ) : (
              <LineEditor
                line={line ?? written}
                shipped={known.plugs}
                onChange={setLine}
                onReset={() => setLine(undefined)}
                changed={changedLine !== undefined}
              />
            ))}
        </Suspense>
        <Summary edits={edits} broken={broken} optionsChanged={changedOptions.good.map(({ path }) => path)} line={changedLine} />
        {error !== undefined && (
          <Notice tone="bad" title="It could not be run">
            <p>{error instanceof Error ? error.message : String(error)}</p>
          </Notice>
        )}
        <div className="fork-end">
          <Segments<"recorded" | "live">
            label="Who answers"
            value={upstream}
            onChange={setUpstream}
            items={[
              { key: "recorded", label: "Recorded upstream" },
              { key: "live", label: "Live upstream" }
            ]}
          />
          <span className="dim grow">
            {upstream === "recorded"
              ? "Services answer as they were recorded; nothing is charged."
              : "Services are asked anew, under your own limits; it costs money."}
          </span>
          {upstream === "live" && ready ? (
            <Confirm trigger={button} title="Ask services for real?" action="Run it, and pay" onConfirm={() => void run()}>
              <p>
                This sends the changed request to {recorded.summary.provider ?? "the provider"} and whoever else the pipeline
                asks. Its tokens are charged like those of any other request.
              </p>
            </Confirm>
          ) : (
            button
          )}
        </div>
      </div>
    </section>
  )
}

const count = (number: number): { readonly count?: number } => (number === 0 ? {} : { count: number })

const labelOf = ({ visit: { attempt, name, path } }: WalkStep): string =>
  `where it comes to ${name} (${path}${attempt > 1 ? `, visit ${attempt}` : ""})`

/** Options that were typed and are other ones than the recorded, and the first that cannot be read. */
const optionsOf = (recorded: Recorded, texts: { readonly [path: string]: string }) => {
  const places = new Map(placesOf(recorded.pipeline).map(({ node, path }) => [path, node]))
  const good: Array<{ readonly path: string; readonly options: { readonly [name: string]: Json } }> = []
  let error: string | undefined
  for (const [path, text] of Object.entries(texts)) {
    const { error: wrong, value } = read(text)
    if (wrong !== undefined) error ??= `options of ${places.get(path)?.name ?? path}: ${wrong}`
    else if (typeof value !== "object" || value === null || Array.isArray(value))
      error ??= `options of ${places.get(path)?.name ?? path} must be an object`
    else if (JSON.stringify(value) !== JSON.stringify(places.get(path)?.options ?? {}))
      good.push({ path, options: value as { readonly [name: string]: Json } })
  }
  return { good, error }
}

const Options = ({
  onChange,
  recorded,
  texts
}: {
  readonly recorded: Recorded
  readonly texts: { readonly [path: string]: string }
  readonly onChange: (path: string, text: string) => void
}) => {
  const places = useMemo(() => placesOf(recorded.pipeline), [recorded])
  const [path, setPath] = useState(() => (places.find(({ node }) => node.options !== null) ?? places[0])?.path ?? "")
  const place = places.find((each) => each.path === path)
  return (
    <div className="stack">
      <Select
        label="Plug"
        shown="above"
        items={places.map(({ node, path }) => ({ key: path, label: `${node.name} (${path})` }))}
        value={path}
        onChange={setPath}
      />
      {place !== undefined && (
        <div className="field">
          <span className="field-label">Options of {place.node.name}</span>
          <JsonEditor
            key={path}
            label={`Options of ${place.node.name}`}
            value={texts[path] ?? pretty(place.node.options ?? {})}
            onChange={(text) => onChange(path, text)}
          />
        </div>
      )}
    </div>
  )
}

const Summary = ({
  broken,
  edits,
  line,
  optionsChanged
}: {
  readonly edits: Edits
  readonly broken: string | undefined
  readonly optionsChanged: ReadonlyArray<string>
  readonly line: ReadonlyArray<Entry> | undefined
}) => {
  if (broken !== undefined)
    return (
      <p className="fork-broken" role="alert">
        This JSON cannot be read yet: {broken}
      </p>
    )
  const says = [
    ...edits.set.map(({ path }) => path),
    ...edits.unset.map((path) => `${path} taken out`),
    ...optionsChanged.map((path) => `options of the plug at ${path}`),
    ...(line === undefined ? [] : [`a line of ${many(line.length, "plug")}`])
  ]
  return (
    <p className="fork-summary" role="status">
      {says.length === 0 ? (
        <span className="faint">Nothing is changed yet.</span>
      ) : (
        <>
          Changed:{" "}
          {says.map((each, index) => (
            <code key={index}>{each}</code>
          ))}
        </>
      )}
    </p>
  )
}
