/**
 * What was sent to services and what came back, to the byte; credentials are masked.
 *
 * @module
 */
import { Lock, Unplug } from "lucide-react"
import { useState } from "react"
import type { Recorded } from "../../../api.ts"
import { curl } from "../../../model/curl.ts"
import { type Exchange, exchanges as exchangesOf, type Header } from "../../../model/exchanges.ts"
import { to } from "../../app/route.ts"
import { CopyButton, Segments } from "../../ui/controls.tsx"
import { bytes, duration, many, toneOfStatus } from "../../ui/format.ts"
import { JsonTree } from "../../ui/json.tsx"
import { Badge, Code, Empty, Notice } from "../../ui/surfaces.tsx"
import { EventList } from "./EventList.tsx"
import "./wire.css"

const Wire = ({ recorded }: { readonly recorded: Recorded }) => {
  const all = exchangesOf(recorded)
  const [chosen, setChosen] = useState(() => Math.max(0, all.length - 1))
  const exchange = all[chosen]
  if (exchange === undefined) {
    return (
      <Empty icon={<Unplug aria-hidden />} title="Nobody outside was asked">
        <p>The request was answered or refused before it came to a service.</p>
        <a className="button" href={to("traces", recorded.summary.id, "explain")}>
          Why
        </a>
      </Empty>
    )
  }
  return (
    <div className="wire">
      <nav className="wire-list" aria-label="Exchanges">
        {all.map((each, index) => (
          <button
            type="button"
            key={index}
            className="wire-item"
            aria-current={index === chosen ? "true" : undefined}
            onClick={() => setChosen(index)}
          >
            <span className="row">
              <Status exchange={each} />
              <strong className="clip grow">{each.provider}</strong>
              <span className="num faint">{duration(each.took + (each.streamed ?? 0))}</span>
            </span>
            <span className="wire-url clip">
              {each.request === undefined ? `answered by ${each.plug}` : `${each.request.method} ${pathOf(each.request.url)}`}
            </span>
          </button>
        ))}
      </nav>
      <div className="wire-pane" key={chosen} tabIndex={0} role="region" aria-label={`Exchange ${chosen + 1}`}>
        <ExchangeView exchange={exchange} id={recorded.summary.id} />
      </div>
    </div>
  )
}

export default Wire

const Status = ({ exchange: { outcome, response } }: { readonly exchange: Exchange }) =>
  response === undefined ? (
    <Badge tone={outcome === "answered" ? "good" : outcome === "failed" ? "bad" : "warn"}>{outcome}</Badge>
  ) : (
    <Badge tone={toneOfStatus(response.status)}>{response.status}</Badge>
  )

const pathOf = (url: string): string => {
  try {
    const { host, pathname, search } = new URL(url)
    return `${host}${pathname}${search}`
  } catch {
    return url
  }
}

const ExchangeView = ({ exchange, id }: { readonly exchange: Exchange; readonly id: string }) => {
  const { at, error, model, parts, plug, provider, request, response, streamed, took, visit } = exchange
  return (
    <div className="stack wire-exchange">
      <div className="row row-wrap">
        <Status exchange={exchange} />
        <h2>
          {provider}
          {model !== undefined && <span className="dim"> {model}</span>}
        </h2>
        <span className="dim num">
          {at !== undefined && `sent at ${duration(at)}, `}answered after {duration(took)}
          {streamed !== undefined && `, streamed for ${duration(streamed)}`}
        </span>
        <span className="grow" />
        {visit !== undefined && (
          <a className="button" href={`${to("traces", id, "walk")}?visit=${encodeURIComponent(visit)}`}>
            Show in the walk
          </a>
        )}
        {request !== undefined && <CopyButton label="Copy as curl" text={() => curl(exchange)} />}
      </div>
      {error !== undefined && (
        <Notice tone="bad" title={error.reason._tag}>
          <p>{error.reason.message}</p>
        </Notice>
      )}
      {request === undefined && (
        <Notice title={`The plug ${plug} answered by itself`}>
          <p>
            No bytes went over a wire{parts === undefined ? "." : `; it gave ${many(parts, "part")}, which the stream shows.`}
          </p>
        </Notice>
      )}
      <div className="wire-sides">
        {request !== undefined && (
          <section className="card" aria-label="Request">
            <div className="card-head">
              <h3>Request</h3>
              <span className="end faint num">
                {request.text === undefined ? "no body" : bytes(new TextEncoder().encode(request.text).length)}
              </span>
            </div>
            <p className="wire-line">
              <strong>{request.method}</strong> <code>{request.url}</code>
            </p>
            <Headers headers={request.headers} label="Request headers" />
            {request.body !== undefined && <Body json={request.body} text={request.text} label="Request body" />}
          </section>
        )}
        {response !== undefined && (
          <section className="card" aria-label="Response">
            <div className="card-head">
              <h3>Response</h3>
              <span className="end faint num">
                {bytes(response.bytes)}
                {response.events !== undefined && `, ${many(response.events.length, "event")}`}
              </span>
            </div>
            <p className="wire-line">
              <strong>{response.status}</strong>
            </p>
            <Headers headers={response.headers} label="Response headers" />
            {response.events !== undefined && response.events.length > 0 ? (
              <EventList events={response.events} />
            ) : response.json !== undefined || response.text !== undefined ? (
              <Body json={response.json} text={response.text} label="Response body" />
            ) : (
              <p className="wire-none faint">No body that is text.</p>
            )}
          </section>
        )}
      </div>
    </div>
  )
}

const Headers = ({ headers, label }: { readonly headers: ReadonlyArray<Header>; readonly label: string }) =>
  headers.length === 0 ? undefined : (
    <details className="wire-headers" open={headers.length <= 8}>
      <summary>{many(headers.length, "header")}</summary>
      <dl aria-label={label}>
        {headers.map(({ masked, name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {masked ? (
                <span className="masked">
                  <Lock aria-hidden />
                  {value}
                </span>
              ) : (
                value
              )}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  )

const Body = ({ json, label, text }: { readonly json: unknown; readonly text: string | undefined; readonly label: string }) => {
  const [form, setForm] = useState<"tree" | "text">(json === undefined ? "text" : "tree")
  return (
    <div className="wire-body">
      {json !== undefined && (
        <Segments
          label={`${label} as`}
          value={form}
          onChange={setForm}
          items={[
            { key: "tree", label: "Tree" },
            { key: "text", label: "Text" }
          ]}
        />
      )}
      {form === "tree" ? (
        <JsonTree value={json} label={label} open={4} />
      ) : (
        <Code text={text ?? JSON.stringify(json, undefined, 2)} label={label} />
      )}
    </div>
  )
}
