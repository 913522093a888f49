import { Key, LlmError, Request } from "@plugline/core"
import { Redacted } from "effect"
import * as fc from "fast-check"
import { inspect } from "node:util"
import { describe, expect, it } from "vitest"
import { request, result, source } from "./actors.ts"

const user = Key.make<string>("audit.user")
const error = LlmError.make({ _tag: "Server", message: "down" })

describe("what plugs tell each other", () => {
  it("is read with the type it was written with, data-first and in pipe", () => {
    expect(Request.get(Request.assign(request(), user, "ada"), user)).toBe("ada")
    expect(request().pipe(Request.assign(user, "ada"), Request.get(user))).toBe("ada")
    expect(Request.get(request(), user)).toBeUndefined()
    expect(request().pipe(Request.putPrivate(user, "x"), Request.getPrivate(user))).toBe("x")
    expect(request().pipe(Request.putMetadata("cost", 1)).metadata).toEqual({ cost: 1 })
  })

  it("leaves the request it started from as it was", () => {
    const before = request()
    const json = JSON.stringify(before)
    before.pipe(Request.assign(user, "ada"), Request.putMetadata("a", 1), Request.mergeOptions({ seed: 1 }), Request.fail(error))
    expect(JSON.stringify(before)).toBe(json)
  })

  it("keeps a key named __proto__ a key", () => {
    const key = Key.make<object>("__proto__")
    const written = Request.assign(request(), key, { polluted: true })
    expect(Request.get(written, key)).toEqual({ polluted: true })
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(Object.getPrototypeOf(written.assigns)).toBe(Object.prototype)
  })
})

describe("options", () => {
  it("refuses an unknown one with the nearest that is known", () => {
    expect(() => request().pipe(Request.mergeOptions({ temprature: 1 } as never))).toThrow(/did you mean "temperature"/)
    expect(() => Request.make({ provider: "mock", options: { max_tokens: 5 } as never })).toThrow(/did you mean "maxTokens"/)
  })

  it("says what would fit", () => {
    expect(() => Request.make({ provider: "mock", options: { temperature: Number.NaN } })).toThrow(/must be a number from 0 up.*not NaN/)
    expect(() => Request.make({ provider: "mock", options: { maxTokens: 1.5 } })).toThrow(/whole number of tokens/)
    expect(() => Request.make({ provider: "mock", options: { model: "a\r\nb" } })).toThrow(/without control characters/)
  })

  it("are taken away with undefined", () => {
    expect(request().pipe(Request.mergeOptions({ seed: 1, topK: 2 }), Request.mergeOptions({ seed: undefined })).options).toEqual({ topK: 2 })
  })
})

describe("the state machine", () => {
  const moves = {
    execute: Request.execute,
    stream: Request.stream(source([])),
    complete: Request.complete(result("a")),
    halt: (r: Request) => Request.halt(r),
    answer: Request.halt(result("b")),
    refuse: Request.refuse("no"),
    fail: Request.fail(error),
    addError: Request.addError(error),
    mapResult: Request.mapResult((r) => r),
    mapReply: Request.mapReply((part) => part)
  } as const

  it("moves along its edges only, whatever is tried, and halts what has failed", () => {
    fc.assert(fc.property(fc.array(fc.constantFrom(...Object.keys(moves) as Array<keyof typeof moves>), { maxLength: 12 }), (names) => {
      let at = request()
      for (const name of names) {
        const before = at
        try {
          at = moves[name](before)
        } catch (thrown) {
          expect(LlmError.isLlmError(thrown) && thrown.reason._tag).toBe("Transition")
          at = before
        }
        if (at.state !== before.state) expect(Request.isLegal(before.state, at.state)).toBe(true)
        if (at.state === "error") expect(at.halted).toBe(true)
        if (at.halted) expect(["completed", "streaming", "error"]).toContain(at.state)
        expect(at.errors.slice(0, before.errors.length)).toEqual(before.errors)
      }
    }))
  })

  it("says where a request can go from where it is", () => {
    expect(() => Request.complete(Request.complete(request(), result("a")), result("b"))).toThrow(
      "a request that is completed cannot become completed; from here it can become error (Transition)"
    )
    expect(() => Request.execute(Request.refuse(request(), "no"))).toThrow(/this state is final/)
  })

  it("lets a plug on the way back refuse an answer", () => {
    const refused = request().pipe(Request.complete(result("a")), Request.refuse("not this"))
    expect(refused.state).toBe("error")
    expect(refused.result).toEqual(result("a"))
  })
})

describe("secrets", () => {
  const canary = "sk-canary0123456789abcdef"
  const secret = Request.make({
    provider: "openai",
    messages: "hi",
    config: { apiKey: Redacted.make(canary), headers: { Authorization: `Bearer ${canary}`, "x-api-key": canary, "x-my-own": `canary-${canary.slice(0, 5)}` } }
  }).pipe(
    Request.putMetadata("password", canary),
    Request.fail(LlmError.make({ _tag: "Authentication", message: `Incorrect API key provided: ${canary}` }))
  )

  it("are in nothing that can be printed", () => {
    for (const shown of [JSON.stringify(secret), inspect(secret, { depth: 20 }), String(secret.errors[0]), inspect(secret.errors[0]?.toJSON())]) {
      expect(shown).not.toContain("canary")
    }
  })

  it("of one provider do not go to another", () => {
    expect(Request.withProvider(secret, "anthropic").config).toEqual({})
  })
})

describe("JSON", () => {
  it("leads back to the same request", () => {
    const before = request().pipe(
      Request.assign(user, "ada"), Request.mergeOptions({ model: "m", tools: [{ name: "t" }] }), Request.complete(result("a")), Request.addError(error)
    )
    const json = JSON.parse(JSON.stringify(before))
    expect(JSON.parse(JSON.stringify(Request.fromJson(json)))).toEqual(json)
  })

  it("that is no request is refused by the field that does not fit", () => {
    expect(() => Request.fromJson({ ...Request.toJson(request()), state: "sleeping" })).toThrow(/state does not fit/)
    expect(() => Request.fromJson(null)).toThrow(/no request/)
  })
})

it("prints what is there, and nothing else", () => {
  expect(inspect(request(), { breakLength: Infinity, compact: true, depth: 4 })).toBe(
    "Request { id: 'r1', operation: 'chat', provider: 'mock', messages: [ { role: 'user', content: [ { type: 'text', text: 'hello' } ] } ], state: 'pending' }"
  )
})
