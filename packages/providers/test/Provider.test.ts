import { LlmError, type Part, type Parts, Pipeline, Plug, Request, type RequestJson, Result, type Timeouts, type Warning } from "@plugline/core"
import { Credentials, type MemoryAnswer, type Outgoing, Provider, Transport, type Wire } from "@plugline/providers"
import { openai } from "@plugline/providers/openai"
import { it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { inspect } from "node:util"
import { describe, expect } from "vitest"

// It looks like no known kind of key: nothing but the key itself tells that it is one.
const canary = "canary0123456789abcdef"
const usage = { inputTokens: { total: 1 }, outputTokens: { total: 2 } }
const warning: Warning = { type: "unsupported-option", option: "topK", message: "no topK here" }

/** A wire as small as can be: a body of JSON, a stream of JSON lines. */
const wire: Wire = {
  prepare: (request) => ({
    request: { method: "POST", url: `${request.config.baseUrl}/ask`, headers: { "X-Wire": "1" }, body: { n: request.messages.length } },
    warnings: request.options.topK === undefined ? [] : [warning]
  }),
  parse: ({ body }) => {
    const { text } = JSON.parse(body) as { readonly text?: string }
    if (text === undefined) throw LlmError.make({ _tag: "NotAnLlm", message: `no text in ${body}` })
    return Result.fold(textParts(text))
  },
  parts: () => {
    let left = ""
    return {
      push: (bytes) => {
        left += Buffer.from(bytes).toString("utf8")
        const lines = left.split("\n")
        left = lines.pop() ?? ""
        return lines.filter((line) => line !== "").map((line) => {
          if (line.startsWith("!")) throw LlmError.make({ _tag: "MalformedResponse", message: "no event", raw: line })
          return JSON.parse(line) as Part
        })
      },
      end: (): Parts => [broken("cut")]
    }
  },
  reason: ({ body, status }) => LlmError.make({ _tag: status === 401 ? "Authentication" : "Server", status, message: body, raw: body })
}
const broken = (message: string): Part => ({ type: "error", error: LlmError.make({ _tag: "CutStream", message }).toJSON() })
const textParts = (text: string): ReadonlyArray<Part> => [
  { type: "response-metadata", id: "r1" },
  { type: "text-start", id: "0" }, { type: "text-delta", id: "0", delta: text }, { type: "text-end", id: "0" },
  { type: "finish", reason: "stop", usage }
]
const lines = (parts: ReadonlyArray<Part>) => parts.map((part) => `${JSON.stringify(part)}\n`)

const acme = Provider.make({
  name: "acme",
  title: "Acme",
  baseUrl: "https://api.acme.test/v1/",
  keys: ["ACME_KEY", "ACME_TOKEN"],
  wires: { chat: wire, stream: wire, validate: { ...wire, parse: () => ({ type: "validate", usable: true }) } }
})

interface Setting {
  readonly answer?: MemoryAnswer | ((outgoing: Outgoing) => Effect.Effect<MemoryAnswer, LlmError>)
  readonly credentials?: Layer.Layer<Credentials>
}

/** Runs a request through a pipeline of the provider; also what was sent. */
const run = (request: Request, { answer = { body: "{\"text\":\"Hi\"}" }, credentials = Credentials.memory({ acme: Redacted.make(canary) }) }: Setting = {}) =>
  Effect.gen(function*() {
    const sent: Array<Outgoing> = []
    const transport = Transport.memory((outgoing) => {
      sent.push(outgoing)
      return typeof answer === "function" ? answer(outgoing) : Effect.succeed(answer)
    })
    const pipeline = acme.pipelines[request.operation as "chat"]
    const final = yield* Effect.provide(Pipeline.run(pipeline, request), Layer.merge(transport, credentials))
    return { final, sent, error: Request.failure(final)?.reason, headers: sent[0] === undefined ? {} : Transport.headersOf(sent[0]) }
  })

const ask = (more: Partial<Parameters<typeof Request.make>[0]> = {}) => Request.make({ provider: "acme", messages: "Hello", ...more })

describe("a whole call", () => {
  it.effect("is prepared, sent and parsed by five named plugs", () =>
    Effect.gen(function*() {
      expect(Pipeline.names(acme.pipelines.chat)).toEqual(["validate", "configure", "prepare", "send", "parse"])
      const { final, headers, sent } = yield* run(ask())
      expect([final.state, Result.text(final.result)]).toEqual(["completed", "Hi"])
      expect(sent).toMatchObject([{ method: "POST", url: "https://api.acme.test/v1/ask", body: "{\"n\":1}", stream: false, timeouts: Transport.timeouts }])
      expect(headers).toMatchObject({ authorization: `Bearer ${canary}`, "x-wire": "1", "content-type": "application/json", accept: "application/json" })
      expect(final.response).toMatchObject({ status: 200, body: "{\"text\":\"Hi\"}" })
    }))

  it.effect("an answer that is none, a wire that throws and a service that fails are errors naming plug and provider", () =>
    Effect.gen(function*() {
      const none = yield* run(ask(), { answer: { body: "{}" } })
      expect(none.final.errors).toMatchObject([{ plug: "parse", provider: "acme", reason: { _tag: "NotAnLlm" } }])
      const page = yield* run(ask(), { answer: { body: "<html>" } })
      expect(page.final.errors).toMatchObject([{ plug: "parse", provider: "acme", reason: { _tag: "Plug" } }])
      const failed = yield* run(ask(), { answer: { status: 503, body: "busy" } })
      expect(failed.final.errors).toMatchObject([{ plug: "send", provider: "acme", reason: { _tag: "Server", status: 503 } }])
      expect(failed.final).toMatchObject({ state: "error", halted: true, response: { status: 503, body: "busy" } })
    }))

  it.effect("half an answer stands beside the error it ended with", () =>
    Effect.gen(function*() {
      const half = textParts("Half").slice(0, 3)
      const halves: Wire = {
        ...wire,
        parse: () => {
          throw LlmError.make({ _tag: "Server", message: "gave up" })
        },
        parts: () => ({ push: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as Parts, end: () => [broken("cut")] })
      }
      const provider = Provider.make({ name: "acme", baseUrl: "https://api.acme.test", needsKey: false, wires: { chat: halves } })
      const final = (body: string) =>
        Effect.provide(Pipeline.run(provider.pipelines.chat, ask()), Layer.merge(Transport.memory(() => Effect.succeed({ body })), Credentials.none))
      const some = yield* final(JSON.stringify(half))
      expect([some.state, Result.text(some.result)]).toEqual(["error", "Half"])
      expect(some.errors).toMatchObject([{ plug: "parse", provider: "acme", reason: { message: "gave up" } }])
      for (const body of ["[]", "garbage"]) {
        const none = yield* final(body)
        expect([none.state, none.result, none.errors.length]).toEqual(["error", undefined, 1])
      }
    }))

  it.effect("what comes with warnings says so, whole and streamed alike", () =>
    Effect.gen(function*() {
      const whole = yield* run(ask({ options: { topK: 3 } }))
      const streamed = yield* run(ask({ options: { topK: 3 }, operation: "stream" }), { answer: { body: lines(textParts("Hi")) } })
      expect(Result.isChat(whole.final.result) && whole.final.result.warnings).toEqual([warning])
      expect(Result.isChat(streamed.final.result) && streamed.final.result.warnings).toEqual([warning])
      const parts = yield* Stream.runCollect(Pipeline.stream(acme.pipelines.stream, ask({ options: { topK: 3 }, operation: "stream" }))).pipe(
        Effect.provide(Layer.merge(Transport.memory(() => Effect.succeed({ body: lines(textParts("Hi")) })), Credentials.memory({ acme: Redacted.make(canary) }))))
      expect([...parts].map(({ type }) => type)).toEqual(["warning", "response-metadata", "text-start", "text-delta", "text-end", "finish"])
    }))

  it.effect("warnings of an attempt before do not stay", () =>
    Effect.gen(function*() {
      const once = yield* run(ask({ options: { topK: 3 } }))
      const again = Request.mergeOptions(Request.fromJson({ ...(JSON.parse(JSON.stringify(once.final)) as RequestJson), state: "pending", halted: false, config: {} }), { topK: undefined })
      const { final } = yield* run(again)
      expect(Result.isChat(final.result) && final.result.warnings).toBe(undefined)
    }))
})

describe("what is refused before anything is sent", () => {
  const cases: ReadonlyArray<[string, () => Request, object]> = [
    ["no message", () => ask({ messages: [] }), { _tag: "InvalidRequest", parameter: "messages" }],
    ["another provider's request", () => ask({ provider: "other" }), { _tag: "InvalidRequest", parameter: "provider" }],
    ["an address that is none", () => ask({ config: { baseUrl: "file:///etc" } }), { _tag: "Configuration", option: "baseUrl" }],
    ["an address with a password", () => ask({ config: { baseUrl: "https://u:p@api.acme.test" } }), { _tag: "Configuration", option: "baseUrl" }],
    ["an address with a user name", () => ask({ config: { baseUrl: "https://u@api.acme.test" } }), { _tag: "Configuration", option: "baseUrl" }],
    ["a limit that is none", () => ask({ config: { timeouts: { idle: -1 } } }), { _tag: "Configuration", option: "timeouts.idle" }],
    ["a limit nobody knows", () => ask({ config: { timeouts: { idel: 1 } as Timeouts } }), { _tag: "Configuration", option: "timeouts.idel" }],
    ["a key that is not wrapped", () => ask({ config: JSON.parse("{\"apiKey\":\"sk-plain-000000000\"}") }), { _tag: "Configuration", option: "apiKey" }],
    ["a line break in a header", () => ask({ config: { headers: { "x-a": "1\r\nx-b: 2" } } }), { _tag: "InvalidRequest", parameter: "headers.x-a" }]
  ]
  for (const [title, request, reason] of cases) {
    it.effect(title, () =>
      Effect.gen(function*() {
        const { error, final, sent } = yield* run(request())
        expect(error).toMatchObject(reason)
        expect(sent).toEqual([])
        expect(JSON.stringify(final)).not.toContain("sk-plain")
      }))
  }

  it.effect("an operation it has under another pipeline, and one it has not", () =>
    Effect.gen(function*() {
      const layer = Layer.merge(Transport.memory(() => Effect.succeed({})), Credentials.none)
      const through = (operation: "stream" | "embeddings") => Effect.provide(Pipeline.run(acme.pipelines.chat, ask({ operation })), layer)
      expect((yield* through("stream")).errors[0]?.reason).toMatchObject({ _tag: "InvalidRequest", parameter: "operation" })
      expect((yield* through("embeddings")).errors[0]?.reason).toMatchObject({ _tag: "Unsupported" })
    }))
})

describe("the key", () => {
  it.effect("a missing one is an error that names the variables to set, and nothing is sent", () =>
    Effect.gen(function*() {
      const { error, sent } = yield* run(ask(), { credentials: Credentials.none })
      expect(error).toMatchObject({ _tag: "Authentication", message: "no key for Acme: set ACME_KEY or ACME_TOKEN in the environment, or give config.apiKey" })
      expect(sent).toEqual([])
    }))

  it.effect("the environment's goes to the provider's own address alone", () =>
    Effect.gen(function*() {
      const elsewhere = yield* run(ask({ config: { baseUrl: "https://evil.test/v1" } }))
      expect(elsewhere.error).toMatchObject({ _tag: "Authentication", message: expect.stringContaining("is for https://api.acme.test and was not sent to https://evil.test") })
      expect(elsewhere.sent).toEqual([])
      for (const baseUrl of ["http://api.acme.test/v1", "https://api.acme.test:8443/v1", "https://api.acme.test.evil.test/v1"]) {
        expect((yield* run(ask({ config: { baseUrl } }))).sent).toEqual([])
      }
      const path = yield* run(ask({ config: { baseUrl: "https://api.acme.test/v2/" } }))
      expect([path.sent[0]?.url, path.headers.authorization]).toEqual(["https://api.acme.test/v2/ask", `Bearer ${canary}`])
      const explicit = yield* run(ask({ config: { baseUrl: "https://mine.test", apiKey: Redacted.make("own-key-1234") } }))
      expect(explicit.headers.authorization).toBe("Bearer own-key-1234")
    }))

  it.effect("one that is not needed is not asked for, and not sent elsewhere either", () =>
    Effect.gen(function*() {
      const free = Provider.make({ name: "free", baseUrl: "http://127.0.0.1:1", keys: ["FREE_KEY"], needsKey: false, wires: { chat: wire } })
      const sent: Array<Outgoing> = []
      const transport = Transport.memory((outgoing) => Effect.sync(() => {
        sent.push(outgoing)
        return { body: "{\"text\":\"Hi\"}" }
      }))
      const go = (config: object, key: Layer.Layer<Credentials>) =>
        Effect.provide(Pipeline.run(free.pipelines.chat, Request.make({ provider: "free", messages: "x", config: { ...config } })), Layer.merge(transport, key))
      const key = Credentials.memory({ free: Redacted.make(canary) })
      for (const [config, credentials] of [[{}, Credentials.none], [{}, key], [{ baseUrl: "http://127.0.0.1:2" }, key]] as const) {
        expect((yield* go(config, credentials)).state).toBe("completed")
      }
      expect(sent.map((outgoing) => Transport.headersOf(outgoing).authorization)).toEqual([undefined, `Bearer ${canary}`, undefined])
    }))

  it.effect("the caller's own headers go first, and one that carries a credential makes the key needless", () =>
    Effect.gen(function*() {
      const { headers } = yield* run(ask({ config: { headers: { Authorization: "Basic abc", "X-Wire": "2" } } }), { credentials: Credentials.none })
      expect(headers).toMatchObject({ authorization: "Basic abc", "x-wire": "2" })
    }))

  it.effect("a caller's own authorization makes it needless, also where it goes in another header", () =>
    Effect.gen(function*() {
      const other = Provider.make({ name: "other", baseUrl: "https://other.test", authorize: (key) => ({ "x-api-key": key }), wires: { chat: wire } })
      const sent: Array<Outgoing> = []
      const transport = Transport.memory((outgoing) => Effect.sync(() => (sent.push(outgoing), { body: "{\"text\":\"Hi\"}" })))
      for (const headers of [{ Authorization: "Bearer own" }, { "X-Api-Key": "own" }, { "x-else": "own" }]) {
        yield* Effect.provide(Pipeline.run(other.pipelines.chat, Request.make({ provider: "other", messages: "x", config: { headers } })), Layer.merge(transport, Credentials.none))
      }
      expect(sent.map((outgoing) => Transport.headersOf(outgoing)["x-api-key"] ?? Transport.headersOf(outgoing).authorization)).toEqual(["Bearer own", "own"])
    }))

  it.effect("stands in nothing that can be printed, however the call ends", () =>
    Effect.gen(function*() {
      const echo = (status: number): MemoryAnswer => ({
        status,
        headers: { "x-echo": canary },
        body: `{"error":"bad key ${canary}","no":"text"}`
      })
      const secret = "own-header-secret-1"
      const stream = { operation: "stream" as const }
      const endings: ReadonlyArray<[Request, Setting]> = [
        [ask(), {}],
        [ask(), { answer: echo(200) }],
        [ask(), { answer: echo(401) }],
        [ask(stream), { answer: { body: lines([...textParts("x").slice(0, 3), { type: "error", error: LlmError.make({ _tag: "Server", message: `no ${canary}`, raw: { said: canary } }).toJSON() }]) } }],
        [ask(stream), { answer: { body: lines([{ type: "error", error: LlmError.make({ _tag: "Server", message: `no ${canary}`, raw: { said: canary } }).toJSON() }]) } }],
        [ask(stream), { answer: { body: [`!${canary}\n`] } }],
        [ask(stream), { answer: { body: [...lines(textParts("x").slice(0, 3)), `!${canary}\n`] } }],
        [ask({ config: { apiKey: Redacted.make(canary), headers: { "x-mine-token": secret } } }), {}],
        [ask(), { answer: () => Effect.fail(LlmError.make({ _tag: "Network", message: "gone" })) }],
        [ask({ operation: "validate" }), { answer: echo(401) }]
      ]
      for (const [request, setting] of endings) {
        const traced: Array<unknown> = []
        const observer = {
          enter: (step: object, request: Request) => (traced.push(step, request), {}),
          pass: (_: object, request: Request) => void traced.push(request),
          receive: (_: object, request: Request) => void traced.push(request),
          leave: (_: object, request: Request) => void traced.push(request),
          finish: (_: string, before: Request, after: Request) => void traced.push(before, after),
          parts: (_: string | undefined, parts: Parts) => void traced.push(parts)
        }
        const transport = Transport.memory((outgoing) => {
          traced.push(outgoing)
          expect(Transport.headersOf(outgoing).authorization).toBe(`Bearer ${canary}`)
          const { answer = { body: "{\"text\":\"Hi\"}" } } = setting
          return typeof answer === "function" ? answer(outgoing) : Effect.succeed(answer)
        })
        const final = yield* Effect.provide(
          Pipeline.run(acme.pipelines[request.operation as "chat"], request, { observer }),
          Layer.merge(transport, Credentials.memory({ acme: Redacted.make(canary) }))
        )
        for (const value of [final, ...final.errors, ...traced, acme]) {
          const printed = `${JSON.stringify(value)}${inspect(value, { depth: 20, showHidden: true })}${String(value)}`
          expect(printed).not.toContain(canary)
          expect(printed).not.toContain(secret)
        }
        if (final.errors[0] !== undefined) expect(final.errors[0].stack).not.toContain(canary)
      }
    }))
})

describe("a streamed call", () => {
  const stream = ask({ operation: "stream" })

  it.effect("folded is the whole answer, cut anywhere", () =>
    Effect.gen(function*() {
      const whole = yield* run(ask(), { answer: { body: "{\"text\":\"Hällo\"}" } })
      const bytes = Buffer.from(lines(textParts("Hällo")).join(""), "latin1").toString("latin1")
      for (const size of [1, 7, 50, 10_000]) {
        const body = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.slice(index * size, (index + 1) * size))
        const { final, sent } = yield* run(stream, { answer: { body } })
        expect(final.result).toEqual(whole.final.result)
        expect(sent[0]).toMatchObject({ stream: true, headers: { accept: "text/event-stream" } })
      }
    }))

  const first: ReadonlyArray<[string, MemoryAnswer, object]> = [
    ["an error as the only event", { body: lines([broken("no")]) }, { _tag: "CutStream", message: "no" }],
    ["an error behind the announcement", { body: lines([{ type: "response-metadata", id: "r" }, broken("no")]) }, { _tag: "CutStream", message: "no" }],
    ["an end without a word", { body: [] }, { _tag: "CutStream" }],
    ["bytes that are no events", { body: ["<html>\n"] }, { _tag: "Plug" }],
    ["a connection that breaks", { body: [Effect.fail(LlmError.make({ _tag: "Network", message: "reset" }))] }, { _tag: "Network", message: "reset" }],
    ["an error status", { status: 500, body: "down" }, { _tag: "Server", status: 500 }]
  ]
  for (const [title, answer, reason] of first) {
    it.effect(`${title} fails the request where a retry can still act`, () =>
      Effect.gen(function*() {
        let attempts = 0
        let closed = 0
        const watched: MemoryAnswer = typeof answer.body !== "object" ? answer : {
          ...answer,
          body: { [Symbol.iterator]: () => {
            const inner = (answer.body as Iterable<string>)[Symbol.iterator]()
            return { next: () => inner.next(), return: () => (closed++, { done: true, value: undefined }) }
          } }
        }
        const retry = Plug.around("retry", (request, next) =>
          Effect.flatMap(next(request), (after) => after.state === "error" && ++attempts < 3 ? next(request) : Effect.succeed(after)))
        const layer = Layer.merge(Transport.memory(() => Effect.sync(() => {
          if (attempts === 0) return watched
          // What failed has been closed before it is tried again.
          expect(closed).toBe(typeof answer.body === "object" ? 1 : 0)
          return { body: lines(textParts("second")) }
        })), Credentials.memory({ acme: Redacted.make(canary) }))
        const { error } = yield* run(stream, { answer })
        expect(error).toMatchObject(reason)
        const final = yield* Effect.provide(Pipeline.run([retry, ...acme.pipelines.stream], stream), layer)
        expect([final.state, Result.text(final.result), attempts]).toEqual(["completed", "second", 1])
      }))
  }

  it.effect("after the first part a failure is an error part and an error state, never a clean end", () =>
    Effect.gen(function*() {
      for (const [body, reason] of [
        [lines(textParts("Hi").slice(0, 3)), { _tag: "CutStream", message: "cut" }],
        [[...lines(textParts("Hi").slice(0, 3)), Effect.fail(LlmError.make({ _tag: "Network", message: "reset" }))], { _tag: "Network" }],
        [[...lines(textParts("Hi").slice(0, 3)), "garbage\n"], { _tag: "Plug" }]
      ] as const) {
        const { error, final } = yield* run(stream, { answer: { body } })
        expect(error).toMatchObject(reason)
        expect(final.errors).toMatchObject([{ provider: "acme" }])
        expect(Result.text(final.result)).toBe("Hi")
      }
    }))

  it.effect("the first part is waited for, and the first-token limit holds until then", () =>
    Effect.gen(function*() {
      const answer: MemoryAnswer = { body: [Effect.never] }
      const fiber = yield* Effect.forkChild(run(ask({ operation: "stream", config: { timeouts: { firstToken: 5_000 } } }), { answer }))
      yield* TestClock.adjust(4_999)
      expect(fiber.pollUnsafe()).toBe(undefined)
      yield* TestClock.adjust(1)
      expect((yield* Fiber.join(fiber)).error).toMatchObject({ _tag: "Timeout", phase: "first-token", limit: 5_000 })
    }))

  it.effect("its bytes are closed when it has failed, ended, been left or been interrupted", () =>
    Effect.gen(function*() {
      let closed = 0
      const watched = (body: ReadonlyArray<string | Effect.Effect<string, LlmError>>): MemoryAnswer => ({
        body: {
          [Symbol.iterator]: () => {
            const inner = body[Symbol.iterator]()
            return { next: () => inner.next(), return: () => (closed++, { done: true, value: undefined }) }
          }
        }
      })
      yield* run(stream, { answer: watched(lines([broken("no")])) })
      expect(closed).toBe(1)
      yield* run(stream, { answer: watched(lines(textParts("Hi"))) })
      expect(closed).toBe(2)
      const priming = yield* Effect.forkChild(run(stream, { answer: watched([Effect.never]) }))
      yield* TestClock.adjust(1)
      yield* Fiber.interrupt(priming)
      expect(closed).toBe(3)
      const layer = Layer.merge(Transport.memory(() => Effect.succeed(watched([...lines(textParts("Hi").slice(0, 3)), Effect.never]))), Credentials.memory({ acme: Redacted.make(canary) }))
      yield* Effect.provide(Stream.runDrain(Stream.take(Pipeline.stream(acme.pipelines.stream, stream), 2)), layer)
      expect(closed).toBe(4)
    }))

  it.effect("the loser of a race is closed at once, not when the winner has ended", () =>
    Effect.gen(function*() {
      let closed = false
      const slow: MemoryAnswer = {
        body: { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: Effect.never }), return: () => (closed = true, { done: true, value: undefined }) }) }
      }
      const quick: MemoryAnswer = { body: [...lines(textParts("Hi").slice(0, 3)), Effect.never] }
      const layer = Layer.merge(
        Transport.memory(({ headers }) => Effect.succeed(headers["openai-project"] === "slow" ? slow : quick)),
        Credentials.memory({ acme: Redacted.make(canary) })
      )
      const marked = Provider.make({ name: "acme", baseUrl: "https://api.acme.test", wires: { stream: wire }, headers: () => ({ "openai-project": "slow" }) })
      const line = [Plug.race("race", { slow: marked.pipelines.stream, quick: acme.pipelines.stream })]
      yield* Effect.scoped(Effect.gen(function*() {
        const live = yield* Pipeline.open(line, stream)
        expect((yield* live.pull)?.length).toBeGreaterThan(0)
        expect(closed).toBe(true)
      })).pipe(Effect.provide(layer))
    }))
})

