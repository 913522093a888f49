/** What is shown of a run besides its walk: over time, part by part, on the wire, in other formats, and in sentences. */
import { Diff, Json, Plug, Request, Result } from "@plugline/core"
import {
  compare, curl, exchanges, explain, har, otlp, read, recordedOf, stateAt, stateAtIndex, steps, timeline, traceOf, walk, waterfall
} from "@plugline/inspector"
import type { Recorded, WorldJson } from "@plugline/inspector"
import { Mock } from "@plugline/testing"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { describe, expect, it } from "vitest"
import { busy, chat, forEveryRun, recorded, retry, stream } from "./support.ts"

describe("of every run", () => {
  it("the rows of the waterfall fill each visit's time without holes, and the marks are in order", () =>
    forEveryRun(({ recorded }) => {
      const { marks, rows, total } = waterfall(recorded)
      expect(rows.length).toBe(recorded.trace.steps.length)
      for (const { bars, offset, own, total: whole, visit } of rows) {
        let reached = offset
        for (const { from, to } of bars) {
          expect(from).toBe(reached)
          reached = to
        }
        expect(reached).toBeCloseTo(visit.end!, 6)
        const ownBars = bars.filter(({ kind }) => kind === "own").reduce((sum, { from, to }) => sum + to - from, 0)
        expect(ownBars).toBeCloseTo(own, 6)
        expect(whole).toBeLessThanOrEqual(total)
      }
      expect(marks.map(({ at }) => at)).toEqual(marks.map(({ at }) => at).toSorted((a, b) => a - b))
      expect(marks.at(-1)).toEqual({ at: total, kind: "end", label: "end" })
    }), 120_000)

  it("the timeline folds to what reached the reader, from whichever side it is played", () =>
    forEveryRun(({ recorded }) => {
      const line = timeline(recorded)
      const parts = recorded.trace.parts.filter(({ plug }) => plug === undefined).map(({ part }) => part) as never
      const whole = Result.fold(parts, line.type)
      expect(stateAt(line, Infinity).result).toEqual(whole)
      const { final } = walk(recorded)
      const late = recorded.trace.ends.length > 0
      if (line.streamed && !late && final?.state === "completed") expect(final.result).toEqual(whole)
      const forwards = line.parts.map((_, index) => stateAtIndex(line, index))
      const backwards = line.parts.map((_, index) => stateAtIndex(line, line.parts.length - 1 - index)).toReversed()
      expect(backwards).toEqual(forwards)
      forwards.forEach(({ index, result, text }, at) => {
        expect(index).toBe(at)
        expect(result).toEqual(Result.fold((parts as ReadonlyArray<never>).slice(0, at + 1), line.type))
        if (!result.choices) expect(text).toBe(Result.text(result))
      })
      expect(stateAt(line, -1)).toMatchObject({ index: -1, text: "", toolCalls: [] })
    }), 120_000)

  it("the explanation says something, and its picture is one chain", () =>
    forEveryRun(({ recorded }) => {
      const { headline, picture: { edges, nodes }, sentences, tone } = explain(recorded)
      expect(headline).toMatch(/^[A-Z0-9"].*[.!?…]$/s)
      expect(["good", "warning", "bad"]).toContain(tone)
      expect(sentences.length).toBeGreaterThan(2)
      const known = walk(recorded).byId
      for (const { path, text, visit } of sentences) {
        expect(text).toMatch(/[.!?…]$/)
        expect(text).not.toMatch(/undefined|NaN|\[object/)
        if (visit !== undefined) expect(known.get(visit)?.path).toBe(path)
      }
      expect(nodes.map(({ id }) => id)).toEqual([nodes[0]!.id, ...edges.map(({ to }) => to)])
      expect(edges.map(({ from }) => from)).toEqual(nodes.slice(0, -1).map(({ id }) => id))
      expect(nodes[0]!.kind).toBe("client")
      expect(["answer", "error"]).toContain(nodes.at(-1)!.kind)
    }), 120_000)

  it("the OTLP trace is a tree of distinct spans within the time of its root, the same each time", () =>
    forEveryRun(({ recorded }) => {
      const { scopeSpans: [scope] } = otlp(recorded).resourceSpans[0]!
      const { spans } = scope!
      expect(spans.length).toBe(recorded.trace.steps.length + 1)
      const ids = new Set(spans.map(({ spanId }) => spanId))
      expect(ids.size).toBe(spans.length)
      const [root] = spans
      for (const { attributes, endTimeUnixNano, parentSpanId, spanId, startTimeUnixNano, traceId } of spans) {
        expect(traceId).toMatch(/^[0-9a-f]{32}$/)
        expect(traceId).toBe(root!.traceId)
        expect(spanId).toMatch(/^[0-9a-f]{16}$/)
        if (spanId !== root!.spanId) expect(ids).toContain(parentSpanId)
        expect(BigInt(startTimeUnixNano)).toBeLessThanOrEqual(BigInt(endTimeUnixNano))
        expect(BigInt(startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(root!.startTimeUnixNano))
        expect(BigInt(endTimeUnixNano)).toBeLessThanOrEqual(BigInt(root!.endTimeUnixNano))
        expect(new Set(attributes.map(({ key }) => key)).size).toBe(attributes.length)
        for (const { value } of attributes) expect(Object.keys(value)).toHaveLength(1)
      }
      expect(otlp(structuredClone(recorded))).toEqual(otlp(recorded))
    }), 120_000)

  it("reading what was written gives the same run, and it is the same as itself", () =>
    forEveryRun(({ recorded }) => {
      const again = read(JSON.parse(JSON.stringify(recorded)))
      expect(again).toEqual(recorded)
      expect(steps(walk(again)).length).toBe(steps(walk(recorded)).length)
      const { final, request, same, steps: compared, summary } = compare(recorded, again)
      expect(same).toBe(true)
      expect([final, request, summary].every(Diff.isEmpty)).toBe(true)
      expect(compared.every(({ state }) => state === "same")).toBe(true)
      expect(read(JSON.parse(JSON.stringify(recorded.trace))).trace).toEqual(recorded.trace)
      expect(traceOf(again).steps.length).toBe(recorded.trace.steps.length)
    }), 120_000)
})

// --- the wire ---------------------------------------------------------------------------------------------------------

const url = "https://api.openai.com/v1/chat/completions"
const body = { model: "gpt-5-mini", stream: true, messages: [{ role: "user", content: "it's $HOME `id` \"quoted\" \\ \n" }] }
const base64 = (text: string) => Buffer.from(text).toString("base64")

/** A run whose plug `send` asked a service. */
const asked = async (world: (exchange: WorldJson["exchanges"][number]) => Partial<WorldJson["exchanges"][number]>): Promise<Recorded> => {
  const request = Request.putProviderRequest(Request.make({ id: "call-1", provider: "openai", messages: "Hi", options: { model: "gpt-5-mini" } }), {
    method: "POST", url, headers: { "X-Own": "one" }, body
  })
  const line = [Plug.make("prepare", () => request), Mock.make(["Hello"], { name: "send" }).plug]
  const run = await recorded(line, request, { edge: ["send"] })
  const [exchange] = run.world.exchanges
  return read(JSON.parse(JSON.stringify({ ...run, world: { ...run.world, exchanges: [{ ...exchange!, ...world(exchange!) }] } })))
}

const eventStream = (pieces: ReadonlyArray<string>) => asked(() => ({
  took: 120,
  outcome: { _tag: "Answer", changes: { response: { status: 200, headers: { "content-type": "text/event-stream", "set-cookie": "<redacted>" }, body: "" } } },
  bytes: [...pieces.map((piece) => ({ took: 10, got: [base64(piece)] })), { took: 5, got: null }]
}))

describe("the wire", () => {
  it("shows what was sent, with the headers of the service and a mask in the place of the key", async () => {
    const [exchange] = exchanges(await eventStream(["data: {\"a\":1}\n\n"]))
    expect(exchange).toMatchObject({ index: 0, plug: "send", visit: "1#1", provider: "openai", model: "gpt-5-mini", took: 120, outcome: "answered" })
    expect(exchange!.request).toMatchObject({ method: "POST", url, body, text: JSON.stringify(body, null, 2) })
    expect(exchange!.request!.headers).toEqual([
      { name: "accept", value: "text/event-stream", masked: false },
      { name: "content-type", value: "application/json", masked: false },
      { name: "x-own", value: "one", masked: false },
      { name: "authorization", value: "Bearer <redacted>", masked: true }
    ])
    expect(exchange!.response!.headers).toContainEqual({ name: "set-cookie", value: "<redacted>", masked: true })
  })

  it("reads events however their bytes were cut, with the time at which each was whole", async () => {
    const text = "event: ping\r\ndata: {\"a\":\"ü\"}\r\n\r\n: a comment\ndata: one\ndata: two\n\ndata: [DONE]\n\n"
    const whole = exchanges(await eventStream([text]))[0]!.response!
    expect(whole.events!.map(({ at: _, ...event }) => event)).toEqual([
      { event: "ping", data: "{\"a\":\"ü\"}", json: { a: "ü" } },
      { data: "one\ntwo" },
      { data: "[DONE]" }
    ])
    expect(whole.text).toBe(text)
    expect(whole.bytes).toBe(Buffer.byteLength(text))
    for (const size of [1, 2, 3, 7]) {
      const bytes = Buffer.from(text)
      const pulls = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, at * size + size).toString("base64"))
      const run = await asked(() => ({
        outcome: { _tag: "Answer", changes: { response: { status: 200, headers: { "content-type": "text/event-stream" }, body: "" } } },
        bytes: pulls.map((piece) => ({ took: 1, got: [piece] }))
      }))
      const { events } = exchanges(run)[0]!.response!
      expect(events!.map(({ at: _, ...event }) => event)).toEqual(whole.events!.map(({ at: _, ...event }) => event))
      expect(events!.map(({ at }) => at)).toEqual(events!.map(({ at }) => at).toSorted((a, b) => a - b))
    }
  })

  it("reads JSON, one a line too, and what broke", async () => {
    const answer = (type: string, text: string) => asked(() => ({
      outcome: { _tag: "Answer", changes: { response: { status: 200, headers: { "content-type": type }, body: "" } } }, bytes: [{ took: 1, got: [base64(text)] }]
    }))
    expect(exchanges(await answer("application/x-ndjson", "{\"a\":1}\n{\"b\":2}\n"))[0]!.response!.events!.map(({ json }) => json)).toEqual([{ a: 1 }, { b: 2 }])
    expect(exchanges(await answer("application/json", "{\"a\":1}"))[0]!.response!.json).toEqual({ a: 1 })
    expect(exchanges(await answer("application/octet-stream", "\u0000\u0001"))[0]!.response).toMatchObject({ bytes: 2 })
    const failed = await asked(() => ({ outcome: { _tag: "Failure", error: { _tag: "LlmError", reason: { _tag: "Network", message: "reset" } } } }))
    expect(exchanges(failed)[0]).toMatchObject({ outcome: "failed", error: { reason: { message: "reset" } } })
    const left = await asked(() => ({ outcome: { _tag: "Interrupted" } }))
    expect(exchanges(left)[0]!.outcome).toBe("interrupted")
  })

  it("becomes a curl command that a shell reads as it is meant, with a variable in the place of the key", async () => {
    const command = curl(exchanges(await eventStream(["data: x\n\n"]))[0]!)
    expect(command).toContain("-H 'authorization: Bearer '\"$OPENAI_API_KEY\"")
    const seen = execFileSync("bash", ["-c", `curl() { printf '%s\\0' "$@"; }\n${command}`], { env: { OPENAI_API_KEY: "it's secret", HOME: "/" } })
    const words = seen.toString().split("\0").slice(0, -1)
    expect(words.slice(0, 2)).toEqual(["-N", url])
    expect(words).toContain("authorization: Bearer it's secret")
    expect(JSON.parse(words.at(-1)!)).toEqual(body)
  })

  it.each([
    ["anthropic", "https://api.anthropic.com/v1/messages", "'x-api-key: '\"$ANTHROPIC_API_KEY\""],
    ["google", "https://generativelanguage.googleapis.com/v1beta/models/m:generateContent?key=<redacted>", "'x-goog-api-key: '\"$GEMINI_API_KEY\""],
    ["my-eu", "https://my.openai.azure.com/openai/deployments/x", "'api-key: '\"$AZURE_OPENAI_API_KEY\""],
    ["mine", "https://llm.example.com/v1", "'authorization: Bearer '\"$API_KEY\""]
  ])("knows how %s wants its key", async (provider, address, expected) => {
    const run = await asked(({ request }) => ({ request: { ...request, provider, providerRequest: { method: "POST", url: address, headers: {}, body: {} } } }))
    const command = curl(exchanges(run)[0]!)
    expect(command).toContain(expected)
    expect(command).not.toContain("<redacted>")
  })

  it("takes an address for nothing else, whatever a file holds", async () => {
    const run = await asked(({ request }) => ({ request: { ...request, providerRequest: { method: "POST", url: "-o/tmp/[1-9]", headers: {}, body: {} } } }))
    expect(curl(exchanges(run)[0]!)).toMatch(/^curl (-N )?-g --url '-o\/tmp\/\[1-9\]'/)
  })

  it("leaves the key out where a server on one's own machine needs none", async () => {
    const run = await asked(({ request }) => ({ request: { ...request, provider: "ollama", providerRequest: { method: "GET", url: "http://127.0.0.1:11434/api/tags", headers: {} } } }))
    expect(curl(exchanges(run)[0]!)).toBe("curl -X 'GET' 'http://127.0.0.1:11434/api/tags' \\\n  -H 'accept: application/json'")
  })

  it("becomes an HTTP archive", async () => {
    const { log } = har(await eventStream(["data: x\n\n"]))
    expect(log.version).toBe("1.2")
    const [entry] = log.entries
    expect(entry).toMatchObject({
      time: 135,
      request: { method: "POST", url, queryString: [], postData: { mimeType: "application/json", text: JSON.stringify(body) } },
      response: { status: 200, content: { mimeType: "text/event-stream", text: "data: x\n\n", size: 9 } },
      timings: { send: 0, wait: 120, receive: 15 }
    })
    expect(Number.isNaN(Date.parse(entry!.startedDateTime))).toBe(false)
    expect(JSON.stringify(log)).not.toMatch(/"(bodySize|headersSize|time)":null/)
    expect(har(await recorded([Mock.make(["Hi"]).plug], chat, { edge: ["mock"] })).log.entries).toEqual([])
  })
})

// --- sentences --------------------------------------------------------------------------------------------------------

const noted = (assigns: { readonly [name: string]: unknown }, metadata: { readonly [name: string]: never } = {}) => async (): Promise<Recorded> => {
  const run = await recorded([
    Plug.around("cache", (request, next) => Effect.map(next(request), (answer) => Request.patch(answer, { assigns: { ...answer.assigns, ...assigns }, metadata }))),
    Mock.make(["Hello"]).plug
  ], chat, { edge: ["mock"] })
  return read(run)
}

const said = (run: Recorded): string => explain(run).sentences.map(({ text }) => text).join("\n")

describe("the explanation", () => {
  it("of an answer at the first try", async () => {
    const { headline, picture, tone } = explain(await recorded([Mock.make(["Hello"]).plug], chat, { edge: ["mock"] }))
    expect(headline).toBe("Answered by mock/small in 0 ms.")
    expect(tone).toBe("good")
    expect(picture.nodes.map(({ label }) => label)).toEqual(["program", "mock/small", "answer"])
  })

  it("of a failure says where, why and what to do", async () => {
    const fail = Mock.fail({ _tag: "RateLimit", message: "slow down", status: 429, retryAfter: 1500 })
    const run = await recorded([retry(2), Mock.make([fail, fail]).plug], chat, { edge: ["mock"] })
    const { headline, picture, sentences, tone } = explain(run)
    expect(headline).toBe("It failed after 0 ms, in the plug mock: slow down.")
    expect(tone).toBe("bad")
    expect(sentences.filter(({ about }) => about === "error").map(({ text }) => text)).toEqual([
      "RateLimit (asking mock, status 429): slow down.", "Ask again in 1.5 s, or let a retry or fallback do it."
    ])
    expect(picture.nodes.map(({ detail, label }) => [label, detail])).toEqual([
      ["program", "small"], ["retry", "2 attempts"], ["mock/small ×2", "429, 429"], ["RateLimit", "0 ms"]
    ])
  })

  it("of a fallback names who failed and who answered", async () => {
    const steps = [{ name: "a/x", provider: "a", ms: 3, error: { _tag: "LlmError", reason: { _tag: "Overloaded", message: "busy" } } }, { name: "b/y", provider: "b", ms: 9 }]
    expect(said(await noted({ "fallback.report": { answeredBy: "b/y", steps, degraded: false } })())).toContain("The fallback was needed (a/x: busy (Overloaded)), so b/y answered.")
  })

  it("of prices says where they are from, and of unknown ones why", async () => {
    const cost = (fields: object) => noted({ "trackCost.cost": { currency: "USD", known: "0", source: "computed", attempts: 1, ...fields } })()
    expect(said(await cost({ total: "0.00042", known: "0.00042" }))).toContain("It cost $0.00042, computed from tokens and the prices of the catalog.")
    expect(said(await cost({ known: "0.25", source: "unknown", reasons: ["the catalog does not know the model"], attempts: 2 })))
      .toContain("What it cost is not known; at least $0.25: the catalog does not know the model, over 2 attempts.")
    expect(said(await noted({})())).toContain("trackCost is not in the pipeline")
  })

  it("of caches says what they did", async () => {
    const cache = async (status: object) => said(await noted({ "cache.status": status })())
    expect(await cache({ status: "hit", age: 61_000 })).toContain("The answer came from the cache, 1 min 1 s old.")
    expect(await cache({ status: "miss", stored: false, why: "it broke off" })).toContain("The question was not in the cache; the answer is not kept: it broke off.")
    expect(await cache({ status: "bypass", why: "the temperature is not 0" })).toContain("The cache was passed by: the temperature is not 0.")
  })

  it("holds whatever nonsense plugs may have noted", async () => {
    for (const value of [null, 1, "x", [], [null], {}, { status: 1, steps: [1, null], tries: {}, total: {}, reasons: 1, alerts: [[]], attempts: "x" }]) {
      const names = ["cache.status", "fallback.report", "route.decision", "cascade.report", "hedge.outcome", "retry.attempts", "rateLimit.status", "budget.state", "circuitBreaker.status", "trackCost.cost"]
      const run = await noted(Object.fromEntries(names.map((name) => [name, value])))()
      expect(said(run)).not.toMatch(/undefined|NaN|\[object/)
    }
  })
})

// --- two runs ---------------------------------------------------------------------------------------------------------

describe("comparing", () => {
  it("shows where two runs went different ways, and nothing else", async () => {
    const line = (temperature: number, script: ReadonlyArray<Mock.Answer>) =>
      recorded([Plug.make("calm", Request.mergeOptions({ temperature }), { options: { temperature } }), retry(3), Mock.make(script).plug], chat, { edge: ["mock"] })
    const [a, b] = await Promise.all([line(0, ["Hello"]), line(1, [busy, "Hello"])])
    const { final, pipeline, request, same, steps, text } = compare(a!, b!)
    expect(same).toBe(false)
    expect(steps.map(({ id, state }) => `${id} ${state}`)).toEqual(["0#1 different", "1#1 different", "2#1 different", "2#2 only-b"])
    expect(steps[0]!.out.changed).toEqual([{ path: "options.temperature", before: 0, after: 1 }])
    expect(steps[0]!.did).toEqual({ added: [], changed: [{ path: "options.temperature", before: 0, after: 1 }], removed: [] })
    expect(steps[1]!.did).toEqual({ added: [], changed: [], removed: [] })
    expect(steps[2]!.outcomes).toEqual(["answered", "failed"])
    expect(Diff.isEmpty(request)).toBe(true)
    expect(final.changed.map(({ path }) => path)).toEqual(["options.temperature"])
    expect(pipeline.changed).toEqual([{ path: "[0].options.temperature", before: 0, after: 1 }])
    expect(text).toEqual({ a: "Hello", b: "Hello" })
  })
})

// --- over time --------------------------------------------------------------------------------------------------------

describe("a stream", () => {
  it("has its moments: asked, attempts, first part, pauses, end", async () => {
    const script = [busy, Mock.text("Hello, world", { cut: 6, between: 10, delay: 5 })]
    const { gaps, marks, stream: parts, total } = waterfall(await recorded([retry(2), Mock.make(script).plug], stream, { edge: ["mock"] }))
    expect(marks.map(({ at, label }) => [at, label])).toEqual([[0, "attempt 1"], [0, "attempt 2"], [5, "first part"], [45, "end"]])
    expect(parts).toEqual({ from: 5, to: 45, parts: 5 })
    expect(gaps).toMatchObject({ median: 10, longest: [{ ms: 10 }, { ms: 10 }, { ms: 10 }, { ms: 10 }] })
    expect(total).toBe(45)
  })

  it("tells who changed a part, and what was there at an instant", async () => {
    const upper = Plug.mapParts("upper", (part) => part.type === "text-delta" ? { ...part, delta: part.delta.toUpperCase() } : part)
    const line = timeline(await recorded([upper, Mock.make([Mock.text("Hello", { cut: 2, between: 10 })]).plug], stream))
    expect(line.parts.map(({ at, changedBy, text }) => [at, text, ...changedBy])).toEqual([
      [0, ""], [10, "HE", "upper"], [20, "LL", "upper"], [30, "O", "upper"], [40, ""], [50, ""]
    ])
    expect(stateAt(line, 25)).toMatchObject({ index: 2, text: "HELL" })
    expect(stateAt(line, 9)).toMatchObject({ index: 0, text: "" })
    expect(stateAt(line, 50)).toMatchObject({ text: "HELLO", ended: "finish" })
  })

  it("shows tools while their arguments are written", async () => {
    const parts = [
      { type: "tool-params-start", id: "t", name: "weather" }, { type: "tool-params-delta", id: "t", delta: "{\"city\":" },
      { type: "tool-params-delta", id: "t", delta: "\"Oslo\"}" }, { type: "tool-params-end", id: "t" },
      { type: "tool-call", id: "t", name: "weather", params: { city: "Oslo" } }, Mock.finish
    ] as const
    const line = timeline(await recorded([Mock.make([Mock.parts(parts, { between: 1 })]).plug], stream))
    expect(stateAt(line, 1).toolCalls).toEqual([{ id: "t", name: "weather", params: "{\"city\":", done: false }])
    expect(stateAt(line, 9).toolCalls).toEqual([{ id: "t", name: "weather", params: "{\"city\":\"Oslo\"}", done: true }])
  })

  it("shows where a guard broke it off", async () => {
    const guard = Plug.monitor("guard", { every: 1 }, ({ length }) => length > 4 ? "too long" : undefined)
    const line = timeline(await recorded([guard, Mock.make([Mock.text("Hello, world", { cut: 2, between: 10 })]).plug], stream))
    expect(line.halt).toMatchObject({ at: 30, plug: "guard", error: { reason: { message: "too long" } } })
    expect(stateAt(line, 99).ended).toBe("halted")
  })

  it("of 2,000 parts is played back in no time, in any direction", async () => {
    const line = timeline(await recorded([Mock.make([Mock.text("word ".repeat(2_000), { cut: 5, between: 1 })]).plug], stream))
    expect(line.parts.length).toBeGreaterThan(2_000)
    const begun = performance.now()
    for (let ms = 0; ms < 2_000; ms++) stateAt(line, ms)
    expect(performance.now() - begun).toBeLessThan(1_000)
  })
})

// --- reading ----------------------------------------------------------------------------------------------------------

describe("reading", () => {
  const good = async () => JSON.parse(JSON.stringify(await recorded([Mock.make(["Hello"]).plug], chat, { edge: ["mock"] })))

  // oxlint-disable-next-line typescript/no-explicit-any -- files are broken in every way here
  it.each<readonly [place: string, change: (json: any) => void]>([
    ["version", (json) => json.version = 2],
    ["summary.id", (json) => json.summary.id = 1],
    ["pipeline[0].level", (json) => json.pipeline[0].level = "x"],
    ["request.messages", (json) => json.request.messages = {}],
    ["trace.steps[0].in", (json) => json.trace.steps[0].in = 99],
    ["trace.steps[0].calls", (json) => json.trace.steps[0].calls = null],
    ["trace.requests[0].messages", (json) => json.trace.requests[0].messages = [9_999]],
    ["trace.final", (json) => json.trace.final = "x"],
    ["world.clock.millis", (json) => json.world.clock.millis = 1],
    ["world.exchanges[0].outcome._tag", (json) => json.world.exchanges[0].outcome = { _tag: "Odd" }],
    ["world", (json) => delete json.world]
  ])("refuses a file that does not fit, at %s", async (place, change) => {
    const json = await good()
    change(json)
    const thrown = (() => {
      try {
        read(json)
      } catch (error) {
        return error
      }
    })()
    expect(thrown).toMatchObject({ reason: { _tag: "InvalidRequest", parameter: place, message: expect.stringContaining(place) } })
  })

  it.each([[null], [1], ["x"], [[]], [{}], [{ version: 1 }], [{ version: 1, trace: {} }]])("refuses %j", (json) => {
    expect(() => read(json)).toThrow(/no recorded run/)
  })

  it("is not led astray by names of prototypes, nor by depth", async () => {
    const json = await good()
    const evil = JSON.parse(JSON.stringify(json).replace('"assigns":{}', '"assigns":{"__proto__":{"polluted":true},"constructor":1}'))
    const run = read(evil)
    walk(run)
    steps(walk(run))
    explain(run)
    compare(run, json)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    let deep: unknown = 1
    for (let at = 0; at < 2_000; at++) deep = [deep]
    expect(() => read({ ...json, call: { deep } })).toThrow(/nested/)
    expect(Json.isRecord(run.request.assigns)).toBe(true)
  })

  it("makes a record of a library's trace, which says what is known", async () => {
    const run = await good()
    const again = recordedOf(traceOf(read(run)), { name: "mine", id: "other" })
    expect(again.summary).toMatchObject({ id: "other", pipeline: "mine", status: 200, asked: "small", operation: "chat", streamed: false, recorded: true })
    expect(() => recordedOf(traceOf({ ...run, trace: { ...run.trace, steps: [], final: null } }))).toThrow(/nothing happened/)
  })
})
