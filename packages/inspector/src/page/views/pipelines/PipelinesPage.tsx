/**
 * Every configured pipeline, drawn: its plugs with their options and levels, what it needs, and what was checked.
 *
 * @module
 */
import { CircleCheck, CircleX, GitCompare, Play } from "lucide-react"
import { useState } from "react"
import type { PipelineView, ShippedPlug } from "../../../api.ts"
import * as client from "../../api/client.ts"
import { useResource } from "../../api/resource.ts"
import { go, to, withQuery } from "../../app/route.ts"
import { useVisitor } from "../../app/session.tsx"
import { Button, CopyButton, Select } from "../../ui/controls.tsx"
import { many } from "../../ui/format.ts"
import { Badge, Empty, Failure, Loading } from "../../ui/surfaces.tsx"
import { differing, pair } from "./align.ts"
import { Line, Pair } from "./Line.tsx"
import "./pipelines.css"

const PipelinesPage = ({ name, other }: { readonly name: string | undefined; readonly other: string | undefined }) => {
  const { again, error, value } = useResource("pipelines", (signal) => client.pipelines(signal))
  if (value === undefined)
    return error === undefined ? <Loading what="Loading pipelines" /> : <Failure error={error} again={again} />
  const { pipelines, plugs } = value
  const shown = pipelines.find((each) => each.name === name) ?? (name === undefined ? pipelines[0] : undefined)
  const beside = other === undefined ? undefined : pipelines.find((each) => each.name === other)
  return (
    <div className="pipelines">
      <nav className="pipelines-list" aria-label="Pipelines">
        <h1>Pipelines</h1>
        <ul>
          {pipelines.map((each) => {
            const bad = each.checks.filter(({ ok }) => !ok).length
            return (
              <li key={each.name}>
                <a href={to("pipelines", each.name)} aria-current={each === shown ? "page" : undefined}>
                  <span className="row">
                    <strong className="clip grow">{each.name}</strong>
                    {bad > 0 && <Badge tone="bad">{many(bad, "problem")}</Badge>}
                  </span>
                  <span className="faint">
                    {many(sizeOf(each), "plug")}, {many(each.routes.length, "route")}
                  </span>
                </a>
              </li>
            )
          })}
        </ul>
      </nav>
      <div
        className="pipelines-main"
        tabIndex={0}
        role="region"
        aria-label={shown === undefined ? "Pipeline" : `Pipeline ${shown.name}`}
      >
        {shown === undefined ? (
          <Empty title={`There is no pipeline “${name}”`}>
            <p>It may have been taken out of the configuration.</p>
          </Empty>
        ) : beside === undefined ? (
          <One pipeline={shown} all={pipelines} plugs={plugs} />
        ) : (
          <Two a={shown} b={beside} plugs={plugs} all={pipelines} />
        )}
      </div>
    </div>
  )
}

export default PipelinesPage

const sizeOf = ({ tree }: PipelineView): number => {
  const count = (nodes: PipelineView["tree"]): number =>
    nodes.reduce((sum, { children }) => sum + 1 + Object.values(children).reduce((inside, line) => inside + count(line), 0), 0)
  return count(tree)
}

const CompareTo = ({
  all,
  name,
  other = ""
}: {
  readonly all: ReadonlyArray<PipelineView>
  readonly name: string
  readonly other?: string
}) => (
  <Select
    label="Compare with"
    all="none"
    items={all.filter((each) => each.name !== name).map((each) => ({ key: each.name, label: each.name }))}
    value={other}
    onChange={(chosen) => go(chosen === "" ? to("pipelines", name) : to("pipelines", name, chosen))}
  />
)

