/**
 * Every recorded answer of a real service that speaks one of OpenAI's formats or Ollama's: what was read of it, written
 * for a client and read again, is the same. Where the recordings are missing this is skipped, and says so.
 *
 * @module
 */
import { type ChatResult, LlmError, type Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { operationOf } from "../../../providers/test/recordings/check.ts"
import type { Family } from "../../../providers/test/recordings/family.ts"
import { ollama as ollamaFamily } from "../../../providers/test/recordings/ollama.ts"
import { openai as openaiFamily } from "../../../providers/test/recordings/openai.ts"
import { bodyOf, bytesOf, folder, type Recording, recordings } from "../../../providers/test/recordings/read.ts"
import { responsesFamily } from "../../../providers/test/recordings/responses.ts"
import type { Dialect } from "../../src/Dialect.ts"
import { ollama } from "../../src/dialects/ollama/index.ts"
import { openai } from "../../src/dialects/openai/index.ts"
import { responses } from "../../src/dialects/responses/index.ts"
import { call, same, written } from "./exchange.ts"

const all: ReadonlyArray<readonly [Dialect, Family]> = [[openai, openaiFamily], [responses, responsesFamily], [ollama, ollamaFamily]]
const every = recordings().flatMap((recording) =>
  all.filter(([, { apis }]) => apis.includes(recording.api)).map(([dialect, family]) => [recording.id, recording, dialect, family] as const)
)
if (every.length === 0) console.log(`skipped: recorded answers written again, because there is no folder ${folder.pathname}`)

const requestFor = (recording: Recording, family: Family) => family.request!(recording)

const callFor = (recording: Recording, dialect: Dialect) =>
  call({
    provider: recording.provider,
    operation: operationOf(recording),
    asked: {
      ...recording.request.body as object,
      ...(dialect.name === "openai" && { stream_options: { include_usage: true } }),
      encoding_format: "float"
    }
  })

const responseOf = (recording: Recording) =>
  ({ status: recording.response.status, headers: recording.response.headers, body: bodyOf(recording) })

const decode = (recording: Recording, family: Family, bytes: Uint8Array): ReadonlyArray<Part> => {
  const decoder = family.wire(recording).parts!(requestFor(recording, family))
  return [...decoder.push(bytes), ...decoder.end()]
}

/**
 * An answer of a service that says neither who it is nor why it stopped (Snowflake) is written with what the format
 * demands.
 */
const filled = (first: ChatResult, { id, timestamp }: ChatResult): ChatResult => ({
  ...(id !== undefined && { id }),
  ...(timestamp !== undefined && { timestamp }),
  ...first,
  finishReason: first.finishReason === "unknown" ? "stop" : first.finishReason
})

/**
 * The tools that take free text, where the recorded request is lost: a stream has to know them when the call begins.
 */
const toolsOf = (first: ChatResult): ReadonlyArray<object> =>
  Result.toolCalls(first).filter(({ params }) => typeof params === "string").map(({ name }) => ({ type: "custom", name }))

/**
 * An answer as the format can say it: text and thoughts in one piece each, thoughts first and sources last; arguments
 * as they are read; the numbers of tokens without the service's own, which a service that counts otherwise sends
 * otherwise.
 */
const normal = (result: ChatResult, dialect: Dialect): unknown => {
  const { raw: _, ...usage } = result.usage
  const { metadata: __, rawFinishReason: ___, ...rest } = result
  const ordered = dialect.name === "responses"
    ? result.content
    : [...result.content].sort((a, b) => rank(a.type) - rank(b.type)).reduce<Array<unknown>>((out, part) => {
      const last = out.at(-1) as typeof part | undefined
      if ((part.type === "text" || part.type === "reasoning") && last?.type === part.type) {
        out[out.length - 1] = { ...part, text: last.text + part.text, metadata: { ...last.metadata, ...part.metadata } }
      } else out.push(part)
      return out
    }, [])
  return { ...rest, content: ordered, usage }
}

const rank = (type: string): number => ["reasoning", "text", "file", "source", "raw", "tool-call", "tool-result"].indexOf(type)

describe.skipIf(every.length === 0)("recorded answers", () => {
  it.each(every.filter(([, { response }]) => response.status < 300))("%s", { timeout: 60_000 }, (_, recording, dialect, family) => {
    const wire = family.wire(recording)
    const request = requestFor(recording, family)
    const asked = callFor(recording, dialect)
    const again = (body: unknown) => wire.parse({ status: 200, headers: {}, body: JSON.stringify(body) }, request)
    if (!recording.stream) {
      let first: Result
      try {
        first = wire.parse(responseOf(recording), request)
      } catch (error) {
        expect(LlmError.isLlmError(error)).toBe(true)
        return
      }
      const body = dialect.encode(first, asked)
      const second = again(body)
      if (!Result.isChat(first) || !Result.isChat(second)) {
        same(plain(second), plain(first))
        return
      }
      same(normal(second, dialect), normal(filled(first, second), dialect))
      same(second.metadata, first.metadata)
      expect(second.rawFinishReason).toBe(first.rawFinishReason || "stop")
      return
    }
    const parts = decode(recording, family, bytesOf(recording))
    const type = operationOf(recording) === "completion" ? "completion" : "chat"
    const first = Result.fold(parts, type)
    // All at once: what is said at the end of a piece is known at its beginning.
    const whole = Result.fold(decode(recording, family, Buffer.from(written(dialect, parts, asked))), type)
    if (parts.at(-1)?.type === "error") {
      expect(whole.finishReason).toBe("error")
      expect(Result.text(whole)).toBe(Result.text(first))
      return
    }
    same(normal(whole, dialect), normal(filled(first, whole), dialect))
    same(whole.metadata, first.metadata)
    // One by one.
    const informed = recording.request.body == null ? { ...asked, asked: { ...asked.asked, tools: toolsOf(first) as never } } : asked
    const single = Result.fold(decode(recording, family, Buffer.from(written(dialect, parts, informed, [1]))), type)
    same(bare(normal(single, dialect)), bare(normal(filled(first, single), dialect)))
  })

  it.each(every.filter(([, { response }]) => response.status >= 400))("%s", (_, recording, dialect, family) => {
    const error = family.wire(recording).reason(responseOf(recording), requestFor(recording, family))
    const status = error.status ?? 500
    const body = JSON.stringify(dialect.encodeError(error, status, { id: "gw-1" }))
    const read = family.wire(recording).reason({ status, headers: {}, body }, requestFor(recording, family))
    expect(read.reason.message).toContain(error.reason.message.slice(0, 100))
    if (dialect.name !== "ollama") expect(read.reason._tag).toBe(error.reason._tag)
  })

  it("are of every format", () => {
    expect(new Set(every.map(([, , { name }]) => name)).size).toBe(3)
  })
})

/** A list without its entries in the service's own form. */
const plain = (result: Result): unknown => {
  if (result.type === "list_models") return { ...result, models: result.models.map(({ raw: _, ...model }) => model) }
  if (result.type === "embeddings") return { ...result, usage: { ...result.usage, raw: undefined } }
  return result
}

/** An answer without metadata of its parts. */
const bare = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (name, field: unknown) => name === "metadata" ? undefined : field))
