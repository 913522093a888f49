/**
 * The laws of providers hold for a small sound one, whose wire is one JSON object a line, and each catches a provider
 * with one fault.
 *
 * @module
 */
import { Json, LlmError, Message, Pipeline, Plug, Request, Result } from "@plugline/core"
import type { ChatResult, FinishPart, JsonValue, Part, Parts } from "@plugline/core"
import { Laws } from "@plugline/testing"
import { Effect, Redacted } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const malformed = (message: string) => LlmError.make({ _tag: "MalformedResponse", message })

const usageOf = (tokens: number): FinishPart["usage"] => ({ inputTokens: {}, outputTokens: { total: tokens } })

const field = (text: string, name: string): JsonValue | undefined => {
  let json: JsonValue
  try {
    json = Json.parse(text)
  } catch {
    throw malformed("no JSON")
  }
  return Json.isRecord(json) ? json[name] as JsonValue | undefined : undefined
}

/** Reads lines however the bytes are cut. */
const decoder = () => {
  const utf8 = new TextDecoder()
  let rest = ""
  let begun = false
  let ended = false
  const line = (text: string): Parts => {
    if (ended || text === "") return []
    try {
      const delta = field(text, "delta")
      const tokens = field(text, "tokens")
      if (typeof tokens === "number") {
        ended = true
        return [...begun
          ? [{ type: "text-end", id: "0" } as Part]
          : [], { type: "finish", reason: "stop", usage: usageOf(tokens) }]
      }
      if (typeof delta !== "string") throw malformed("neither text nor end")
      const start: Parts = begun ? [] : [{ type: "text-start", id: "0" }]
      begun = true
      return [...start, { type: "text-delta", id: "0", delta }]
    } catch (thrown) {
      ended = true
      return [{ type: "error", error: LlmError.fromUnknown(thrown).toJSON() }]
    }
  }
  return {
    push: (bytes: Uint8Array): Parts => {
      const lines = (rest + utf8.decode(bytes, { stream: true })).split("\n")
      rest = lines.pop() ?? ""
      return lines.flatMap(line)
    },
    end: (): Parts => {
      const last = line(rest + utf8.decode())
      return ended
        ? last
        : [...last, { type: "error", error: LlmError.make({ _tag: "CutStream", message: "cut off" }).toJSON() }]
    }
  }
}

const wire: Laws.WireLike = {
  prepare: (request) => ({
    request: {
      method: "POST",
      url: "https://lines.example/chat",
      headers: {},
      body: { text: Message.text(request.messages), ...(request.options.temperature !== undefined
        && { heat: request.options.temperature }) }
    },
    warnings: []
  }),
  parse: ({ body }): ChatResult => {
    const text = field(body, "text")
    const tokens = field(body, "tokens")
    if (typeof text !== "string" || typeof tokens !== "number") throw malformed("no text")
    return { type: "chat", content: [{ type: "text", text }], finishReason: "stop", usage: usageOf(tokens) }
  },
  parts: decoder,
  reason: ({ status }) => LlmError.make({ _tag: "Server", message: `status ${status}`, status })
}

const exchanges: fc.Arbitrary<Laws.WireExchange> = fc.tuple(fc.array(fc.string({ unit: "grapheme", minLength: 1 }),
  { minLength: 1, maxLength: 4 }), fc.nat(99))
  .map(([deltas, tokens]) => ({
    whole: JSON.stringify({ text: deltas.join(""), tokens }),
    stream: [...deltas.map((delta) => JSON.stringify({ delta })), JSON.stringify({ tokens })].map((line) =>
      `${line}\n`).join("")
  }))

/** The pipelines over the pure functions, with the answer given by hand. */
const runWith = (used: Laws.WireLike): NonNullable<Laws.ProviderSubject["run"]> =>
  (request, { body, headers, status }) =>
  Pipeline.run([Plug.make("answer", (request) => {
    if (status >= 300) return Request.fail(request, used.reason({ status, headers, body: typeof body === "string"
      ? body
      : "" }, request))
    if (typeof body === "string") return Request.complete(request, used.parse({ status, headers, body }, request))
    const reader = used.parts!(request)
    const left: Array<Parts> = [...body.map((bytes) => reader.push(bytes)), reader.end()]
    return Request.stream(request, { pull: Effect.sync(() => left.shift()), close: Effect.void })
  })], request)

const sound: Laws.ProviderSubject = { name: "lines", wire, exchanges, run: runWith(wire) }

