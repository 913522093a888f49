/** The gateway as a function from `Request` to `Response`: what clients do on it, how it is left, and what it holds to. */
import Anthropic from "@anthropic-ai/sdk"
import { createOpenAI } from "@ai-sdk/openai"
import { streamText } from "ai"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Ollama } from "ollama"
import OpenAI, { APIError } from "openai"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { type FetchHandler, fetchHandler } from "../../src/fetch.ts"
import { yamlOf } from "./harness.ts"
import { upstream, type Upstream } from "./upstream.ts"

const key = "pl-fetch-0123456789abcdef0123456789abcdef"
const origin = "https://gateway.test"

let service: Upstream
let handler: FetchHandler
let folder: string
const lines: Array<{ readonly status: number; readonly route?: string }> = []

const configured = (yaml: string, name = "gateway.yaml"): string => {
  const path = join(folder, name)
  writeFileSync(path, yaml)
  return path
}

beforeAll(async () => {
  service = await upstream()
  folder = mkdtempSync(join(tmpdir(), "plugline-fetch-"))
  const yaml = yamlOf(service.url, {
    server: "bodyLimit: 4kb\nrequestTimeout: 300\nkeepAlive: 1 second\ncors: { origins: [\"https://app.test\"] }",
    providers: "  local: {}\n  slow: { type: local, tokenDelay: 20 }",
    yaml: `auth: { keys: [{ name: clients, role: admin, key: "${key}" }] }`
  })
  handler = fetchHandler({
    config: configured(yaml),
    env: {},
    write: (text) => {
      for (const line of text.split("\n")) if (line !== "") lines.push(JSON.parse(line) as (typeof lines)[number])
    }
  })
})
afterAll(async () => {
  await handler.close()
  await service.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What clients call in place of `fetch`. */
const fetching = ((input: string | URL | Request, init?: RequestInit) => handler(new Request(input, init))) as typeof fetch
const openai = (apiKey = key) => new OpenAI({ baseURL: `${origin}/v1`, apiKey, maxRetries: 0, fetch: fetching })
const messages = [{ role: "user" as const, content: "What is 6 times 7?" }]

const post = (path: string, body: unknown, more: RequestInit = {}): Promise<Response> =>
  handler(new Request(`${origin}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...more
  }))

const nothingOpen = async (): Promise<void> => {
  await expect.poll(() => handler.active()).toBe(0)
}

describe("clients do on it what they do over a port", () => {
  it("OpenAI's: chat, stream, embeddings, models, errors", async () => {
    const client = openai()
    const { choices } = await client.chat.completions.create({ model: "local/rules-1", messages })
    expect(choices[0]!.message.content).toContain("42")
    const stream = client.chat.completions.stream({ model: "slow/rules-1", messages })
    const pieces: Array<string> = []
    stream.on("content", (delta) => pieces.push(delta))
    expect((await stream.finalChatCompletion()).choices[0]!.message.content).toContain("42")
    expect(pieces.length).toBeGreaterThan(1)
    const { data } = await client.embeddings.create({ model: "local/ngrams-1", input: ["a", "b"] })
    expect(data).toHaveLength(2)
    const ids: Array<string> = []
    for await (const { id } of client.models.list()) ids.push(id)
    expect(ids).toContain("local/rules-1")
    expect((await client.models.retrieve("local/rules-1")).id).toBe("local/rules-1")
    const { output_text } = await client.responses.create({ model: "local/rules-1", input: "What is 6 times 7?" })
    expect(output_text).toContain("42")
    const refused = await openai("pl-wrong-0123456789abcdef0123456789abcdef").models.list().then(() => undefined, (error: unknown) => error)
    expect([refused instanceof APIError, (refused as APIError).status]).toEqual([true, 401])
    const unfit = await client.chat.completions.create({ model: "local/rules-1", messages, temperature: "hot" as never })
      .then(() => undefined, (error: unknown) => error)
    expect([(unfit as APIError).status, (unfit as APIError).param]).toEqual([400, "temperature"])
    await nothingOpen()
  })

  it("Anthropic's: a message, a stream", async () => {
    const client = new Anthropic({ baseURL: origin, apiKey: key, maxRetries: 0, fetch: fetching })
    const { content } = await client.messages.create({ model: "local/rules-1", max_tokens: 64, messages })
    expect(content[0]).toMatchObject({ type: "text", text: expect.stringContaining("42") })
    const message = await client.messages.stream({ model: "slow/rules-1", max_tokens: 64, messages }).finalMessage()
    expect(message.stop_reason).toBe("end_turn")
    expect((await client.messages.countTokens({ model: "local/rules-1", messages })).input_tokens).toBeGreaterThan(0)
    await nothingOpen()
  })

  it("Ollama's and the AI SDK's: streams", async () => {
    const ollama = new Ollama({ host: origin, fetch: fetching, headers: { authorization: `Bearer ${key}` } })
    let said = ""
    for await (const { message } of await ollama.chat({ model: "slow/rules-1", messages, stream: true })) said += message.content
    expect(said).toContain("42")
    const provider = createOpenAI({ baseURL: `${origin}/v1`, apiKey: key, fetch: fetching })
    const { text } = streamText({ model: provider.chat("local/rules-1"), messages, maxRetries: 0 })
    expect(await text).toContain("42")
    await nothingOpen()
  })

  it("Google's, whole and streamed", async () => {
    const body = { contents: [{ role: "user", parts: [{ text: "What is 6 times 7?" }] }] }
    const whole = await post("/v1beta/models/local/rules-1:generateContent", body)
    expect(await whole.text()).toContain("42")
    const streamed = await post("/v1beta/models/slow/rules-1:streamGenerateContent?alt=sse", body)
    expect([streamed.headers.get("content-type"), await streamed.text()]).toEqual(["text/event-stream; charset=utf-8", expect.stringContaining("data: ")])
    await nothingOpen()
  })

  it("the service's own bytes are handed on", async () => {
    const said = await (await post("/v1/chat/completions", { model: "openai/well", messages })).text()
    const pieces = await (await post("/v1/chat/completions", { model: "openai/well", messages, stream: true, stream_options: { include_usage: true } })).text()
    const { script } = service.asked.at(-1)!
    expect([said, pieces]).toEqual([script.whole, script.events.join("")])
  })
})

describe("what it holds to", () => {
  it("every credential is looked at as over a port", async () => {
    const models = (headers: Record<string, string> | Array<[string, string]>, query = "") =>
      handler(new Request(`${origin}/v1/models${query}`, { headers })).then(({ status }) => status)
    expect(await models({})).toBe(401)
    expect(await models({ "x-api-key": key })).toBe(200)
    expect(await models({}, `?key=${key}`)).toBe(200)
    expect(await models({ authorization: `Bearer ${key}`, "x-api-key": "pl-other-0123456789abcdef0123456789abcdef" })).toBe(401)
    expect(await models([["authorization", `Bearer ${key}`], ["authorization", `Bearer ${key}`]])).toBe(401)
  })

  it("bodies are bounded, whether their length is said or not", async () => {
    const long = JSON.stringify({ model: "local/rules-1", messages: [{ role: "user", content: "x".repeat(8_192) }] })
    const said = await post("/v1/chat/completions", long)
    expect([said.status, (await said.json() as { error: { message: string } }).error.message]).toEqual([413, "the body is larger than 4096 bytes"])
    let pulled = 0
    let cancelled = false
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled++
        controller.enqueue(new Uint8Array(1_024).fill(32))
      },
      cancel: () => {
        cancelled = true
      }
    })
    const unsaid = await post("/v1/chat/completions", "", { body: endless, duplex: "half" } as RequestInit)
    expect(unsaid.status).toBe(413)
    await expect.poll(() => cancelled).toBe(true)
    expect(pulled).toBeLessThan(100)
    await nothingOpen()
  })

  it("a body that does not arrive is 408, and one that breaks off leaves nothing", async () => {
    const silent = await post("/v1/chat/completions", "", { body: new ReadableStream(), duplex: "half" } as RequestInit)
    expect([silent.status, await silent.json()]).toMatchObject([408, { error: { code: "timeout" } }])
    const broken = new ReadableStream({ start: (controller) => controller.error(new Error("gone")) })
    expect((await post("/v1/chat/completions", "", { body: broken, duplex: "half" } as RequestInit)).status).toBe(499)
    await nothingOpen()
  })

  it.each([["{", 400], ["[]", 400], ["", 400]])("the body %j is refused", async (body, status) => {
    const answer = await post("/v1/chat/completions", body)
    expect([answer.status, await answer.json()]).toMatchObject([status, { error: { type: "invalid_request_error" } }])
  })

  it("errors are in the words of whoever asks", async () => {
    const google = await handler(new Request(`${origin}/v1beta/models/x:generateContent`, { method: "POST", body: "{}" }))
    expect(await google.json()).toMatchObject({ error: { code: 401, status: "UNAUTHENTICATED" } })
    const anthropic = await handler(new Request(`${origin}/v1/messages`, { method: "POST", body: "{}" }))
    expect(await anthropic.json()).toMatchObject({ type: "error", error: { type: "authentication_error" } })
    expect((await post("/v1/nowhere", {})).status).toBe(404)
    expect((await handler(new Request(`${origin}/v1/chat/completions`, { headers: { "x-api-key": key } }))).headers.get("allow")).toBe("POST")
    const failed = await post("/v1/chat/completions", { model: "openai/429 after", messages, stream: true })
    expect([failed.status, failed.headers.get("retry-after")]).toEqual([429, "7"])
    const cut = await (await post("/v1/chat/completions", { model: "openai/truncated", messages, stream: true })).text()
    expect(cut).toContain("cut_stream")
    expect(cut).not.toContain("[DONE]")
    await nothingOpen()
  })

  it("pages of allowed origins may ask, HEAD has no body, a request is logged and measured", async () => {
    const asked = { origin: "https://app.test", "access-control-request-method": "POST" }
    const allowed = await handler(new Request(`${origin}/v1/chat/completions`, { method: "OPTIONS", headers: asked }))
    expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([204, "https://app.test"])
    const head = await handler(new Request(`${origin}/health`, { method: "HEAD" }))
    expect([head.status, await head.text()]).toEqual([200, ""])
    expect([head.headers.get("x-request-id"), head.headers.get("connection")]).toEqual([expect.stringMatching(/^req_/), null])
    const metrics = await handler(new Request(`${origin}/metrics`, { headers: { "x-api-key": key } }))
    expect(await metrics.text()).toContain("http_route=\"/v1/chat/completions\"")
    await expect.poll(() => lines.some(({ route, status }) => route === "/v1/chat/completions" && status === 200)).toBe(true)
  })

  it("an idle stream is told that it lives", async () => {
    const answer = await post("/v1/chat/completions", { model: "openai/stall", messages, stream: true })
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ""
    for (let read = await reader.read(); !read.done && !/^: /m.test(text += read.value);) read = await reader.read()
    expect(text).toMatch(/^: /m)
    await reader.cancel()
    await nothingOpen()
  })
})

describe("leaving", () => {
  const left = async (go: (answer: Response, controller: AbortController) => Promise<unknown>): Promise<number> => {
    const gone = new Promise<number>((resolve) =>
      service.answers.set("held", ({ response, script }) => {
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write(script.events.slice(0, script.lead).join(""))
        response.once("close", () => resolve(performance.now()))
      }))
    const controller = new AbortController()
    const answer = await post("/v1/chat/completions", { model: "openai/held", messages, stream: true }, { signal: controller.signal })
    const at = performance.now()
    await go(answer, controller)
    return await gone - at
  }

  it("in the middle of a stream closes the service within 100 ms: by cancel, and by the request's signal", async () => {
    const cancelled = await left(async ({ body }) => {
      const reader = body!.getReader()
      expect((await reader.read()).done).toBe(false)
      await reader.cancel()
    })
    const aborted = await left(async ({ body }, controller) => {
      const reader = body!.getReader()
      await reader.read()
      controller.abort()
      await expect(reader.read()).rejects.toThrow("broken off")
    })
    expect(Math.max(cancelled, aborted)).toBeLessThan(100)
    await nothingOpen()
  })

  it("before the first word closes it too, and a request that was over before it came asks nobody", async () => {
    const gone = new Promise<void>((resolve) => service.answers.set("mute", ({ response }) => void response.once("close", resolve)))
    const controller = new AbortController()
    const before = service.asked.length
    const answer = post("/v1/chat/completions", { model: "openai/mute", messages }, { signal: controller.signal })
    await expect.poll(() => service.asked.length).toBe(before + 1)
    controller.abort()
    await gone
    expect((await answer).status).toBe(499)
    expect((await post("/v1/chat/completions", { model: "openai/mute", messages }, { signal: AbortSignal.abort() })).status).toBe(499)
    await nothingOpen()
    expect(service.asked.length).toBe(before + 1)
  })

  it("a reader who does not read is not written to without bound", async () => {
    let sent = 0
    const piece = `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta: { content: "x".repeat(16_000) }, finish_reason: null }] })}\n\n`
    service.answers.set("much", ({ response }) => {
      response.writeHead(200, { "content-type": "text/event-stream" })
      const more = (): void => {
        while (!response.destroyed && response.write(piece)) sent += piece.length
        if (!response.destroyed) response.once("drain", more)
      }
      more()
    })
    const answer = await post("/v1/chat/completions", { model: "openai/much", messages, stream: true })
    await new Promise((resolve) => setTimeout(resolve, 300))
    const waited = sent
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(sent).toBe(waited)
    expect(sent).toBeLessThan(16 * 1024 * 1024)
    const reader = answer.body!.getReader()
    for (let read = 0; read < waited + 1_000_000;) read += (await reader.read()).value?.length ?? Infinity
    expect(sent).toBeGreaterThan(waited)
    await reader.cancel()
    await nothingOpen()
  })

  it("1,000 calls, whole, streamed, left and failed, leave nothing open", async () => {
    const ways = ["whole", "stream", "cancel", "abort", "fail"] as const
    const one = async (index: number): Promise<void> => {
      const way = ways[index % ways.length]!
      const controller = new AbortController()
      const model = way === "fail" ? "openai/500" : way === "cancel" || way === "abort" ? "openai/stall" : "openai/well"
      const answer = await post("/v1/chat/completions", { model, messages, stream: way !== "whole" }, { signal: controller.signal })
      if (way === "whole" || way === "stream") return void await answer.text()
      const reader = answer.body!.getReader()
      await reader.read()
      if (way === "abort") controller.abort()
      else await reader.cancel()
    }
    for (let round = 0; round < 50; round++) await Promise.all(Array.from({ length: 20 }, (_, index) => one(round * 20 + index)))
    await nothingOpen()
    await expect.poll(() => service.asked.filter(({ response }) => !response.destroyed && !response.writableFinished).length).toBe(0)
  })
})

describe("its start", () => {
  it("is refused from anywhere without keys, told to whoever runs it and not to whoever asks, and tried anew", async () => {
    const config = configured("providers: { local: {} }\n", "open.yaml")
    const open = fetchHandler({ config, env: {} })
    await expect(open.start()).rejects.toThrow(/no key is configured/)
    const written = vi.spyOn(process.stderr, "write").mockReturnValue(true)
    const answer = await open(new Request(`${origin}/v1/models`))
    expect([answer.status, await answer.text()]).toEqual([503, expect.not.stringContaining("no key")])
    expect(written.mock.calls.map(([text]) => String(text)).join("")).toContain("no key is configured")
    written.mockRestore()
    configured(`providers: { local: {} }\nauth: { keys: [{ name: a, key: "${key}" }] }\n`, "open.yaml")
    expect((await open(new Request(`${origin}/v1/models`))).status).toBe(401)
    expect((await open(new Request(`${origin}/v1/models`, { headers: { "x-api-key": key } }))).status).toBe(200)
    await open.close()
    const closed = await open(new Request(`${origin}/v1/models`, { headers: { "x-api-key": key } }))
    expect([closed.status, closed.headers.get("retry-after")]).toEqual([503, "1"])
  })

  it("lets calls under way finish when it is closed", async () => {
    const closing = fetchHandler({ env: {}, config: configured("providers: { local: { tokenDelay: 30 } }\n", "closing.yaml"), host: "127.0.0.1" })
    const answer = await closing(new Request(`${origin}/v1/chat/completions`, {
      method: "POST", body: JSON.stringify({ model: "local/rules-1", messages, stream: true })
    }))
    const closed = closing.close()
    expect(await answer.text()).toContain("[DONE]")
    await closed
    expect(closing.active()).toBe(0)
  })
})
