/**
 * Turns the bytes of a streamed answer into its parts, one pull at a time, so that a slow reader slows the service.
 *
 * @module
 */
import { type Bytes, type ErrorPart, Part, type Parts, type Source } from "@plugline/core"
import { Effect } from "effect"
import { Transport } from "../Transport.ts"
import type { Keeper } from "../Verbatim.ts"
import type { Decoder } from "../Wire.ts"
import * as Scrub from "./scrub.ts"

const end = Effect.succeed(undefined)

/** The parts of an answer. `failed` makes an error part of whatever goes wrong; `keeper` keeps the bytes beside them. */
export const source = (
  bytes: Bytes,
  decoder: Decoder,
  failed: (thrown: unknown) => ErrorPart,
  keeper?: Keeper
): Source => {
  let ended: "open" | "well" | "badly" = "open"

  const note = (parts: Parts): Parts => {
    const last = parts.at(-1)
    if (keeper !== undefined && last?.type !== "error") keeper.note(parts)
    if (last === undefined || !Part.isTerminal(last)) return parts
    ended = last.type === "finish" ? "well" : "badly"
    return last.type === "finish" ? parts : [...parts.slice(0, -1), Scrub.part(last, bytes)]
  }

  const decode = (chunks: ReadonlyArray<Uint8Array> | undefined): Parts => {
    try {
      if (chunks === undefined) {
        ended = "badly"
        return note(decoder.end())
      }
      if (keeper !== undefined) for (const chunk of chunks) keeper.add(chunk)
      if (chunks.length === 1) return note(decoder.push(chunks[0]!))
      const parts: Array<Part> = []
      for (const chunk of chunks) parts.push(...decoder.push(chunk))
      return note(parts)
    } catch (thrown) {
      ended = "badly"
      return [Scrub.part(failed(thrown), bytes)]
    }
  }

  const pull: Source["pull"] = Effect.suspend(() =>
    ended !== "open" ? end : Effect.matchEffect(bytes.pull, {
      onSuccess: (chunks) => {
        const parts = decode(chunks)
        return parts.length === 0 ? pull : Effect.succeed(parts)
      },
      onFailure: (error) => {
        ended = "badly"
        return Effect.succeed([failed(error)])
      }
    })
  )

  // After the last part the connection is worth keeping, and what little follows it is thrown away.
  return { pull, close: Effect.suspend(() => ended === "well" ? Transport.release(bytes) : bytes.close) }
}

/** A source whose reply has begun, or the error it began with. */
export type Begun = { readonly source: Source } | { readonly error: ErrorPart }

/** Waits for the first part that is more than an announcement. What was read on the way comes first from the source. */
export const begin = ({ close, pull }: Source, announced: Parts = []): Effect.Effect<Begun> => {
  let waiting: Parts | undefined = announced
  const begun: Begun = {
    source: {
      close,
      pull: Effect.suspend(() => {
        const now = waiting
        waiting = undefined
        return now === undefined ? pull : Effect.succeed(now)
      })
    }
  }
  const wait: Effect.Effect<Begun> = Effect.flatMap(pull, (parts) => {
    if (parts === undefined) return Effect.succeed(begun)
    waiting = waiting === undefined || waiting.length === 0 ? parts : [...waiting, ...parts]
    const first = parts.find(({ type }) => type !== "response-metadata" && type !== "warning")
    if (first === undefined) return wait
    return Effect.succeed(first.type === "error" ? { error: first } : begun)
  })
  return wait
}
