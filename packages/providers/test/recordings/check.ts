/**
 * Holds a recorded exchange to every fact that was read off it.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util"
import {
  type ChatResult, LlmError, Mask, Message, type Operation, type Part, Part as Parts, Request, Result, type Usage
} from "@plugline/core"
import { expect } from "vitest"
import type { Wire, WireResponse } from "../../src/Wire.ts"
import type { Family } from "./family.ts"
import { bodyOf, bytesOf, type Facts, type Recording } from "./read.ts"

/** How much was looked at. */
export interface Checks {
  facts: number
  cuts: number
  bodies: number
}

/** Holds one recording to its facts. Throws where one does not hold. */
export const check = (recording: Recording, family: Family, checks: Checks): void => new Check(recording, family, checks).run()

class Check {
  readonly #recording: Recording
  readonly #family: Family
  readonly #checks: Checks
  readonly #facts: Facts
  readonly #wire: Wire
  readonly #request: Request

  constructor(recording: Recording, family: Family, checks: Checks) {
    this.#recording = recording
    this.#family = family
    this.#checks = checks
    const left = new Set(family.exceptions?.[recording.id]?.facts)
    const facts = family.facts?.(recording) ?? recording.expect
    this.#facts = Object.fromEntries(Object.entries(facts).filter(([name]) => !left.has(name)))
    this.#wire = family.wire(recording)
    this.#request = (family.request ?? requestOf)(recording)
  }

