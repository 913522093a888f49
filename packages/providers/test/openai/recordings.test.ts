/**
 * Every recorded exchange in OpenAI's formats against every fact that was read off it.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util"
import { type ChatResult, LlmError, Mask, type Part, Part as Parts, Request, Result, type Usage } from "@plugline/core"
import { afterAll, describe, expect, it } from "vitest"
import { type Quirks, wires } from "../../src/openai/index.ts"
import type { Wire, WireResponse } from "../../src/Wire.ts"
import { bodyOf, type Facts, folder, type Recording, recordings } from "../recordings.ts"

const all = recordings(["openai-chat", "openai-embeddings", "openai-completions", "openai-models"])
if (all.length === 0) console.log(`skipped: the recorded exchanges, because there is no folder ${folder.pathname}`)

/** How the services differ, as a definition of each would say it. */
const quirks: { readonly [provider: string]: Quirks } = {
  perplexity: { encodingFormat: "base64_int8" },
  vllm: { vectors: "float64" }
}

/**
 * Bytes per number of vectors that came as base64. The facts count four for each, but Perplexity was asked for int8,
 * and vLLM of that time wrote float64: read so, its vector has the 4,096 numbers of its model and the length 1.
 */
const widths: { readonly [provider: string]: number } = { perplexity: 1, vllm: 8 }

const passed = new Map<string, number>()
const checks = { facts: 0, cuts: 0 }

afterAll(() => {
  if (all.length === 0) return
  console.log(table(passed))
  const total = [...passed.values()].reduce((sum, count) => sum + count, 0)
  console.log(`${total} of ${all.length} recordings passed, ${checks.facts} facts, ${checks.cuts} cuts`)
})

describe.skipIf(all.length === 0)("recorded exchanges", () => {
  it("are all there", () => {
    expect(all.length).toBe(143)
  })

  it.each(all.map((recording) => [recording.id, recording] as const))("%s", { timeout: 120_000 }, (_, recording) => {
    const wire = wireOf(recording)
    const request = requestOf(recording)
    const response = responseOf(recording)
    if (response.status >= 300) failure(wire.reason(response, request), recording)
    else if (recording.stream) streamed(recording, wire, request)
    else whole(recording, wire, request, response)
    const row = `${recording.provider} ${recording.operation}`
    passed.set(row, (passed.get(row) ?? 0) + 1)
  })
})

// --- whole answers ---------------------------------------------------------------------------------------------------

const whole = (recording: Recording, wire: Wire, request: Request, response: WireResponse): void => {
  const facts = recording.expect
  if (facts.error !== undefined) {
    const error = thrown(() => wire.parse(response, request))
    failure(error, recording)
    // What the model had said before it failed is still there to be read.
    if (facts.text !== undefined) {
      expect(JSON.stringify(error.reason.raw)).toContain(JSON.stringify(facts.text))
      fact()
    }
    const parts = decode(wire, request, [Buffer.from(response.body)])
    expect(parts.at(-1)?.type).toBe("error")
    return
  }
  const result = wire.parse(response, request)
  switch (result.type) {
    case "chat":
    case "completion": {
      answer(result, recording)
      if (wire.parts === undefined) throw new Error("a chat has to be able to stream")
      // A service that answers a stream with one document, and the same answer as a stream of one event.
      const body = Buffer.from(response.body)
      same(Result.fold(decode(wire, request, [body]), result.type), result, recording)
      same(Result.fold(decode(wire, request, [asEvents(JSON.parse(response.body))]), result.type), result, recording)
      return
    }
    case "embeddings": {
      expect(result.embeddings.length).toBe(facts.embedding_count)
      const dims = facts.embedding_dims! * 4 / (widths[recording.provider] ?? 4)
      expect(result.embeddings.map((vector) => vector.length)).toEqual(
        Array.from({ length: facts.embedding_count! }, () => dims)
      )
      if (recording.provider === "vllm") expect(Math.hypot(...result.embeddings[0]!)).toBeCloseTo(1, 2)
      if (facts.embedding_head !== undefined) {
        expect(result.embeddings[0]?.slice(0, facts.embedding_head.length)).toEqual(facts.embedding_head)
        fact()
      }
      expect(result.embeddings.every((vector) => vector.every((number) => Number.isFinite(number)))).toBe(true)
      expect(result.model).toBe(facts.model)
      fact(3)
      usage(result.usage, recording)
      return
    }
    case "list_models": {
      const ids = result.models.map((model) => model.id)
      expect(ids.length).toBe(facts.model_ids_count)
      expect(ids.slice(0, facts.model_ids_head?.length)).toEqual(facts.model_ids_head)
      expect(ids.slice(-(facts.model_ids_tail?.length ?? 0))).toEqual(facts.model_ids_tail)
      fact(3)
      expect(
        wires(quirks[recording.provider]).validate.parse(response, request)
      ).toEqual({ type: "validate", usable: true })
      return
    }
    default:
      throw new Error(`a ${recording.operation} does not answer with ${result.type}`)
  }
}

