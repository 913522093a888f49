/**
 * Answers a call that is sent again under the same `Idempotency-Key` with the one answer that was given. The plug stands in the
 * line only where the header was sent, so that other calls pay nothing for it.
 *
 * @module
 */
import { Idempotency, order } from "@plugline/plugs"
import { LlmError, Pipeline, type Plug } from "plugline"
import type { Exchange } from "./Exchange.ts"
import type { Ready } from "./call.ts"

type Line = Ready["pipeline"]

/** Printable ASCII, as a header takes it. */
const visible = /^[\x20-\x7e]{1,255}$/

/**
 * A call with the key that its client sent, if it sent one. Keys of two callers never meet, though they be of one tenant.
 *
 * @throws LlmError `InvalidRequest`, status 400, for what is no key.
 */
export const keyed = ({ request }: Pick<Exchange, "request">, ready: Ready): Ready => {
  const key = request.headers["idempotency-key"]
  if (key === undefined) return ready
  if (typeof key !== "string" || !visible.test(key)) {
    throw LlmError.make({
      _tag: "InvalidRequest",
      status: 400,
      parameter: "Idempotency-Key",
      message: "Idempotency-Key must be a text of 1 to 255 printable ASCII characters"
    })
  }
  return { ...ready, request: Idempotency.withKey(ready.request, key), pipeline: guarded(ready.pipeline) }
}

const kept = new WeakMap<Line, Line>()

/** A line with the plug, unless it has one already; the same array for the same line, so that it is compiled once. */
export const guarded = (line: Line): Line => {
  let found = kept.get(line)
  if (found === undefined) kept.set(line, found = holds(line) ? line : inserted(line))
  return found
}

/** Whether a line has the plug, at whatever depth: two of it would wait for each other. */
const holds = (line: Line): boolean => {
  let found = false
  const look = (nodes: ReturnType<typeof Pipeline.inspect>): void => {
    for (const { children, name } of nodes) {
      if (name === idempotency.name) found = true
      else Object.values(children).forEach(look)
    }
  }
  look(Pipeline.inspect(line))
  return found
}

const idempotency = Idempotency.plug({ apart: ["tenant", "team", "user", "key"] })

const rank = ({ name }: { readonly name: string }): number => order.indexOf(name)

/** In front of all that must not come before it: what watches and counts stays outside, and sees a replay for what it is. */
const inserted = (line: Line): Line => {
  const plugs = line.flat(20) as unknown as ReadonlyArray<Plug>
  const at = plugs.findIndex((plug) => rank(plug) < 0 || rank(plug) > rank(idempotency))
  return plugs.toSpliced(at < 0 ? plugs.length : at, 0, idempotency as unknown as Plug) as unknown as Line
}