  run(): void {
    const response = responseOf(this.#recording)
    if (response.status >= 300) this.#failure(this.#wire.reason(response, this.#request))
    else if (this.#recording.stream) this.#streamed()
    else this.#whole(response)
    this.#written()
  }

  #fact(count = 1): void {
    this.#checks.facts += count
  }

  // --- whole answers ---------------------------------------------------------------------------------------------------

  #whole(response: WireResponse): void {
    const facts = this.#facts
    if (facts.error !== undefined) {
      const error = thrown(() => this.#wire.parse(response, this.#request))
      this.#failure(error)
      // What the model had said before it failed is still there to be read.
      if (facts.text !== undefined) {
        expect(JSON.stringify(error.reason.raw)).toContain(JSON.stringify(facts.text))
        this.#fact()
      }
      if (this.#wire.parts !== undefined) expect(this.#decode([Buffer.from(response.body)]).at(-1)?.type).toBe("error")
      return
    }
    const result = this.#wire.parse(response, this.#request)
    switch (result.type) {
      case "chat":
      case "completion": {
        this.#answer(result)
        if (this.#wire.parts === undefined) return
        const stream = this.#family.asStream?.(this.#recording)
        if (stream !== undefined) this.#same(Result.fold(this.#decode([stream]), result.type), result)
        return
      }
      case "embeddings": {
        expect(result.embeddings.length).toBe(facts.embedding_count)
        const dims = this.#family.dims?.(this.#recording) ?? facts.embedding_dims!
        expect(result.embeddings.map((vector) => vector.length))
          .toEqual(Array.from({ length: facts.embedding_count! }, () => dims))
        if (facts.embedding_head !== undefined) {
          expect(result.embeddings[0]?.slice(0, facts.embedding_head.length)).toEqual(facts.embedding_head)
          this.#fact()
        }
        expect(result.embeddings.every((vector) => vector.every((number) => Number.isFinite(number)))).toBe(true)
        if (facts.model !== undefined) expect(result.model).toBe(facts.model)
        this.#fact(3)
        this.#usage(result.usage)
        return
      }
      case "list_models": {
        const ids = result.models.map((model) => model.id)
        expect(ids.length).toBe(facts.model_ids_count)
        expect(ids.slice(0, facts.model_ids_head?.length)).toEqual(facts.model_ids_head)
        expect(ids.slice(-(facts.model_ids_tail?.length ?? 0))).toEqual(facts.model_ids_tail)
        if (facts.more_pages !== undefined) expect(result.next !== undefined).toBe(facts.more_pages)
        this.#fact(3)
        return
      }
      default:
        throw new Error(`a ${this.#recording.operation} does not answer with ${result.type}`)
    }
  }

  // --- streams ---------------------------------------------------------------------------------------------------------

  #streamed(): void {
    const bytes = bytesOf(this.#recording)
    const facts = this.#facts
    const parts = this.#decode([bytes])
    const result = Result.fold(parts)
    this.#answer(result)
    wellFormed(parts)
    const last = parts.at(-1)
    if (facts.error !== undefined) this.#failure(last?.type === "error" ? Parts.errorOf(last) : undefined)
    else expect(last).toMatchObject({ type: "finish" })
    if (facts.text_delta_count !== undefined) {
      expect(parts.filter((part) => part.type === "text-delta").length).toBe(facts.text_delta_count)
      this.#fact()
    }
    if (facts.tool_argument_fragments !== undefined) {
      // Of the call that came in the most pieces.
      const pieces = new Map<string, number>()
      for (const part of parts) if (part.type === "tool-params-delta") pieces.set(part.id, (pieces.get(part.id) ?? 0) + 1)
      expect(Math.max(...pieces.values())).toBe(facts.tool_argument_fragments)
      this.#fact()
    }
    const events = (this.#family.events ?? eventStarts)(bytes)
    const longest = events.reduce((most, start, index) => Math.max(most, (events[index + 1] ?? bytes.length) - start), 0)
    if (bytes.length <= 10_000) {
      for (let cut = 0; cut <= bytes.length; cut++) {
        this.#equal(Result.fold(this.#decode([bytes.subarray(0, cut), bytes.subarray(cut)])), result, cut)
      }
    } else {
      // The same for long streams in fewer runs: each run cuts every event, at one and the same of its bytes.
      const step = Math.max(1, Math.floor((longest * bytes.length) / mostWork))
      for (let cut = 0; cut < longest; cut += step) {
        const pieces: Array<Uint8Array> = []
        let from = 0
        events.forEach((start, index) => {
          const at = start + cut
          if (at > from && at < (events[index + 1] ?? bytes.length)) {
            pieces.push(bytes.subarray(from, at))
            from = at
            this.#checks.cuts++
          }
        })
        pieces.push(bytes.subarray(from))
        this.#equal(Result.fold(this.#decode(pieces)), result, cut, 0)
      }
    }
    this.#equal(Result.fold(this.#decode(Array.from(bytes, (byte) => Uint8Array.of(byte)))), result, -1)
  }

  #equal(actual: ChatResult, expected: ChatResult, cut: number, counts = 1): void {
    this.#checks.cuts += counts
    if (isDeepStrictEqual(actual, expected)) return
    expect.fail(`cut at ${cut} it reads otherwise: ${JSON.stringify(actual)} in place of ${JSON.stringify(expected)}`)
  }

  #same(actual: ChatResult, expected: ChatResult): void {
    if (!isDeepStrictEqual(actual, expected)) expect(actual, this.#recording.id).toEqual(expected)
  }

  #decode(pieces: ReadonlyArray<Uint8Array>): ReadonlyArray<Part> {
    const decoder = this.#wire.parts!(this.#request)
    const out: Array<Part> = []
    for (const piece of pieces) for (const part of decoder.push(piece)) out.push(part)
    for (const part of decoder.end()) out.push(part)
    return out
  }

  // --- facts -----------------------------------------------------------------------------------------------------------

  #answer(result: ChatResult): void {
    const facts = this.#facts
    const recording = this.#recording
    const list = (name: keyof Facts): boolean => facts[name] !== undefined
    if (list("model")) expect(result.model).toBe(facts.model)
    if (list("text")) expect(Result.text(result)).toBe(facts.text)
    if (list("reasoning_text")) expect(Result.reasoning(result)).toBe(facts.reasoning_text)
    const finish = this.#family.finish === undefined ? facts.finish_reason_raw : this.#family.finish(recording)
    if (finish !== undefined) expect(result.rawFinishReason ?? null).toBe(finish)
    this.#fact(4)
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
        if (expected.custom_input !== undefined) expect(call?.params).toBe(expected.custom_input)
        else if (expected.arguments_raw === undefined) expect(call?.params).toEqual(expected.arguments)
        else expect(call).toMatchObject({ params: expected.arguments_raw, invalid: true })
        this.#fact(3)
      })
      if (facts.tool_calls.length > 0 && facts.error === undefined && !list("incomplete_reason")) {
        expect(result.finishReason).toBe("tool-calls")
      }
    }
    const server = result.content.filter((part) => part.type === "tool-call" && part.providerExecuted === true)
    expect(server.map((part) => part.type === "tool-call" ? part.name : "")).toEqual(facts.server_tool_calls ?? [])
    const sources = result.content.filter((part) => part.type === "source")
    if (facts.citation_count !== undefined) expect(sources.length).toBe(facts.citation_count)
    if (facts.citation_urls !== undefined) {
      expect(sources.map((part) => part.type === "source" && part.sourceType === "url" ? part.url : ""))
        .toEqual(facts.citation_urls)
    }
    if (facts.choice_count !== undefined) expect((result.choices?.length ?? 0) + 1).toBe(facts.choice_count)
    this.#fact(2)
    this.#family.also?.(result, recording)
    if (facts.error === undefined) this.#usage(result.usage)
  }

  /** Our usage from the service's own numbers. */
  #usage(actual: Usage): void {
    const sent = this.#facts.usage
    if (sent === undefined) {
      if (this.#facts.usage_raw === undefined) expect(actual).toEqual({ inputTokens: {}, outputTokens: {} })
      return
    }
    const { raw, ...counted } = actual
    expect(raw).toEqual(this.#facts.usage_raw)
    expect(counted).toEqual(this.#family.usage(sent, this.#recording))
    const { inputTokens: input, outputTokens: output } = actual
    if (input.uncached !== undefined) {
      expect(input.uncached + (input.cacheRead ?? 0) + (input.cacheWrite ?? 0)).toBe(input.total)
    }
    if (output.reasoning !== undefined && output.text !== undefined) {
      expect(output.reasoning + output.text).toBe(output.total)
    }
    this.#fact(3)
  }

  #failure(error: LlmError | undefined): void {
    const facts = this.#facts.error!
    const reason = error!.reason
    expect(error!.provider).toBe(this.#recording.provider)
    if (facts.status !== undefined) expect(reason.status).toBe(facts.status)
    const code = this.#family.code === undefined ? facts.code ?? facts.type : this.#family.code(this.#recording)
    if (code !== undefined) expect(reason.code).toBe(String(code))
    const raw = JSON.stringify(reason.raw)
    if (facts.type !== undefined) expect(raw + String(reason.code)).toContain(facts.type)
    if (facts.message !== undefined) {
      expect(reason.message.startsWith(Mask.text(facts.message).replace(/\s+/g, " ").trim().slice(0, 1500))).toBe(true)
    }
    if (facts.param !== undefined) expect(raw).toContain(JSON.stringify(facts.param))
    if (facts.detail !== undefined) expect(reason.raw).toEqual({ detail: facts.detail })
    const wait = facts.retry_after_ms !== undefined
      ? Number(facts.retry_after_ms)
      : facts.retry_after !== undefined
      ? Number(facts.retry_after) * 1000
      : facts.retry_delay === undefined
      ? undefined
      : Math.ceil(Number(facts.retry_delay.slice(0, -1)) * 1000)
    if (wait !== undefined) expect(error!.retryAfter).toBe(wait)
    this.#fact(4)
    const expected = tagOf(this.#recording)
    if (expected !== undefined) {
      expect(reason._tag).toBe(expected)
      this.#fact()
    }
  }

  // --- the request's body ----------------------------------------------------------------------------------------------

  /** A recorded request, read into ours and written again, is the same JSON up to the defaults of the format. */
  #written(): void {
    const { id, request: { body, url } } = this.#recording
    const { decode } = this.#wire
    if (decode === undefined || typeof body !== "object" || body === null) return
    if (this.#family.unwritten?.[id] !== undefined) return
    const sent = { url, body: body as NonNullable<Parameters<typeof decode>[0]["body"]> }
    const asked = decode(sent, this.#recording.provider)
    const request = Request.make({ provider: this.#recording.provider, config: this.#request.config, ...asked })
    const again: unknown = JSON.parse(JSON.stringify(this.#wire.prepare(request).request.body))
    const normal = (value: unknown): unknown => this.#family.normal?.(value, this.#recording) ?? value
    expect(normal(again)).toEqual(normal(structuredClone(body)))
    this.#checks.bodies++
  }
}

/** Most bytes that are read again for the cuts of one long stream. */
const mostWork = 60_000_000

const eventStarts = (bytes: Uint8Array): ReadonlyArray<number> => {
  const starts = [0]
  for (let index = 1; index < bytes.length; index++) {
    const [before, here] = [bytes[index - 1], bytes[index]]
    if (here !== 10 && here !== 13 && (before === 10 || before === 13)) starts.push(index)
  }
  return starts
}

/** The laws of every stream of parts. */
const wellFormed = (parts: ReadonlyArray<Part>): void => {
  const open = new Set<string>()
  let said = false
  parts.forEach((part, index) => {
    if (Parts.isTerminal(part)) expect(index).toBe(parts.length - 1)
    if (part.type === "text-delta" || part.type === "reasoning-delta") said = true
    if (part.type === "response-metadata") expect(said).toBe(false)
    if (!("id" in part) || part.id === undefined) return
    if (part.type.endsWith("-start")) open.add(`${part.type.slice(0, -6)} ${part.id}`)
    if (part.type.endsWith("-delta")) expect(open).toContain(`${part.type.slice(0, -6)} ${part.id}`)
    if (part.type.endsWith("-end")) expect(open.delete(`${part.type.slice(0, -4)} ${part.id}`)).toBe(true)
  })
  if (parts.at(-1)?.type === "finish") expect([...open]).toEqual([])
  expect(parts.filter(Parts.isTerminal).length).toBe(1)
}

/** The reason that follows from what whoever recorded the exchange noted about it. */
const tagOf = ({ features, expect: { error } }: Recording): string | undefined => {
  if (features.includes("quota")) return error?.code === "insufficient_quota" ? "Quota" : undefined
  if (features.includes("status_429")) return "RateLimit"
  if (features.includes("context_overflow")) return features.includes("status_500") ? "Server" : "ContextLength"
  if (features.includes("status_401")) return "Authentication"
  if (features.includes("auth_error") && features.includes("status_400")) return "Authentication"
  if (features.includes("auth_error") && /security token/.test(error?.message ?? "")) return "Authentication"
  if (features.includes("status_403")) return "Permission"
  if (features.includes("not_found")) return "NotFound"
  if (features.includes("status_503") || features.includes("overloaded")) return "Overloaded"
  if (features.includes("status_500") || error?.code === 502) return "Server"
  if (features.includes("status_422")) return "InvalidRequest"
  if (error?.code === "tool_use_failed" || error?.code === "invalid_image_format") return "InvalidRequest"
  return undefined
}

// --- around it ---------------------------------------------------------------------------------------------------------

/** The operation of a recording. `error` is no operation of its own: it is that of the format. */
export const operationOf = ({ api, operation, stream }: Recording): Operation => {
  if (operation === "completion" || api.endsWith("-completions") || api.endsWith("-generate") && api !== "google-generate") {
    return "completion"
  }
  if (api.endsWith("-models")) return "list_models"
  if (/-embed(dings)?$/.test(api)) return "embeddings"
  return stream || operation === "stream" ? "stream" : "chat"
}

const requestOf = (recording: Recording): Request => {
  const body: { input?: string | ReadonlyArray<string> } = (recording.request.body ?? {}) as object
  return Request.make({
    provider: recording.provider,
    operation: operationOf(recording),
    messages: body.input === undefined ? "Hello" : [body.input].flat().map(Message.user),
    options: { model: "m" }
  })
}

const responseOf = (recording: Recording): WireResponse => ({
  status: recording.response.status,
  headers: recording.response.headers,
  body: bodyOf(recording)
})

const thrown = (f: () => unknown): LlmError => {
  try {
    f()
  } catch (error) {
    if (LlmError.isLlmError(error)) return error
    throw error
  }
  throw new Error("nothing was thrown")
}
