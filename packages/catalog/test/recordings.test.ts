import { Json, type JsonValue, type Usage } from "@plugline/core"
import * as BigDecimal from "effect/BigDecimal"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { Catalog, Cost } from "../src/index.ts"

/**
 * What providers said they charged in real exchanges, against what the table makes of the same tokens. The exchanges lie outside
 * the project; without them these tests are skipped.
 */
const folder = join(dirname(fileURLToPath(import.meta.url)), "../../../../shared/wire/exchanges")
const there = existsSync(folder)

/** Exchanges whose charge is another than the table's, and why. Whatever is not named here must agree to the last digit. */
const differing: ReadonlyArray<readonly [part: string, why: string]> = [
  ["openrouter.openai-chat.chat.file-annotation", "reading a PDF cost $0.002 more, which usage does not tell"],
  ["openrouter.openai-responses.stream.openai-responses-raw-cot", "the host that answered had another price than the listed one"],
  ["perplexity.openai-chat.chat.text-models-sonar", "Perplexity rounds each part to a hundred-thousandth"],
  ["perplexity.openai-chat.stream.streaming-responses-sonar", "Perplexity rounds each part to a hundred-thousandth"]
]

/** Exchanges whose model or price the table does not have, and why. */
const unknown: ReadonlyArray<readonly [part: string, why: string]> = [
  ["openrouter.openai-embeddings.embeddings", "OpenRouter's list has no embedding models"],
  ["openrouter.openai-chat.stream.x-ai-grok-4", "gone from OpenRouter's list; the older source has no price of cached tokens"]
]

describe.skipIf(!there)("what providers said they charged", () => {
  const cases = there ? readdirSync(folder).flatMap(charged) : []

  it("is said in enough exchanges to prove something", () => expect(cases.length).toBeGreaterThan(12))

  it.each(cases.map((one) => [one.name, one] as const))("%s", (name, { model, provider, usage }) => {
    const money = Cost.reported(provider, usage)
    const cost = Cost.of(usage, Catalog.get(provider, model))
    if (money === undefined) throw new Error("no money reported")
    if (unknown.some(([part]) => name.startsWith(part))) expect(cost.total).toBeUndefined()
    else if (cost.total === undefined) throw new Error(`unknown: ${cost.reasons.join("; ")}`)
    else expect(BigDecimal.equals(cost.total, money)).toBe(!differing.some(([part]) => name.startsWith(part)))
  })

  it("agrees to a hundred-thousandth where Perplexity rounds", () => {
    const rounded = cases.filter(({ name }) => name.startsWith("perplexity.openai-chat"))
    expect(rounded.length).toBeGreaterThan(0)
    for (const { model, provider, usage } of rounded) {
      const total = Cost.of(usage, Catalog.get(provider, model)).total ?? BigDecimal.fromBigInt(0n)
      const apart = BigDecimal.subtract(total, Cost.reported(provider, usage) ?? BigDecimal.fromBigInt(0n))
      expect(BigDecimal.isLessThan(BigDecimal.abs(apart), BigDecimal.fromStringUnsafe("0.00001"))).toBe(true)
    }
  })

  it("names no exchange as different that is not there", () => {
    for (const [part] of [...differing, ...unknown]) expect(cases.some(({ name }) => name.startsWith(part))).toBe(true)
  })
})

interface Case {
  readonly name: string
  readonly provider: string
  readonly model: string
  readonly usage: Usage
}

function charged(file: string): ReadonlyArray<Case> {
  const exchange = JSON.parse(readFileSync(join(folder, file), "utf8"))
  const raw = rawUsage(exchange.response)
  const model = exchange.request?.body?.model
  if (raw === undefined || typeof model !== "string") return []
  const usage = usageOf(raw)
  return Cost.reported(exchange.provider, usage) === undefined ? [] : [{ name: file, provider: exchange.provider, model, usage }]
}

/** The last usage a reply names, streamed or not. */
function rawUsage(response: { readonly body?: unknown; readonly body_text?: string }): Record<string, JsonValue> | undefined {
  const events = response.body_text === undefined
    ? [response.body]
    : response.body_text.split("\n").filter((line) => line.startsWith("data: {")).map((line) => JSON.parse(line.slice(6)))
  let found: Record<string, JsonValue> | undefined
  for (const event of events) {
    if (!Json.isRecord(event)) continue
    const usage = event.usage ?? (Json.isRecord(event.response) ? event.response.usage : undefined)
    if (Json.isRecord(usage)) found = usage as Record<string, JsonValue>
  }
  return found
}

/** Tokens as these three providers count them: cached ones in the prompt, thinking in the answer. */
function usageOf(raw: Record<string, JsonValue>): Usage {
  const count = (value: unknown): number | undefined => typeof value === "number" ? value : undefined
  const details = (value: unknown): Readonly<Record<string, unknown>> => Json.isRecord(value) ? value : {}
  const prompt = details(raw.prompt_tokens_details ?? raw.input_tokens_details)
  const completion = details(raw.completion_tokens_details ?? raw.output_tokens_details)
  const input = count(raw.prompt_tokens ?? raw.input_tokens)
  const output = count(raw.completion_tokens ?? raw.output_tokens)
  const cacheRead = count(prompt.cached_tokens)
  const cacheWrite = count(prompt.cache_write_tokens)
  const reasoning = count(completion.reasoning_tokens)
  return {
    inputTokens: {
      ...(input !== undefined && { total: input }),
      ...(cacheRead !== undefined && { cacheRead }),
      ...(cacheWrite !== undefined && { cacheWrite })
    },
    outputTokens: { ...(output !== undefined && { total: output }), ...(reasoning !== undefined && { reasoning }) },
    raw
  }
}
