// Answers in place of a service, so that an example runs without a network and without a key. With a key of yours none of this
// is needed: `import { plugline } from "plugline"`, and the key is read from the environment.
import { Effect, Layer, Redacted } from "effect"
import { Credentials, make, Transport, type Plugline } from "plugline"

/** What a service was sent: its address without the host, and its body. */
export interface Sent {
  readonly path: string
  readonly body: Record<string, any>
}

/** An answer: a JSON value, or a text for a stream; or a function of what was sent. */
type Answer = object | string | Uint8Array | ((sent: Sent) => object | string)

/** A face over every provider, behind which these answers come in turn. */
export const standIn = (...answers: ReadonlyArray<Answer>): Plugline => {
  let next = 0
  const transport = Transport.memory(({ body, url }) =>
    Effect.sync(() => {
      const answer = answers[next++]!
      const { pathname, search } = new URL(url)
      const value = typeof answer === "function" ? answer({ path: pathname + search, body: JSON.parse(body ?? "null") }) : answer
      return { body: typeof value === "string" ? value : value instanceof Uint8Array ? [value] : JSON.stringify(value) }
    }))
  const credentials = Credentials.from(() => Effect.succeed(Redacted.make("a-key-of-yours")))
  return make({ layer: Layer.merge(transport, credentials) })
}

/** Events as a service streams them. */
export const sse = (...events: ReadonlyArray<object | string>): string =>
  events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("")