// --- streams ---------------------------------------------------------------------------------------------------------

const streamed = (recording: Recording, wire: Wire, request: Request): void => {
  const bytes = Buffer.from(bodyOf(recording))
  const facts = recording.expect
  const parts = decode(wire, request, [bytes])
  const result = Result.fold(parts)
  answer(result, recording)
  wellFormed(parts)
  const last = parts.at(-1)
  if (facts.error !== undefined) failure(last?.type === "error" ? Parts.errorOf(last) : undefined, recording)
  else expect(last?.type).toBe("finish")
  if (facts.text_delta_count !== undefined) {
    expect(parts.filter((part) => part.type === "text-delta").length).toBe(facts.text_delta_count)
    fact()
  }
  if (facts.tool_argument_fragments !== undefined) {
    // Of the call that came in the most pieces.
    const pieces = new Map<string, number>()
    for (const part of parts) if (part.type === "tool-params-delta") pieces.set(part.id, (pieces.get(part.id) ?? 0) + 1)
    expect(Math.max(...pieces.values())).toBe(facts.tool_argument_fragments)
    fact()
  }
  const events = eventStarts(bytes)
  const longest = events.reduce((most, start, index) => Math.max(most, (events[index + 1] ?? bytes.length) - start), 0)
  if (bytes.length <= 10_000) {
    for (let cut = 0; cut <= bytes.length; cut++) {
      equal(Result.fold(decode(wire, request, [bytes.subarray(0, cut), bytes.subarray(cut)])), result, recording, cut)
    }
  } else {
    // The same for long streams in fewer runs: each run cuts every event, at one and the same of its bytes.
    for (let cut = 0; cut < longest; cut++) {
      const pieces: Array<Uint8Array> = []
      let from = 0
      events.forEach((start, index) => {
        const at = start + cut
        if (at > from && at < (events[index + 1] ?? bytes.length)) {
          pieces.push(bytes.subarray(from, at))
          from = at
          checks.cuts++
        }
      })
      pieces.push(bytes.subarray(from))
      equal(Result.fold(decode(wire, request, pieces)), result, recording, cut, 0)
    }
  }
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte))
  equal(Result.fold(decode(wire, request, single)), result, recording, -1)
}

const equal = (actual: ChatResult, expected: ChatResult, recording: Recording, cut: number, counts = 1): void => {
  checks.cuts += counts
  if (!isDeepStrictEqual(actual, expected)) {
    expect.fail(
      `${recording.id} cut at ${cut} reads otherwise: ${JSON.stringify(actual)} in place of ${JSON.stringify(expected)}`
    )
  }
}

const eventStarts = (bytes: Buffer): ReadonlyArray<number> => {
  const starts = [0]
  for (let index = 1; index < bytes.length; index++) {
    if (
      bytes[index] !== 10 && bytes[index] !== 13 && (bytes[index - 1] === 10 || bytes[index - 1] === 13)
    ) starts.push(index)
  }
  return starts
}

/** The laws of every stream of parts. */
const wellFormed = (parts: ReadonlyArray<Part>): void => {
  const open = new Set<string>()
  parts.forEach((part, index) => {
    if (Parts.isTerminal(part)) expect(index).toBe(parts.length - 1)
    if (part.type === "response-metadata") expect(
      parts.slice(0, index).every((before) => before.type === "response-metadata")
    ).toBe(true)
    if ("id" in part && part.type.endsWith("-start")) open.add(`${part.type.slice(0, -6)} ${part.id}`)
    if ("id" in part && part.type.endsWith("-delta")) expect(open).toContain(`${part.type.slice(0, -6)} ${part.id}`)
    if ("id" in part && part.type.endsWith("-end")) expect(
      open.delete(`${part.type.slice(0, -4)} ${part.id}`)
    ).toBe(true)
  })
  if (parts.at(-1)?.type === "finish") expect([...open]).toEqual([])
  expect(parts.filter(Parts.isTerminal).length).toBe(1)
}

// --- facts -----------------------------------------------------------------------------------------------------------

