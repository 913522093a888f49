/**
 * Why this model, this price, this cache result, this error: in one paragraph and one picture.
 *
 * @module
 */
import { Bot, CircleCheck, CircleX, Plug, Server, User } from "lucide-react"
import { Fragment } from "react"
import type { Recorded } from "../../../api.ts"
import { type About, explain, type Picture, type PictureNode } from "../../../model/explain.ts"
import { to } from "../../app/route.ts"
import { CopyButton } from "../../ui/controls.tsx"
import { toneOf } from "../../ui/format.ts"
import "./explain.css"

const titles: { readonly [Name in About]: string } = {
  route: "Route",
  model: "Model",
  price: "Price",
  cache: "Cache",
  attempts: "Attempts",
  limits: "Limits",
  error: "Error",
  answer: "Answer",
  time: "Time"
}

const Explain = ({ recorded }: { readonly recorded: Recorded }) => {
  const { headline, picture, sentences, tone } = explain(recorded)
  const { id } = recorded.summary
  return (
    <div className="trace-scroll" tabIndex={0} role="region" aria-label="Explanation">
      <div className="explain">
        <div className="explain-head" data-tone={toneOf(tone)}>
          <h2>{headline}</h2>
          <CopyButton icon label="Copy the explanation" text={() => [headline, ...sentences.map(({ text }) => text)].join(" ")} />
        </div>
        <PictureView picture={picture} id={id} />
        <p className="explain-text">
          {sentences.map(({ text, visit }, index) => (
            <Fragment key={index}>{visit === undefined ? text : <a href={walkTo(id, visit)}>{text}</a>} </Fragment>
          ))}
        </p>
        <dl className="explain-list">
          {sentences.map(({ about, text, visit }, index) => (
            <div key={index} data-about={about}>
              <dt>{titles[about]}</dt>
              <dd>{text}</dd>
              <dd className="explain-link">
                {visit !== undefined && (
                  <a href={walkTo(id, visit)} aria-label={`Show in the walk: ${titles[about]}`}>
                    show
                  </a>
                )}
              </dd>
            </div>
          ))}
        </dl>
      </div>
    </div>
  )
}

export default Explain

const walkTo = (id: string, visit: string): string => `${to("traces", id, "walk")}?visit=${encodeURIComponent(visit)}`

const pictures = { client: User, plug: Plug, service: Server, answer: Bot, error: CircleX }

const saysOf = ({ detail, label }: PictureNode): string => (detail === undefined ? label : `${label} (${detail})`)

const PictureView = ({ id, picture: { edges, nodes } }: { readonly picture: Picture; readonly id: string }) => (
  <div className="chain" tabIndex={0} role="group" aria-label={`In short: ${nodes.map(saysOf).join(", then ")}`}>
    {nodes.map((node, index) => {
      const edge = edges.find(({ to }) => to === node.id)
      return (
        <Fragment key={node.id}>
          {index > 0 && (
            <span className="chain-edge" data-tone={edge?.tone ?? "plain"} aria-hidden>
              <i />
              {edge?.label !== undefined && <em>{edge.label}</em>}
            </span>
          )}
          <Station node={node} id={id} />
        </Fragment>
      )
    })}
  </div>
)

const Station = ({ id, node: { detail, kind, label, tone, visit } }: { readonly node: PictureNode; readonly id: string }) => {
  const Icon = kind === "answer" && tone === "good" ? CircleCheck : pictures[kind]
  const inside = (
    <>
      <span className="station-icon">
        <Icon aria-hidden />
      </span>
      <strong>{label}</strong>
      {detail !== undefined && <span>{detail}</span>}
    </>
  )
  return visit === undefined ? (
    <div className="station" data-tone={toneOf(tone)}>
      {inside}
    </div>
  ) : (
    <a className="station" data-tone={toneOf(tone)} href={walkTo(id, visit)}>
      {inside}
    </a>
  )
}