describe("validate", () => {
  it.effect("answers whether the provider can be used, and why not, and never fails", () =>
    Effect.gen(function*() {
      const check = ask({ operation: "validate", messages: [] })
      const verdict = (setting: Setting, request = check) => Effect.map(run(request, setting), ({ final }) => [final.state, final.result])
      expect(yield* verdict({})).toEqual(["completed", { type: "validate", usable: true }])
      expect(yield* verdict({ credentials: Credentials.none })).toMatchObject(["completed", { usable: false, problem: { reason: { _tag: "Authentication" } } }])
      expect(yield* verdict({ answer: { status: 401, body: "no" } })).toMatchObject(["completed", { usable: false, problem: { provider: "acme", reason: { status: 401 } } }])
      expect(yield* verdict({ answer: () => Effect.fail(LlmError.make({ _tag: "Network", message: "gone" })) })).toMatchObject(["completed", { usable: false, problem: { reason: { _tag: "Network" } } }])
      expect(yield* verdict({}, Request.mergeConfig(check, { baseUrl: "nowhere" }))).toMatchObject(["completed", { usable: false, problem: { reason: { _tag: "Configuration" } } }])
    }))
})

describe("what stands already stays", () => {
  it.effect("a request that a plug before has answered is not sent", () =>
    Effect.gen(function*() {
      const { final, sent } = yield* run(Request.complete(ask(), Result.fold(textParts("cached"))))
      expect([Result.text(final.result), sent.length]).toEqual(["cached", 0])
    }))
})