const One = ({
  all,
  pipeline,
  plugs
}: {
  readonly pipeline: PipelineView
  readonly all: ReadonlyArray<PipelineView>
  readonly plugs: ReadonlyArray<ShippedPlug>
}) => {
  const { checks, hash, name, needs, routes, tree } = pipeline
  const { may } = useVisitor()
  return (
    <>
      <div className="page-head">
        <div>
          <h2 className="pipeline-name">{name}</h2>
          <p className="pipeline-hash">
            <span>hash</span> <code title={hash}>{hash.slice(0, 12)}</code>
            <CopyButton icon text={hash} label="Copy the whole hash" />
          </p>
        </div>
        <div className="end">
          {all.length > 1 && <CompareTo all={all} name={name} />}
          {may("chat") && (
            <a className="button" data-kind="main" href={withQuery("#/playground", { pipeline: name })}>
              <Play aria-hidden />
              Try it
            </a>
          )}
        </div>
      </div>
      <div className="pipeline-columns">
        <section className="card pipeline-line" aria-label="Plugs">
          <div className="card-head">
            <h3>Plugs, from the outermost inwards</h3>
          </div>
          <div className="card-body">
            <Ends>
              <Line nodes={tree} plugs={plugs} />
            </Ends>
          </div>
        </section>
        <div className="stack">
          <section className="card">
            <div className="card-head">
              <h3>Checks</h3>
              <span className="end faint">done when it was loaded</span>
            </div>
            <ul className="checks">
              {checks.map(({ name, ok, says }) => (
                <li key={name} data-ok={ok ? "" : undefined}>
                  {ok ? <CircleCheck aria-label="passed" role="img" /> : <CircleX aria-label="failed" role="img" />}
                  <div>
                    <strong>{name}</strong>
                    <p>{says}</p>
                  </div>
                </li>
              ))}
            </ul>
          </section>
          <section className="card">
            <div className="card-head">
              <h3>Needs</h3>
            </div>
            <div className="card-body needs">
              {needs.length === 0 ? <span className="faint">nothing</span> : needs.map((each) => <code key={each}>{each}</code>)}
            </div>
          </section>
          <Routes routes={routes} />
        </div>
      </div>
    </>
  )
}

/** Where requests come in, and where they leave for the provider. */
const Ends = ({ children }: { readonly children: React.ReactNode }) => (
  <div className="ends">
    <span className="ends-cap">request</span>
    {children}
    <span className="ends-cap">provider</span>
  </div>
)

const few = 6

const Routes = ({ routes }: { readonly routes: ReadonlyArray<string> }) => {
  const [all, setAll] = useState(false)
  return (
    <section className="card">
      <div className="card-head">
        <h3>Routes</h3>
        <span className="end faint num">{routes.length}</span>
      </div>
      <ul className="routes">
        {routes.length === 0 && <li className="faint">None; an alias of a model may name it.</li>}
        {routes.slice(0, all ? routes.length : few).map((route) => (
          <li key={route}>
            <code>{route}</code>
          </li>
        ))}
        {routes.length > few && (
          <li>
            <Button kind="plain" onPress={() => setAll(!all)}>
              {all ? "Show fewer" : `Show all ${routes.length}`}
            </Button>
          </li>
        )}
      </ul>
    </section>
  )
}

const Two = ({
  a,
  all,
  b,
  plugs
}: {
  readonly a: PipelineView
  readonly b: PipelineView
  readonly plugs: ReadonlyArray<ShippedPlug>
  readonly all: ReadonlyArray<PipelineView>
}) => {
  const line = pair(a.tree, b.tree)
  const count = differing(line)
  return (
    <>
      <div className="page-head">
        <div>
          <h2 className="pipeline-name">
            <GitCompare aria-hidden /> {a.name} and {b.name}
          </h2>
          <p>
            {count === 0
              ? "They are made of the same plugs with the same options."
              : `${many(count, "difference")}. What only ${b.name} has is added, what only ${a.name} has is removed.`}
          </p>
        </div>
        <div className="end">
          <CompareTo all={all} name={a.name} other={b.name} />
        </div>
      </div>
      <section className="card pipeline-line" aria-label="Differences">
        <div className="card-body">
          <Ends>
            <Pair line={line} plugs={plugs} />
          </Ends>
        </div>
      </section>
    </>
  )
}