const answer = (result: ChatResult, recording: Recording): void => {
  const facts = recording.expect
  const list = (name: keyof Facts): boolean => facts[name] !== undefined
  if (list("model")) expect(result.model).toBe(facts.model)
  if (list("text")) expect(Result.text(result)).toBe(facts.text)
  if (list("reasoning_text")) expect(Result.reasoning(result)).toBe(facts.reasoning_text)
  else if (!bodyOf(recording).includes("reasoning_details")) expect(Result.reasoning(result)).toBe("")
  if (list("finish_reason_raw")) expect(result.rawFinishReason ?? null).toBe(facts.finish_reason_raw)
  fact(4)
  const calls = Result.toolCalls(result)
  if (facts.legacy_function_call !== undefined) {
    expect(calls.map(({ name, params }) => ({ name, arguments: params }))).toEqual([facts.legacy_function_call])
    expect(result.finishReason).toBe("tool-calls")
  } else if (facts.tool_calls !== undefined) {
    expect(calls.length).toBe(facts.tool_calls.length)
    facts.tool_calls.forEach((expected, index) => {
      const call = calls[index]
      expect(call?.name).toBe(expected.name)
      if (expected.id !== undefined) expect(call?.id).toBe(expected.id)
      else expect(call?.id).toMatch(/^call_.*\d$/)
      if (expected.arguments_raw === undefined) expect(call?.params).toEqual(expected.arguments)
      else expect(call).toMatchObject({ params: expected.arguments_raw, invalid: true })
      fact(3)
    })
    if (facts.tool_calls.length > 0) expect(result.finishReason).toBe("tool-calls")
  }
  const server = result.content.filter((part) => part.type === "tool-call" && part.providerExecuted === true)
  expect(server.map((part) => part.type === "tool-call" ? part.name : "")).toEqual(facts.server_tool_calls ?? [])
  expect(result.content.filter((part) => part.type === "tool-result").length).toBe(server.length)
  const sources = result.content.filter((part) => part.type === "source")
  if (facts.citation_count !== undefined) expect(sources.length).toBe(facts.citation_count)
  if (facts.citation_urls !== undefined) {
    expect(
      sources.map((part) => part.type === "source" && part.sourceType === "url" ? part.url : "")
    ).toEqual(facts.citation_urls)
  }
  if (facts.choice_count !== undefined) expect((result.choices?.length ?? 0) + 1).toBe(facts.choice_count)
  fact(2)
  if (facts.error === undefined) usage(result.usage, recording)
}

/** Our usage from the service's own numbers: each of these follows from the README of the recordings. */
const usage = (actual: Usage, recording: Recording): void => {
  const sent = recording.expect.usage
  if (sent === undefined) {
    expect(actual).toEqual({ inputTokens: {}, outputTokens: {} })
    return
  }
  expect(actual.raw).toEqual(recording.expect.usage_raw)
  const mismatch = recording.features.includes("usage_sum_mismatch")
  const apart = recording.provider === "xai" || recording.provider === "google"
  const output = sent.output_tokens
  const input = sent.input_tokens ?? sent.total_tokens
  // Mistral counts sound beside the prompt; xAI and Gemini count thinking beside the answer.
  const trueInput = mismatch && !apart ? sent.total_tokens! - output! : input
  const trueOutput = mismatch && apart ? sent.total_tokens! - input! : output
  expect(actual.inputTokens.total).toBe(trueInput)
  expect(actual.outputTokens.total).toBe(trueOutput)
  if (sent.reasoning_tokens !== undefined) {
    expect(actual.outputTokens.reasoning).toBe(sent.reasoning_tokens)
    expect(actual.outputTokens.text).toBe(trueOutput! - sent.reasoning_tokens)
    fact()
  }
  if (sent.cached_input_tokens !== undefined) {
    // Azure has been seen to report more cached tokens than the prompt had.
    expect(actual.inputTokens.cacheRead).toBe(Math.min(sent.cached_input_tokens, trueInput!))
    fact()
  }
  if (sent.cache_write_tokens !== undefined) {
    expect(actual.inputTokens.cacheWrite).toBe(sent.cache_write_tokens)
    fact()
  }
  if (actual.inputTokens.uncached !== undefined) {
    const { uncached, cacheRead = 0, cacheWrite = 0 } = actual.inputTokens
    expect(uncached + cacheRead + cacheWrite).toBe(trueInput)
  }
  if (
    sent.output_tokens !== undefined && sent.total_tokens !== undefined
  ) expect(trueInput! + trueOutput!).toBe(sent.total_tokens)
  fact(3)
}