describe("openai", () => {
  it.live("keeps one connection for streams whose last part comes before the end of their bytes", () =>
    Effect.gen(function*() {
      let closed = 0
      let connections = 0
      const server = createServer((_, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" })
        const chunk = (delta: object, finish_reason: string | null) => `data: ${JSON.stringify({ id: "c", model: "m", choices: [{ index: 0, delta, finish_reason }] })}\n\n`
        response.write(`${chunk({ role: "assistant", content: "Hi" }, null)}${chunk({}, "stop")}data: [DONE]\n\n`)
        setTimeout(() => response.end(), 10)
      })
      server.on("connection", (socket) => (connections++, socket.once("close", () => closed++)))
      const port = yield* Effect.promise(() => new Promise<number>((done) => server.listen(0, "127.0.0.1", () => done((server.address() as AddressInfo).port))))
      const request = Request.make({ provider: "openai", operation: "stream", messages: "Hello", options: { model: "m" }, config: { baseUrl: `http://127.0.0.1:${port}/v1`, apiKey: Redacted.make(canary) } })
      yield* Effect.gen(function*() {
        for (let round = 0; round < 3; round++) {
          expect(Result.text((yield* Pipeline.run(openai.pipelines.stream, request)).result)).toBe("Hi")
          yield* Effect.sleep(40)
        }
        expect([connections, closed]).toEqual([1, 0])
      }).pipe(Effect.provide(Layer.merge(Transport.layer, Credentials.none)), Effect.ensuring(Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })))
    }))

  it.effect("says for whom a call is made, and keeps the key out of what it prepares", () =>
    Effect.gen(function*() {
      const sent: Array<Outgoing> = []
      const body = JSON.stringify({ id: "c", model: "m", choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }] })
      const layer = Layer.merge(
        Transport.memory((outgoing) => Effect.sync(() => (sent.push(outgoing), { body }))),
        Layer.provide(Credentials.fromEnv, ConfigProvider.layer(ConfigProvider.fromEnv({ env: { OPENAI_API_KEY: canary } })))
      )
      const request = Request.make({ provider: "openai", messages: "Hello", options: { model: "m" }, config: { organization: "org", project: "proj" } })
      const final = yield* Effect.provide(Pipeline.run(openai.pipelines.chat, request), layer)
      expect(Result.text(final.result)).toBe("Hi")
      expect(sent[0]?.url).toBe("https://api.openai.com/v1/chat/completions")
      expect(Transport.headersOf(sent[0]!)).toMatchObject({ authorization: `Bearer ${canary}`, "openai-organization": "org", "openai-project": "proj" })
      expect(inspect(final, { depth: 20 })).not.toContain(canary)
    }))
})
