/**
 * What comes into a run from outside, while it is being written down: kept as it came, so that a request on its way pays
 * for no more than a few references. It becomes a {@link World} when somebody looks.
 *
 * @module
 */
import { LlmError, Mask, Request } from "@plugline/core"
import type { JsonObject, LlmErrorJson, Parts } from "@plugline/core"
import { Cause } from "effect"
import { encode, toBase64 } from "./Coded.ts"
import type { Exchange, Pull, StoreCall, World } from "./World.ts"

/** A world while it is being written. */
export interface Log {
  readonly millis: Array<number>
  readonly nanos: Array<bigint>
  readonly monotonic: Array<bigint>
  readonly naps: Array<Slept>
  readonly integers: Array<number>
  readonly doubles: Array<number>
  readonly exchanges: Array<Asked>
  readonly calls: Array<Called>
}

/** Nothing so far. */
export const empty = (): Log => ({
  millis: [], nanos: [], monotonic: [], naps: [], integers: [], doubles: [], exchanges: [], calls: []
})

/** What became of something that was asked; `undefined` while nothing has, or where it was interrupted. */
export type Ending<A> =
  | { readonly _tag: "Answer"; readonly value: A }
  | { readonly _tag: "Failure"; readonly cause: Cause.Cause<unknown> }
  | undefined

/** A sleep. */
export interface Slept {
  readonly at: number
  readonly asked: number
  took: number
  over: boolean
}

/** One request to a plug at the edge. */
export interface Asked {
  readonly plug: string
  readonly request: Request
  at: number
  took: number
  sync: boolean
  ending: Ending<Request>
  parts?: Array<Pulled<Parts>>
  bytes?: Array<Pulled<ReadonlyArray<Uint8Array>>>
  /** Where in the bytes credentials stand, from one place to another, as far as the edge knows. */
  hide?: Hide
}

/** Finds what must not be written down of bytes. */
export type Hide = (bytes: Uint8Array) => ReadonlyArray<readonly [from: number, to: number]>

/** One pull of a stream. */
export interface Pulled<A> {
  at: number
  took: number
  /** What it gave; an answer of `undefined` is the end. */
  ending: Ending<A | undefined>
}

/** One call of a store. */
export interface Called {
  readonly store: string
  readonly method: string
  readonly given: ReadonlyArray<unknown>
  at: number
  took: number
  sync: boolean
  ending: Ending<unknown>
}

/** What was written so far, which nobody writes to any more. */
export const copy = (log: Log): Log => ({
  millis: [...log.millis],
  nanos: [...log.nanos],
  monotonic: [...log.monotonic],
  naps: log.naps.map(same),
  integers: [...log.integers],
  doubles: [...log.doubles],
  exchanges: log.exchanges.map((asked) => ({
    ...asked,
    ...(asked.parts !== undefined && { parts: asked.parts.map(same) }),
    ...(asked.bytes !== undefined && { bytes: asked.bytes.map(same) })
  })),
  calls: log.calls.map((called) => ({ ...called }))
})

const same = <A extends object>(entry: A): A => ({ ...entry })

/** It as JSON, secrets masked. */
export const worldOf = (log: Log): World => ({
  clock: {
    millis: log.millis,
    nanos: log.nanos.map(String),
    monotonic: log.monotonic.map(String),
    ...(log.naps.length > 0 && { naps: log.naps })
  },
  random: { integers: log.integers, doubles: log.doubles },
  exchanges: log.exchanges.map(exchangeOf),
  ...(log.calls.length > 0 && { stores: log.calls.map(callOf) })
})