describe("a sound provider", () => {
  const laws = Laws.provider(sound)
  it("is held to six laws", () => {
    expect(laws.map(({ name }) => name)).toEqual([
      "provider \"lines\": prepare",
      "provider \"lines\": stream",
      "provider \"lines\": chunking",
      "provider \"lines\": terminal",
      "provider \"lines\": garbage",
      "provider \"lines\": pipeline"
    ])
  })
  laws.forEach(({ check, name }) => it(name, check))

  it("may be given by answers written down", async () => {
    const written = [{ whole: "{\"text\":\"hi\",\"tokens\":1}" }, { stream: "{\"delta\":\"hi\"}\n{\"tokens\":1}" }]
    const laws = Laws.provider({ name: "lines", wire, exchanges: written, numRuns: 20 })
    expect(laws.map(({ law }) => law)).toEqual(["prepare", "chunking", "terminal", "garbage"])
    await Laws.check(laws)
  })
})

const reading = (change: (reader: ReturnType<typeof decoder>) => ReturnType<typeof decoder>) =>
  ({ ...wire, parts: () => change(decoder()) })

describe("a provider with a fault", () => {
  let count = 0
  it.each<[string, Laws.LawName, Partial<Laws.ProviderSubject>, string]>([
    ["counts what it sends", "prepare", {
      wire: { ...wire, prepare: (request) =>
        ({ request: { ...wire.prepare(request).request, headers: { "x-count": String(++count) } }, warnings: [] }) }
    }, "comes out in two ways"],
    ["writes into the request", "prepare", {
      wire: {
        ...wire,
        prepare: (request) => {
          if (!Object.isFrozen(request)) (request.messages as Array<Message>).push(Message.user("please"))
          return wire.prepare(request)
        }
      }
    }, "was changed in place"],
    ["sends the credential", "prepare", {
      wire: {
        ...wire,
        prepare: (request) => ({
          request: { ...wire.prepare(request).request, headers: { key: request.config.apiKey === undefined
            ? ""
            : Redacted.value(request.config.apiKey) } },
          warnings: []
        })
      }
    }, "holds the credential"],
    ["throws what is no LlmError", "prepare", {
      wire: {
        ...wire,
        prepare: (request) => {
          if (request.options.temperature !== undefined) throw new TypeError("too hot")
          return wire.prepare(request)
        }
      }
    }, "no LlmError"],
    ["loses the usage of a stream", "stream", {
      wire: reading((reader) => ({
        ...reader,
        push: (bytes) =>
          reader.push(bytes).map((part) => part.type === "finish" ? { ...part, usage: usageOf(0) } : part)
      }))
    }, "streamed, the answer is another than whole"],
    ["decodes each piece alone", "chunking", {
      wire: reading((reader) => ({
        ...reader,
        push: (bytes) => reader.push(new TextEncoder().encode(new TextDecoder().decode(bytes)))
      }))
    }, "reads as another answer"],
    ["ends a stream that was cut off as if all were well", "terminal", {
      wire: reading((reader) => ({ ...reader, end: () => reader.end().filter(({ type }) => type !== "error") }))
    }, "0 finish and error parts"],
    ["ends twice", "terminal", {
      wire: reading((reader) =>
        ({ ...reader, end: () => [...reader.end(), { type: "finish", reason: "stop", usage: usageOf(0) }] }))
    }, "2 finish and error parts"],
    ["goes on behind the end", "terminal", {
      wire: reading((reader) =>
        ({ ...reader, end: () => [...reader.end(), { type: "text-delta", id: "0", delta: "" }] }))
    }, "behind the end"],
    ["reads bytes without care", "garbage", {
      wire: { ...wire, parse: ({ body }) => JSON.parse(body).text.trim() }
    }, "parse throws what is no LlmError"],
    ["throws from a stream", "garbage", {
      wire: reading((reader) => ({
        ...reader,
        push: (bytes) => {
          if (bytes[0] === 0x5b) throw new RangeError("no list")
          return reader.push(bytes)
        }
      }))
    }, "push throws"],
    ["gives no reason", "garbage", {
      wire: { ...wire, reason: () => undefined as never }
    }, "in place of an LlmError"],
    ["loses the answer in its pipeline", "pipeline", {
      run: (request, answer) =>
        Effect.map(runWith(wire)(request, answer), Request.mapResult((result) =>
          ({ ...result, finishReason: "length" }) as Result))
    }, "the pipeline makes another answer of it"]
  ])("that %s is caught", async (_, law, fault, observed) => {
    const laws = Laws.provider({ ...sound, ...("wire" in fault && fault.wire !== undefined
      ? { run: runWith(fault.wire) }
      : {}), ...fault, seed: 5, numRuns: 300 })
      .filter((each) => each.law === law)
    expect(laws.length).toBe(1)
    const error = await Laws.check(laws).then(() => undefined, (error: unknown) => error)
    expect(error).toBeInstanceOf(Laws.LawBroken)
    expect((error as Laws.LawBroken).observed).toContain(observed)
    expect((error as Laws.LawBroken).subject).toBe("provider \"lines\"")
  })
})
