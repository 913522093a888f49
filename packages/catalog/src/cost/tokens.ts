/**
 * Charges the tokens of prompt and answer.
 *
 * @module
 */
import type { Usage } from "@plugline/core"
import type * as BigDecimal from "effect/BigDecimal"
import type { Model, Rates } from "../Model.ts"
import type { Bill } from "./bill.ts"
import type { Extras } from "./raw.ts"

/** All tokens of the prompt. */
export const promptOf = (usage: Usage, bill: Bill): number | undefined => {
  const { cacheRead, cacheWrite, total, uncached } = usage.inputTokens
  if (total !== undefined) return bill.count(total, "inputTokens.total")
  if (uncached === undefined || cacheRead === undefined || cacheWrite === undefined) {
    return bill.missing("the count of tokens of the prompt is not known")
  }
  return bill.count(uncached + cacheRead + cacheWrite, "inputTokens")
}

/** Charges what was read from the cache, what was written to it, and the rest of the prompt. */
export const chargePrompt = (
  bill: Bill,
  usage: Usage,
  prompt: number | undefined,
  rates: Rates,
  extra: Extras,
  factor: BigDecimal.BigDecimal
): void => {
  const read = part(bill, usage.inputTokens.cacheRead, "inputTokens.cacheRead")
  const written = part(bill, usage.inputTokens.cacheWrite, "inputTokens.cacheWrite")
  if (usage.inputTokens.cacheRead === undefined && rates.cacheRead !== undefined && rates.cacheRead !== rates.input) {
    bill.assumed.push("no count of cached tokens: nothing was read from the cache")
  }
  const sound = soundOf(bill, read, rates, extra)
  if (read !== undefined && sound !== undefined) {
    bill.charge(
      "cacheRead",
      bill.tokens(read - sound.cached, rates.cacheRead, "tokens read from the cache", factor),
      bill.tokens(sound.cached, rates.audioCacheRead, "sound read from the cache", factor)
    )
  }
  if (written !== undefined) chargeWritten(bill, written, rates, extra, factor)
  if (prompt === undefined || read === undefined || written === undefined || sound === undefined) return
  const rest = prompt - read - written - sound.fresh
  if (rest < 0) bill.missing("the parts of the prompt are more than the whole")
  else {
    bill.charge(
      "input",
      bill.tokens(rest, rates.input, "tokens of the prompt", factor),
      bill.tokens(sound.fresh, rates.audioInput, "sound in the prompt", factor)
    )
  }
}

/** A part of a whole that a service does not name is none of it. */
const part = (bill: Bill, value: number | undefined, name: string): number | undefined =>
  value === undefined ? 0 : bill.count(value, name)

/** Sound in the prompt, where it has a price of its own: what came from the cache, and what did not. */
const soundOf = (bill: Bill, read: number | undefined, rates: Rates, extra: Extras) => {
  const all = extra.audioInput ?? 0
  if (all === 0 || (rates.audioInput !== undefined && rates.audioInput === rates.input)) return { cached: 0, fresh: 0 }
  const cached = extra.audioCacheRead ?? (read === 0 ? 0 : undefined)
  if (cached === undefined) return bill.missing("how much of the sound was read from the cache is not known")
  if (cached > all || cached > (read ?? 0)) return bill.missing("the parts of the prompt are more than the whole")
  return { cached, fresh: all - cached }
}

const chargeWritten = (
  bill: Bill,
  written: number,
  rates: Rates,
  extra: Extras,
  factor: BigDecimal.BigDecimal
): void => {
  const long = extra.cacheWrite1h ?? 0
  if (long > written) {
    bill.missing("the parts of what was written to the cache are more than the whole")
    return
  }
  if (written > 0 && extra.cacheWrite1h === undefined && rates.cacheWrite1h !== undefined) {
    bill.assumed.push("no word on how long the cache is kept: what was written to it is kept for five minutes")
  }
  bill.charge(
    "cacheWrite",
    bill.tokens(written - long, rates.cacheWrite, "tokens written to the cache", factor),
    bill.tokens(long, rates.cacheWrite1h, "tokens written to the cache for an hour", factor)
  )
}

/** Charges thinking, and the rest of the answer. */
export const chargeAnswer = (
  bill: Bill,
  usage: Usage,
  model: Model,
  rates: Rates,
  extra: Extras,
  factor: BigDecimal.BigDecimal
): void => {
  const { outputTokens } = usage
  const divided = outputTokens.text !== undefined && outputTokens.reasoning !== undefined
    ? outputTokens.text + outputTokens.reasoning
    : undefined
  const all = outputTokens.total ?? divided ?? (model.mode === "embedding" || model.mode === "moderation" ? 0 : undefined)
  const total = all === undefined
    ? bill.missing("the count of tokens of the answer is not known")
    : bill.count(all, "outputTokens")
  const reasoning = part(bill, outputTokens.reasoning, "outputTokens.reasoning")
  if (reasoning === undefined) return
  if (outputTokens.reasoning === undefined && rates.reasoning !== undefined && total !== 0) {
    bill.assumed.push("no count of tokens of thinking: there was none")
  }
  const thinking = rates.reasoning ?? rates.output
  bill.charge("reasoning", bill.tokens(reasoning, thinking, "tokens of thinking", factor))
  if (total === undefined) return
  const audio = extra.audioOutput ?? 0
  const image = extra.imageOutput ?? 0
  const rest = total - reasoning - audio - image
  if (rest < 0) {
    bill.missing("the parts of the answer are more than the whole")
    return
  }
  const whole = model.prices?.reasoningCovers === "whole" && reasoning > 0
  bill.charge(
    "output",
    bill.tokens(rest, whole ? thinking : rates.output, "tokens of the answer", factor),
    bill.tokens(audio, rates.audioOutput, "sound in the answer", factor),
    bill.tokens(image, rates.imageOutput, "pictures in the answer", factor)
  )
}