const failure = (error: LlmError | undefined, recording: Recording): void => {
  const facts = recording.expect.error!
  const reason = error!.reason
  expect(error!.provider).toBe(recording.provider)
  if (facts.status !== undefined) expect(reason.status).toBe(facts.status)
  if (facts.code !== undefined || facts.type !== undefined) expect(reason.code).toBe(String(facts.code ?? facts.type))
  const raw = JSON.stringify(reason.raw)
  if (facts.type !== undefined) expect(raw).toContain(JSON.stringify(facts.type))
  if (facts.message !== undefined) {
    expect(reason.message.startsWith(Mask.text(facts.message).replace(/\s+/g, " ").trim().slice(0, 1500))).toBe(true)
  }
  if (facts.param !== undefined) expect(raw).toContain(JSON.stringify(facts.param))
  if (facts.detail !== undefined) expect(reason.raw).toEqual({ detail: facts.detail })
  const wait = facts.retry_after_ms !== undefined
    ? Number(facts.retry_after_ms)
    : facts.retry_after === undefined
    ? undefined
    : Number(facts.retry_after) * 1000
  if (wait !== undefined) expect(error!.retryAfter).toBe(wait)
  fact(4)
  const expected = tagOf(recording)
  if (expected !== undefined) {
    expect(reason._tag).toBe(expected)
    fact()
  }
}

/** The reason that follows from what whoever recorded the exchange noted about it. */
const tagOf = ({ features, expect: { error } }: Recording): string | undefined => {
  if (features.includes("status_429")) return "RateLimit"
  if (features.includes("context_overflow")) return features.includes("status_500") ? "Server" : "ContextLength"
  if (features.includes("status_401")) return "Authentication"
  if (features.includes("status_403")) return "Permission"
  if (features.includes("not_found")) return "NotFound"
  if (features.includes("status_503")) return "Overloaded"
  if (features.includes("status_500") || error?.code === 502) return "Server"
  if (features.includes("status_422")) return "InvalidRequest"
  if (error?.code === "tool_use_failed" || error?.code === "invalid_image_format") return "InvalidRequest"
  return undefined
}

// --- around it -------------------------------------------------------------------------------------------------------

const fact = (count = 1): void => {
  checks.facts += count
}

const requestOf = ({ provider, api, operation, stream, request }: Recording): Request => {
  const body: { input?: string | ReadonlyArray<string> } = (request.body ?? {}) as object
  return Request.make({
    provider,
    operation: api === "openai-embeddings"
      ? "embeddings"
      : api === "openai-completions"
      ? "completion"
      : api === "openai-models"
      ? "list_models"
      : stream || operation === "stream"
      ? "stream"
      : "chat",
    messages: body.input === undefined
      ? "Hello"
      : [body.input].flat().map((content) => ({ role: "user" as const, content }))
  })
}

const wireOf = ({ provider, api }: Recording): Wire => {
  const all = wires(quirks[provider])
  switch (api) {
    case "openai-embeddings":
      return all.embeddings
    case "openai-completions":
      return all.completion
    case "openai-models":
      return all.list_models
    default:
      return all.chat
  }
}

const responseOf = (recording: Recording): WireResponse => ({
  status: recording.response.status,
  headers: recording.response.headers,
  body: bodyOf(recording)
})

const decode = (wire: Wire, request: Request, pieces: ReadonlyArray<Uint8Array>): ReadonlyArray<Part> => {
  const decoder = wire.parts!(request)
  const out: Array<Part> = []
  for (const piece of pieces) for (const part of decoder.push(piece)) out.push(part)
  for (const part of decoder.end()) out.push(part)
  return out
}

/** A whole answer as a service would stream it in one event. */
const asEvents = (
  answer: { readonly choices: ReadonlyArray<{ readonly message?: object; readonly index?: number }> }
): Uint8Array => {
  const choices = answer.choices.map(({ message, ...choice }) => {
    const calls = (message as { tool_calls?: ReadonlyArray<object> } | undefined)?.tool_calls
    const delta = {
      ...message,
      ...(Array.isArray(calls) && { tool_calls: calls.map((call, index) => ({ index, ...call })) })
    }
    return message === undefined ? choice : { ...choice, delta }
  })
  return Buffer.from(`data: ${JSON.stringify({ ...answer, choices })}\n\ndata: [DONE]\n\n`)
}

const same = (actual: ChatResult, expected: ChatResult, recording: Recording): void => {
  if (!isDeepStrictEqual(actual, expected)) expect(actual, recording.id).toEqual(expected)
}

const thrown = (f: () => unknown): LlmError => {
  try {
    f()
  } catch (error) {
    if (LlmError.isLlmError(error)) return error
    throw error
  }
  throw new Error("nothing was thrown")
}

const table = (rows: ReadonlyMap<string, number>): string => {
  const operations = ["chat", "stream", "completion", "embeddings", "list_models", "error"]
  const providers = [...new Set([...rows.keys()].map((row) => row.split(" ")[0]!))].sort()
  const line = (first: string, cells: ReadonlyArray<string | number>): string =>
    first.padEnd(16) + cells.map((cell) => String(cell).padStart(12)).join("")
  return [
    line("provider", operations),
    ...providers.map((provider) => line(
      provider,
      operations.map((operation) => rows.get(`${provider} ${operation}`) ?? "")
    ))
  ].join("\n")
}
