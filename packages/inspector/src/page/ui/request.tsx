/**
 * A whole request as it stood at one moment.
 *
 * @module
 */
import type { RequestJson } from "@plugline/core"
import { JsonTree } from "./json.tsx"
import { Message, Messages, Pieces } from "./messages.tsx"
import { Badge } from "./surfaces.tsx"

export const RequestView = ({ request }: { readonly request: RequestJson }) => {
  const { messages, result, state, halted, id, operation, provider, ...rest } = request
  const content = result !== undefined && "content" in result ? result.content : undefined
  const fields = Object.fromEntries(
    Object.entries({
      ...rest,
      ...(result !== undefined && content === undefined && { result }),
      ...(content !== undefined && { result: { ...result, content: undefined } })
    }).filter(([, value]) => !(typeof value === "object" && value !== null && Object.keys(value).length === 0))
  )
  return (
    <div className="changes">
      <div className="row row-wrap">
        <Badge tone={state === "error" ? "bad" : state === "completed" ? "good" : "plain"}>{state}</Badge>
        {halted && <Badge tone="warn">halted</Badge>}
        <span className="dim">
          {operation} to <strong>{provider}</strong>
        </span>
        <code className="faint">{id}</code>
      </div>
      <section className="changes-section">
        <h3 className="label">Messages</h3>
        <Messages messages={messages} />
      </section>
      {content !== undefined && (
        <section className="changes-section">
          <h3 className="label">Answer</h3>
          <Message role="assistant">
            <Pieces content={content} />
          </Message>
        </section>
      )}
      <section className="changes-section">
        <h3 className="label">Fields</h3>
        <div className="entries card-body">
          <JsonTree value={fields} label="Other fields of the request" open={2} />
        </div>
      </section>
    </div>
  )
}
