/**
 * Two runs side by side, plug by plug: what is not the same stands out, and nothing else.
 *
 * @module
 */
import { ArrowLeftRight, Equal } from "lucide-react"
import { useMemo, useState } from "react"
import type { Diff } from "@plugline/core"
import type { Recorded, Summary } from "../../../api.ts"
import { compare, type ComparedStep, type Comparison } from "../../../model/compare.ts"
import type { Visit } from "../../../model/walk.ts"
import { useRecorded } from "../../api/recordings.ts"
import { to } from "../../app/route.ts"
import { Switch } from "../../ui/controls.tsx"
import { sizeOf } from "../../ui/changes.ts"
import { Changes } from "../../ui/diff.tsx"
import { cost, count, duration, many, moment, toneOfStatus, unknown } from "../../ui/format.ts"
import { LongText } from "../../ui/json.tsx"
import { WordDiff } from "../../ui/talk.tsx"
import { Badge, Failure, Loading, Notice } from "../../ui/surfaces.tsx"
import { OutcomeIcon, sayingOf, toneOfOutcome, ways } from "../trace/walk/outcomes.tsx"
import { ForkSays } from "../trace/replay/ForkSays.tsx"
import { news } from "./news.ts"
import "../trace/walk/walk.css"
import "./compare.css"

const names = ["first run", "second run"] as const

const ComparePage = ({ a, b }: { readonly a: string; readonly b: string }) => {
  const [first, second] = [useRecorded(a), useRecorded(b)]
  const error = first.error ?? second.error
  if (error !== undefined) return <Failure error={error} again={first.error === undefined ? second.again : first.again} />
  if (first.value === undefined || second.value === undefined) return <Loading what="Loading both runs" />
  return <Both a={first.value} b={second.value} />
}

export default ComparePage

const Both = ({ a, b }: { readonly a: Recorded; readonly b: Recorded }) => {
  const comparison = useMemo(() => compare(a, b), [a, b])
  const told = useMemo(() => news(a, b), [a, b])
  const { final, pipeline, request, same, steps, text } = comparison
  const differ = steps.filter((step) => isLoud(step, told)).length
  return (
    <div className="page compare">
      <div className="page-head">
        <div>
          <h1>Compare two runs</h1>
          <p>
            {same
              ? "They went the same way, step by step."
              : `Something new differs at ${count(differ)} of ${many(steps.length, "step")}.`}
          </p>
        </div>
        <div className="end">
          <a className="button" href={to("compare", b.summary.id, a.summary.id)}>
            <ArrowLeftRight aria-hidden />
            Swap
          </a>
        </div>
      </div>
      <div className="sides">
        <Side summary={a.summary} name="First" />
        <Side summary={b.summary} name="Second" other={a.summary} />
      </div>
      {b.fork !== undefined && b.summary.parent === a.summary.id && <ForkSays fork={b.fork} />}
      {same && (
        <Notice tone="good" title="Equal">
          <p>Every plug was handed the same request in both runs and did the same with it. Ids and times do not count.</p>
        </Notice>
      )}
      {sizeOf(request) > 0 && (
        <Part title="What was asked" diff={request}>
          <Changes diff={request} before={a.request} after={b.request} names={names} />
        </Part>
      )}
      {sizeOf(pipeline) > 0 && (
        <Part title="The pipeline" diff={pipeline}>
          <Changes diff={pipeline} names={names} />
        </Part>
      )}
      <Steps steps={steps} told={told} />
      <Answers text={text} />
      {sizeOf(final) > 0 && (
        <Part title="How it ended" diff={final} closed>
          <Changes diff={final} names={names} />
        </Part>
      )}
    </div>
  )
}

const Side = ({ name, other, summary }: { readonly summary: Summary; readonly name: string; readonly other?: Summary }) => {
  const { asked, at, id, model, operation, provider, route, status, took } = summary
  const fact = (label: string, value: string, before: string | undefined) => (
    <div data-differs={before !== undefined && before !== value ? "" : undefined}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  )
  const tokens = (of: Summary) =>
    of.inputTokens === undefined && of.outputTokens === undefined
      ? unknown
      : `${count(of.inputTokens)} in, ${count(of.outputTokens)} out`
  return (
    <section className="card side" aria-label={`${name} run`}>
      <div className="card-head">
        <Badge tone={toneOfStatus(status)}>{status}</Badge>
        <h2 className="clip">{model ?? asked ?? operation}</h2>
        <span className="dim clip">{provider}</span>
        <span className="end">
          {(route === "fork" || route === "replay") && <Badge tone="violet">{route}</Badge>}
          <a href={to("traces", id, "walk")}>walk</a>
        </span>
      </div>
      <dl className="side-facts">
        {fact("Run", id, undefined)}
        {fact("When", moment(at), undefined)}
        {fact("Latency", duration(took), undefined)}
        {fact("Tokens", tokens(summary), other === undefined ? undefined : tokens(other))}
        {fact("Cost", cost(summary.cost), other === undefined ? undefined : cost(other.cost))}
        {fact("Cache", summary.cache ?? "none", other === undefined ? undefined : (other.cache ?? "none"))}
        {fact(
          "Attempts",
          summary.attempts === undefined ? "none" : String(summary.attempts),
          other === undefined ? undefined : other.attempts === undefined ? "none" : String(other.attempts)
        )}
      </dl>
    </section>
  )
}

