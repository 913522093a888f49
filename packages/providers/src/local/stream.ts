/**
 * Hands an answer out token by token, as if it were being written.
 *
 * @module
 */
import { type ChatResult, type Part, type Parts, Result, type Source } from "@plugline/core"
import { Effect } from "effect"
import { tokens } from "./tokens.ts"

/** The parts of an answer, one delta per token; folded they are the answer. */
export const parts = (result: ChatResult): Parts =>
  Result.parts(result).flatMap((part): Parts => {
    if (part.type !== "text-delta" && part.type !== "reasoning-delta" && part.type !== "tool-params-delta") return [part]
    return tokens(part.delta).map((delta) => ({ ...part, delta }))
  })

/** The parts one at a time; `delay` is waited before each delta, in ms. */
export const source = (parts: Parts, delay: number): Source => {
  let at = 0
  const next = Effect.sync(() => at < parts.length ? [parts[at++]!] : undefined)
  return {
    pull: delay === 0 ? next : Effect.suspend(() => isDelta(parts[at]) ? Effect.delay(next, delay) : next),
    close: Effect.sync(() => {
      at = parts.length
    })
  }
}

const isDelta = (part: Part | undefined): boolean => part !== undefined && "delta" in part