const exchangeOf = ({ at, bytes, ending, hide, parts, plug, request, sync, took }: Asked): Exchange => ({
  plug,
  request: requestJson(request),
  at,
  took,
  sync,
  outcome: ending === undefined
    ? { _tag: "Interrupted" }
    : ending._tag === "Answer"
    ? { _tag: "Answer", changes: changes(request, ending.value) }
    : { _tag: "Failure", error: errorOf(ending.cause) },
  ...(parts !== undefined && { parts: parts.map((pulled) => pullOf(pulled, partsJson)) }),
  ...(bytes !== undefined && { bytes: bytesOf(bytes, hide).map((pulled) => pullOf(pulled, (chunks) => chunks.map(toBase64))) })
})

type Chunks = Pulled<ReadonlyArray<Uint8Array>>

/** Bytes without credentials, also where these were cut in pieces on their way: the mask stands in the first. */
const bytesOf = (pulls: ReadonlyArray<Chunks>, hide: Hide | undefined): ReadonlyArray<Chunks> => {
  if (hide === undefined) return pulls
  const chunks = pulls.flatMap(({ ending }) => ending?._tag === "Answer" ? ending.value ?? [] : [])
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let end = 0
  for (const chunk of chunks) {
    whole.set(chunk, end)
    end += chunk.length
  }
  const places = [...hide(whole)].sort(([a], [b]) => a - b)
  if (places.length === 0) return pulls
  let at = 0
  const without = (chunk: Uint8Array): Uint8Array => {
    const [from, to] = [at, at += chunk.length]
    const pieces: Array<number> = []
    let kept = from
    for (const [begin, end] of places) {
      if (end <= kept || begin >= to) continue
      for (const byte of whole.subarray(kept, Math.max(kept, begin))) pieces.push(byte)
      if (begin >= from) pieces.push(...mask)
      kept = Math.min(end, to)
    }
    for (const byte of whole.subarray(kept, to)) pieces.push(byte)
    return Uint8Array.from(pieces)
  }
  return pulls.map((pulled) => {
    const { ending } = pulled
    if (ending?._tag !== "Answer" || ending.value === undefined) return pulled
    return { ...pulled, ending: { _tag: "Answer", value: ending.value.map(without) } }
  })
}

const mask = new TextEncoder().encode(Mask.masked)

const partsJson = (parts: Parts): Parts => Mask.content(parts) as unknown as Parts

const pullOf = <A, B>({ at, ending, took }: Pulled<A>, encode: (value: A) => B): Pull<B> =>
  ending === undefined
    ? { at, took }
    : ending._tag === "Answer"
    ? { at, took, got: ending.value === undefined ? null : encode(ending.value) }
    : { at, took, error: errorOf(ending.cause) }

const callOf = ({ at, ending, given, method, store, sync, took }: Called): StoreCall => ({
  store,
  method,
  arguments: given.map(encode),
  at,
  took,
  sync,
  outcome: ending === undefined
    ? { _tag: "Interrupted" }
    : ending._tag === "Answer"
    ? { _tag: "Answer", value: encode(ending.value) }
    : { _tag: "Failure", error: encode(Cause.squash(ending.cause)) }
})

/** The request as JSON, as {@link Exchange} holds it. */
export const requestJson = (request: Request): JsonObject => Request.toJson(request) as unknown as JsonObject

const errorOf = (cause: Cause.Cause<unknown>): LlmErrorJson => LlmError.fromUnknown(Cause.squash(cause)).toJSON()

/** The fields that are not what they were, as JSON; of notes and errors only what was added. */
const changes = (before: Request, after: Request): JsonObject => {
  const json = requestJson(after)
  const out: Record<string, JsonObject[string]> = {}
  for (const name of Object.keys(json) as Array<keyof Request & string>) {
    if (before[name] === after[name]) continue
    if (name === "errors") out.errors = (json.errors as ReadonlyArray<JsonObject>).slice(before.errors.length)
    else if (name === "assigns" || name === "private" || name === "metadata") {
      const fields = Object.entries(json[name] as JsonObject)
      out[name] = Object.fromEntries(fields.filter(([key]) => before[name][key] !== after[name][key]))
    } else out[name] = json[name]
  }
  return out
}
