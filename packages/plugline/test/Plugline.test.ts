import { setTimeout as sleep } from "node:timers/promises"
import { inspect } from "node:util"
import { make, type Part, Plug, plugline, RequestFailed } from "plugline"
import { compatible } from "@plugline/providers/compatible"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { serve, type Service } from "./service.ts"

let service: Service
beforeAll(async () => {
  service = await serve()
})
afterAll(async () => {
  await plugline.close()
  await service.close()
})

const canary = "sk-canary0123456789abcdef"
const to = () => ({ baseUrl: service.baseUrl, apiKey: canary, model: "m-1" })
const failure = async (promise: Promise<unknown>): Promise<RequestFailed> => {
  const error = await promise.then(() => undefined, (error: unknown) => error)
  if (error instanceof RequestFailed) return error
  throw new Error(`no RequestFailed but ${inspect(error)}`)
}
const closed = async (text: string) => {
  for (let wait = 0; wait < 20; wait++) {
    if (service.asked.find(({ body }) => JSON.stringify(body).includes(text))?.closed === true) return true
    await sleep(5)
  }
  return false
}

describe("with Promises", () => {
  it("a chat is one line", async () => {
    const answer = await plugline.chat("openai", "Hello there", { ...to(), model: "m-1", temperature: 0 })
    expect(answer.text).toBe("Hello")
    expect(answer.usage).toMatchObject({ inputTokens: { total: 3 }, outputTokens: { total: 2 } })
    expect(answer.finishReason).toBe("stop")
    const sent = service.asked.at(-1)!
    expect(sent.url).toBe("/v1/chat/completions")
    expect(sent.body).toMatchObject({ model: "m-1", temperature: 0 })
    expect(sent.headers.authorization).toBe(`Bearer ${canary}`)
  })

  it("embeddings, models and a check of the configuration are one line each", async () => {
    expect((await plugline.embed("openai", ["a", "b"], { ...to(), model: "e-1" })).embeddings).toEqual([[0, 1], [1, 1]])
    expect((await plugline.listModels("openai", to())).models.map(({ id }) => id)).toEqual(["m-1"])
    expect(await plugline.validate("openai", to())).toEqual({ type: "validate", usable: true })
  })

  it("a stream is an async iterable that returns the answer", async () => {
    const parts: Array<Part> = []
    const stream = plugline.stream("openai", "Hello", to())
    let next = await stream.next()
    while (next.done !== true) {
      parts.push(next.value)
      next = await stream.next()
    }
    expect(parts.filter((part) => part.type === "text-delta").map((part) => part.delta)).toEqual(["Hel", "lo"])
    expect(next.value?.text).toBe("Hello")
    expect(next.value?.usage).toMatchObject({ outputTokens: { total: 2 } })
  })

  it("leaving a stream closes the connection", async () => {
    for await (const text of plugline.textStream("openai", "stall and leave", to())) {
      expect(text).toBe("Hel")
      break
    }
    expect(await closed("stall and leave")).toBe(true)
  })

  it("a signal ends a call and a stream with its own reason, and closes the connection", async () => {
    const whole = new AbortController()
    const call = plugline.chat("openai", "stall whole", { ...to(), signal: whole.signal })
    await sleep(30)
    whole.abort(new Error("changed my mind"))
    await expect(call).rejects.toThrow("changed my mind")
    expect(await closed("stall whole")).toBe(true)

    const part = new AbortController()
    const read = async () => {
      for await (const _ of plugline.textStream("openai", "stall stream", { ...to(), signal: part.signal })) part.abort(new Error("enough"))
    }
    await expect(read()).rejects.toThrow("enough")
    expect(await closed("stall stream")).toBe(true)
    await expect(plugline.chat("openai", "never sent", { ...to(), signal: AbortSignal.abort(new Error("too late")) })).rejects.toThrow("too late")
    expect(service.asked.some(({ body }) => JSON.stringify(body).includes("never sent"))).toBe(false)
  })

  it("an error is typed, holds the request, and shows no key", async () => {
    const error = await failure(plugline.chat("openai", "refuse me", to()))
    expect([error.reason._tag, error.status, error.retryable, error.provider, error.plug]).toEqual(["RateLimit", 429, true, "openai", "send"])
    expect(error.request.state).toBe("error")
    for (const shown of [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), JSON.stringify(error.request), inspect(error.request, { depth: 20 })]) {
      expect(shown).not.toContain("canary")
    }
  })

  it("a stream that breaks off fails, after what had arrived", async () => {
    let text = ""
    const read = async () => {
      for await (const piece of plugline.textStream("openai", "cut", to())) text += piece
    }
    const error = await failure(read())
    expect([error.reason._tag, text]).toEqual(["CutStream", "Hello"])
    expect(error.request.result).toMatchObject({ content: [{ type: "text", text: "Hello" }], finishReason: "error" })
  })

  it("a time limit is an error with its phase", async () => {
    const error = await failure(plugline.chat("openai", "stall for long", { ...to(), timeout: { firstToken: 40 } }))
    expect(error.reason).toMatchObject({ _tag: "Timeout", phase: "first-token", limit: 40 })
    const total = await failure(plugline.chat("openai", "stall for longer", { ...to(), timeout: 40 }))
    expect(total.reason).toMatchObject({ _tag: "Timeout", phase: "total" })
  })

  it("bad input is refused with what would be right", async () => {
    await expect(plugline.chat("openai", "x", { ...to(), temprature: 1 } as object)).rejects.toThrow(/unknown option "temprature"; did you mean "temperature"/)
    await expect(plugline.chat("opnai", "x")).rejects.toThrow(/unknown provider "opnai"; did you mean "openai"/)
    await expect(plugline.chat("openai", [{ role: "usr", content: "x" } as never], to())).rejects.toThrow(/did you mean "user"/)
  })

  it("without a key the error names the variable to set", async () => {
    const before = process.env.OPENAI_API_KEY
    delete process.env.OPENAI_API_KEY
    const keyless = make()
    const error = await failure(keyless.chat("openai", "x", { model: "m-1" }))
    await keyless.close()
    if (before !== undefined) process.env.OPENAI_API_KEY = before
    expect(error.reason._tag).toBe("Authentication")
    expect(error.message).toContain("OPENAI_API_KEY")
  })

  it("your own plugs and your own providers are one word each", async () => {
    const seen: Array<string> = []
    const audit = Plug.after("audit", (request) => (seen.push(request.state), request))
    const mine = compatible({ name: "mine", baseUrl: service.baseUrl, keys: [], needsKey: false })
    const registered = plugline.register(mine)
    expect((await registered.chat("mine", "Hello", { model: "m-1", plugs: [audit] })).text).toBe("Hello")
    expect((await plugline.chat(mine, "Hello", { model: "m-1", plugs: [audit] })).text).toBe("Hello")
    expect(seen).toEqual(["completed", "completed"])
    await registered.close()
  })

  it("after close it opens new connections", async () => {
    await plugline.close()
    expect((await plugline.chat("openai", "again", to())).text).toBe("Hello")
  })
})

it("a request's id is its own, and drawn for each run", async () => {
  const [a, b] = await Promise.all([plugline.chat("openai", "a", to()), plugline.chat("openai", "b", to())])
  expect(a.request.id).toMatch(/^req_[0-9a-z]{24}$/)
  expect(a.request.id).not.toBe(b.request.id)
})

