/**
 * A line of plugs, drawn as what it is: one string, with other lines hanging from it.
 *
 * @module
 */
import { CornerDownRight } from "lucide-react"
import { Diff, type JsonValue } from "@plugline/core"
import type { PlugNode, ShippedPlug } from "../../../api.ts"
import { Changes } from "../../ui/diff.tsx"
import { JsonTree } from "../../ui/json.tsx"
import type { Paired } from "./align.ts"

/** How deep a plug reaches into a stream. */
const levels = [
  "sees whole requests and answers",
  "reads along as the reply is written",
  "changes the reply part by part",
  "follows the whole life of the stream"
]

type Kind = Paired["kind"]

const Plug = ({
  children,
  kind,
  node: { level, name, options },
  plugs
}: {
  readonly node: PlugNode
  readonly plugs: ReadonlyArray<ShippedPlug>
  readonly kind?: Kind
  readonly children?: React.ReactNode
}) => {
  const says = plugs.find((plug) => plug.name === name)?.says
  return (
    <div className="plug" data-kind={kind}>
      <span className="plug-node" aria-hidden />
      <div className="plug-body">
        <div className="row row-wrap">
          <strong>{name}</strong>
          <span className="plug-level" title={levels[level]}>
            level {level}
            <span className="unseen">: {levels[level]}</span>
          </span>
          {kind !== undefined && kind !== "same" && (
            <span className="mark-word" data-mark={kind === "options" ? "changed" : kind}>
              {kind === "options" ? "other options" : kind}
            </span>
          )}
        </div>
        {says !== undefined && says !== "" && <p className="dim">{says}</p>}
        {children ?? <Options options={options} name={name} />}
      </div>
    </div>
  )
}

const Options = ({ name, options }: { readonly options: JsonValue; readonly name: string }) => {
  if (typeof options !== "object" || options === null || Array.isArray(options)) return undefined
  const entries = Object.entries(options)
  const flat = entries.every(([, value]) => typeof value !== "object" || value === null)
  return flat ? (
    <dl className="plug-options">
      {entries.map(([key, value]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd>{String(value)}</dd>
        </div>
      ))}
    </dl>
  ) : (
    <JsonTree value={options} label={`Options of ${name}`} open={3} />
  )
}

export const Line = ({
  nodes,
  plugs
}: {
  readonly nodes: ReadonlyArray<PlugNode>
  readonly plugs: ReadonlyArray<ShippedPlug>
}) => (
  <ol className="plugs">
    {nodes.map((node, index) => (
      <li key={index}>
        <Plug node={node} plugs={plugs} />
        {Object.entries(node.children).map(([label, inside]) => (
          <div key={label} className="plug-inside">
            <p className="plug-way">
              <CornerDownRight aria-hidden />
              {label}
            </p>
            <Line nodes={inside} plugs={plugs} />
          </div>
        ))}
      </li>
    ))}
  </ol>
)

/** Two lines as one. */
export const Pair = ({ line, plugs }: { readonly line: ReadonlyArray<Paired>; readonly plugs: ReadonlyArray<ShippedPlug> }) => (
  <ol className="plugs">
    {line.map((each, index) => (
      <li key={index}>
        {each.kind === "options" ? (
          <Plug node={each.b} plugs={plugs} kind="options">
            <Changes diff={Diff.between(each.a.options, each.b.options)} />
          </Plug>
        ) : (
          <Plug node={each.kind === "removed" ? each.a : each.b} plugs={plugs} kind={each.kind} />
        )}
        {"children" in each
          && each.children.map(({ label, line }) => (
            <div key={label} className="plug-inside">
              <p className="plug-way">
                <CornerDownRight aria-hidden />
                {label}
              </p>
              <Pair line={line} plugs={plugs} />
            </div>
          ))}
      </li>
    ))}
  </ol>
)
