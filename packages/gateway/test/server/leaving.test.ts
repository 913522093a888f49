/** Clients that leave before and after the first byte, a thousand of them: the service is left too. */
import { request as httpRequest } from "node:http"
import { afterAll, beforeAll, expect, it } from "vitest"
import { after, type Stage, stage } from "./harness.ts"
import { type Asked, half, head } from "./upstream.ts"

type Body = (text: string) => object

interface Kind {
  readonly name: string
  readonly path: string
  readonly body: Body
  readonly streams: boolean
}

const message = (text: string) => [{ role: "user", content: text }]
const contents = (text: string) => ({ role: "user", parts: [{ text }] })

const routes: ReadonlyArray<readonly [path: string, body: Body, streams?: "always" | "never"]> = [
  ["/v1/chat/completions", (text) => ({ model: "openai/hold", messages: message(text) })],
  ["/v1/completions", (prompt) => ({ model: "openai/hold", prompt })],
  ["/v1/embeddings", (input) => ({ model: "openai/hold", input }), "never"],
  ["/v1/responses", (input) => ({ model: "openai/hold", input })],
  ["/v1/messages", (text) => ({ model: "anthropic/hold", max_tokens: 9, messages: message(text) })],
  ["/v1beta/models/google/hold:generateContent", (text) => ({ contents: [contents(text)] }), "never"],
  ["/v1beta/models/google/hold:streamGenerateContent?alt=sse", (text) => ({ contents: [contents(text)] }), "always"],
  ["/v1beta/models/openai/hold:streamGenerateContent", (text) => ({ contents: [contents(text)] }), "always"],
  ["/v1beta/models/google/hold:embedContent", (text) => ({ content: contents(text) }), "never"],
  [
    "/v1beta/models/google/hold:batchEmbedContents",
    (text) => ({ requests: [{ model: "models/hold", content: contents(text) }] }),
    "never"
  ],
  ["/api/chat", (text) => ({ model: "openai/hold", messages: message(text), stream: false })],
  ["/api/generate", (prompt) => ({ model: "openai/hold", prompt, stream: false })],
  ["/api/embed", (input) => ({ model: "openai/hold", input }), "never"]
]

const kinds: ReadonlyArray<Kind> = routes.flatMap(([path, body, streams]): ReadonlyArray<Kind> => [
  ...(streams === "always" ? [] : [{ name: path, path, body, streams: false }]),
  ...(streams === "never" ? [] : [{
    name: `${path}, streamed`,
    path,
    body: (text: string) => ({ ...body(text), ...(streams === undefined && { stream: true }) }),
    streams: true
  }])
])

/** 27 cases: every kind before the first byte, those that stream after it too. */
const cases = kinds.flatMap((kind) => [{ kind, begun: false }, ...(kind.streams ? [{ kind, begun: true }] : [])])
const each = Math.ceil(1_000 / cases.length)

let at: Stage
let running = 0
const waiting = new Map<string, (asked: Asked) => void>()

beforeAll(async () => {
  at = await stage()
  const live = at.gateway.configuration.current()
  const { run } = live
  // Fibers that live: begun, and not yet ended.
  Object.assign(live, {
    run: ((effect, { onExit }) => {
      running++
      return run(effect, { onExit: (exit) => (running--, onExit(exit)) })
    }) satisfies typeof run
  })
  at.upstream.answers.set("hold", (asked) => {
    const [text = ""] = /(leave|begun)-\d+/.exec(asked.text) ?? []
    if (text.startsWith("begun")) {
      if (asked.path.endsWith("/completions") && !asked.path.includes("chat")) {
        head(asked)
        asked.response.write(`data: {"id":"c","object":"text_completion","choices":[{"index":0,"text":"Fine"}]}\n\n`)
      } else half(asked)
    }
    waiting.get(text)?.(asked)
  })
})

afterAll(() => at.close())

let count = 0

/** Asks, leaves, and tells whether the service was left within 100 ms. */
const leave = async ({ begun, kind }: typeof cases[number]): Promise<boolean> => {
  const text = `${begun ? "begun" : "leave"}-${++count}`
  const asked = new Promise<Asked>((resolve) => waiting.set(text, resolve))
  const request = httpRequest(`${at.address}${kind.path}`, { method: "POST", agent: false })
  const first = new Promise<void>((resolve, reject) => {
    request.on("error", (error) => reject(new Error(`${kind.name}: ${error.message}`)))
    request.on("response", (response) => {
      response.on("error", () => {})
      response.once("data", (piece: Buffer) => {
        if (response.statusCode === 200) resolve()
        else reject(new Error(`${kind.name}: ${response.statusCode} ${piece.toString()}`))
      })
    })
  })
  request.end(JSON.stringify(kind.body(text)))
  const refused = first.then(() => undefined, (error: Error) => error)
  const { request: { socket } } = await Promise.race([
    asked,
    refused.then((error) => error === undefined ? asked : Promise.reject(error))
  ])
  if (begun) await first
  waiting.delete(text)
  const closed = new Promise<void>((resolve) => void socket.once("close", () => resolve()))
  request.destroy()
  await Promise.race([closed, late()])
  return socket.destroyed
}

/** 100 ms of this process: what had come by then has been looked at. */
const late = async (): Promise<void> => {
  await after(100)
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const handles = (): Record<string, number> => {
  const found: Record<string, number> = { Timeout: 0, TCPSocketWrap: 0, TLSSocketWrap: 0 }
  for (const kind of process.getActiveResourcesInfo()) if (kind in found) found[kind]!++
  return found
}

it(`${each} clients of each kind leave`, { timeout: 60_000 }, async () => {
  for (const one of cases) expect(await leave(one), `${one.kind.name}, begun: ${one.begun}`).toBe(true)
  await expect.poll(() => [running, at.upstream.open()]).toEqual([0, 0])
  const before = handles()

  const wrong: Array<string> = []
  const todo = Array.from({ length: each }, () => cases).flat()
  const worker = async (): Promise<void> => {
    for (let one = todo.pop(); one !== undefined; one = todo.pop()) {
      if (!await leave(one)) wrong.push(`${one.kind.name}, begun: ${one.begun}`)
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  expect(count).toBeGreaterThanOrEqual(1_000)
  expect(wrong).toEqual([])

  await expect.poll(() => [at.gateway.server.active(), running, at.upstream.open()]).toEqual([0, 0, 0])
  // Every client that left is logged as one who left.
  await expect.poll(() => at.log.length).toBe(count)
  expect(new Set(at.log.map(({ status }) => status))).toEqual(new Set([499]))
  const stayed = (): ReadonlyArray<string> =>
    Object.entries(handles()).flatMap(([kind, number]) => number > before[kind]! ? [kind] : [])
  await expect.poll(stayed, { timeout: 5_000 }).toEqual([])
})

it("and the gateway answers as before", async () => {
  const response = await fetch(`${at.address}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "openai/well", messages: message("Hello") })
  })
  expect(await response.json()).toMatchObject({ choices: [{ message: { content: "Fine, thanks. And you?" } }] })
})