const Part = ({
  children,
  closed = false,
  diff,
  title
}: {
  readonly title: string
  readonly diff: Diff.Diff
  readonly closed?: boolean
  readonly children: React.ReactNode
}) => (
  <details className="card compare-part" open={!closed}>
    <summary>
      <h2>{title}</h2>
      <Badge tone="warn">{many(sizeOf(diff), "difference")}</Badge>
    </summary>
    <div className="card-body">{children}</div>
  </details>
)

const Steps = ({ steps, told }: { readonly steps: ReadonlyArray<ComparedStep>; readonly told: Told }) => {
  const [all, setAll] = useState(false)
  const groups: Array<ComparedStep | ReadonlyArray<ComparedStep>> = []
  for (const step of steps) {
    const last = groups.at(-1)
    if (all || isLoud(step, told)) groups.push(step)
    else if (isRun(last)) groups[groups.length - 1] = [...last, step]
    else groups.push([step])
  }
  return (
    <section className="card" aria-label="Step by step">
      <div className="card-head">
        <h2>Step by step</h2>
        <span className="dim hide-small">each difference stands where it first appears</span>
        <span className="end">
          <Switch value={all} onChange={setAll}>
            Show every step
          </Switch>
        </span>
      </div>
      <ol className="compared-list">
        {groups.map((group, index) =>
          isRun(group) ? (
            <li key={index} className="equal-run">
              <Equal aria-hidden />
              <span>{group.map(({ name }) => name).join(", ")}</span>
              <span className="faint">nothing new in {many(group.length, "step")}</span>
            </li>
          ) : (
            <Compared key={group.id} step={group} told={told} />
          )
        )}
      </ol>
    </section>
  )
}

type Told = ReturnType<typeof news>

const isRun = (group: ComparedStep | ReadonlyArray<ComparedStep> | undefined): group is ReadonlyArray<ComparedStep> =>
  Array.isArray(group)

const freshOf = ({ id }: ComparedStep, told: Told): number => told.get(id)?.reduce((sum, { diff }) => sum + sizeOf(diff), 0) ?? 0

const carriedOf = ({ id }: ComparedStep, told: Told): number => told.get(id)?.reduce((sum, { carried }) => sum + carried, 0) ?? 0

/** Whether something new differs at a step, or it differs in another way than by what it was handed. */
const isLoud = (step: ComparedStep, told: Told): boolean =>
  step.state !== "same"
  && (step.state !== "different" || step.outcomes !== undefined || freshOf(step, told) > 0 || carriedOf(step, told) === 0)

const says = {
  same: "equal",
  different: "differs",
  "only-a": "only in the first run",
  "only-b": "only in the second run"
} as const

const Compared = ({ step, told }: { readonly step: ComparedStep; readonly told: Told }) => {
  const { a, attempt, b, id, name, outcomes, path, state } = step
  const [fresh, carried] = [freshOf(step, told), carriedOf(step, told)]
  const loud = isLoud(step, told)
  return (
    <li className="compared" data-state={loud || state === "same" ? state : "carries"}>
      <details open={loud}>
        <summary>
          <Outcome visit={a} />
          <Outcome visit={b} />
          <strong>{name}</strong>
          {attempt > 1 && <span className="visit-note">visit {attempt}</span>}
          <code className="faint">{path}</code>
          {!loud && state === "different" ? (
            <span className="faint">nothing new</span>
          ) : (
            <Badge tone={state === "same" ? "plain" : state === "different" ? "warn" : "info"}>{says[state]}</Badge>
          )}
          {outcomes !== undefined && (
            <span className="dim">
              {outcomes[0]} in the first, {outcomes[1]} in the second
            </span>
          )}
        </summary>
        <div className="compared-body">
          {told.get(id)?.map(
            ({ a, b, diff, direction }, index) =>
              sizeOf(diff) > 0 && (
                <div key={index} className="compared-half">
                  <h3 className="way" data-direction={direction}>
                    {ways[direction]}
                  </h3>
                  <Changes diff={diff} before={a} after={b} names={names} />
                </div>
              )
          )}
          {carried > 0 && fresh === 0 && <p className="faint compared-note">It carries along what differed before.</p>}
          {state === "different" && fresh + carried === 0 && a !== undefined && b !== undefined && (
            <p className="dim">
              {a.name === b.name ? "It was made with other options." : `It is another plug: ${a.name}, ${b.name}.`}
            </p>
          )}
          {(state === "only-a" || state === "only-b") && (
            <p className="dim">
              {name} {sayingOf((a ?? b)!.outcome)} there; the other run never came to it.
            </p>
          )}
          {state === "same" && <p className="dim">Handed the same, did the same.</p>}
        </div>
      </details>
    </li>
  )
}

const Outcome = ({ visit }: { readonly visit: Visit | undefined }) => (
  <span
    className="compared-outcome"
    data-tone={visit === undefined ? "none" : toneOfOutcome(visit.outcome)}
    title={visit === undefined ? "not visited" : sayingOf(visit.outcome)}
  >
    <span className="visit-node">{visit !== undefined && <OutcomeIcon outcome={visit.outcome} />}</span>
  </span>
)

const Answers = ({ text: { a, b } }: { readonly text: Comparison["text"] }) => (
  <section className="card" aria-label="Answers">
    <div className="card-head">
      <h2>Answers</h2>
      {a === b && <Badge tone="good">equal</Badge>}
    </div>
    {a === b ? (
      <div className="card-body plain-text">
        {a === "" ? <span className="faint">Neither answered with a text.</span> : <LongText text={a} limit={2_000} />}
      </div>
    ) : (
      <div className="card-body">
        <WordDiff before={a} after={b} />
      </div>
    )}
  </section>
)
