/** Services that never end, trickle, flood or ask to wait for a year, and slow readers, over real connections. */
import { Timeout } from "@plugline/plugs"
import { Duration, Effect, Redacted, type Scope } from "effect"
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { type Builder, make, type Part, Request, RequestFailed, Result, type Services } from "plugline"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"

type Answer = (response: ServerResponse, body: { readonly stream?: boolean }) => void | Promise<void>

let server: Server
let answer: Answer
let asked: Array<IncomingHttpHeaders>
const sockets = new Set<Socket>()
let written = 0
const face = make()

beforeAll(async () => {
  server = createServer(async (request, response) => {
    asked.push(request.headers)
    let text = ""
    for await (const piece of request) text += piece
    await answer(response, JSON.parse(text))
  })
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket)).on("error", () => {})
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
})
// No test is given a connection that another has used.
afterEach(() => face.close())
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const asking = (how: Answer): Builder<"chat"> => {
  answer = how
  asked = []
  written = 0
  return face.build("openai", "Hi").withModel("gpt-4o-mini").withApiKey(Redacted.make("sk-0123456789"))
    .withConfig({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` })
}
const run = <A, E>(program: Effect.Effect<A, E, Services | Scope.Scope>): Promise<A> =>
  face.run(Effect.scoped(program) as Effect.Effect<A, E, Services>)
const reason = (final: Request) => Request.failure(final)?.reason

/** Every connection is closed. How soon is measured in the tests of the transport, where nothing else runs beside it. */
const closed = () => expect.poll(() => sockets.size, { timeout: 2_000 }).toBe(0)

const streaming = { "content-type": "text/event-stream" }
const event = (content: string) =>
  `data: ${JSON.stringify({ id: "c", model: "m", choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`

/** Writes as fast as it is read, until it is closed. */
const flood = async (response: ServerResponse, piece: string): Promise<void> => {
  let go = () => {}
  response.on("drain", () => go()).on("close", () => go())
  while (!response.destroyed) {
    written += piece.length
    if (!response.write(piece)) await new Promise<void>((resolve) => go = resolve)
  }
}

describe("a reader that hardly reads", () => {
  it("slows the service down, and what waits for it does not grow", { timeout: 60_000 }, async () => {
    const one = event("x".repeat(900))
    const call = asking((response) => flood(response.writeHead(200, streaming), one.repeat(64)))
    const { ahead, grown } = await run(Effect.gen(function*() {
      const live = yield* call.open()
      const before = process.memoryUsage()
      let heard = 0
      let ahead = 0
      let grown = 0
      for (let pull = 0; pull < 40; pull++) {
        const parts: ReadonlyArray<Part> = (yield* live.pull)!
        heard += parts.filter(({ type }) => type === "text-delta").length
        yield* Effect.sleep(25)
        const { arrayBuffers, heapUsed } = process.memoryUsage()
        ahead = Math.max(ahead, written - heard * one.length)
        grown = Math.max(grown, heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers)
      }
      expect(heard).toBeGreaterThan(1_000)
      return { ahead, grown }
    }))
    // The service runs ahead by what the operating system buffers, and not by what it could send in a second.
    expect(ahead).toBeLessThan(16 * 1024 * 1024)
    expect(grown).toBeLessThan(64 * 1024 * 1024)
    await closed()
  })
})

describe("a service that does not come to an end", () => {
  const trickle = async (response: ServerResponse, piece: string): Promise<void> => {
    response.writeHead(200, streaming)
    while (!response.destroyed) {
      response.write(piece)
      await sleep(20)
    }
  }
  const silent: Answer = () => {}
  const heads: Answer = (response) => void response.writeHead(200, streaming).flushHeaders()
  const stalls: Answer = (response) => void response.writeHead(200, streaming).write(event("Hel"))
  const byBytes: Answer = async (response) => {
    response.writeHead(200, streaming)
    for (const byte of `data: {"choices":[{"delta":{"content":"x"}}]}\n\n`.repeat(1_000)) {
      if (response.destroyed) return
      response.write(byte)
      await sleep(1)
    }
  }
  const limits = { firstToken: 150, idle: 200, total: 600 }

  for (const [title, how, phase, text] of [
    ["says nothing", silent, "first-token", ""],
    ["sends its head alone", heads, "first-token", ""],
    ["falls silent", stalls, "idle", "Hel"],
    ["sends signs of life and no answer", (response: ServerResponse) => trickle(response, ": here\n\n"), "first-token", ""],
    ["goes on for ever", (response: ServerResponse) => trickle(response, event("x")), "total", undefined],
    ["sends byte by byte", byBytes, "total", undefined]
  ] as const) {
    it(`one that ${title} ends at the ${phase} limit, as an error, and is left`, async () => {
      const patient = { ...limits, firstToken: 5_000, idle: 5_000 }
      const call = asking(how).withStandard(Timeout.plug(phase === "total" ? patient : { ...limits, total: 5_000 }))
      const [took, final] = await run(Effect.timed(call.withOperation("stream").run()))
      expect(reason(final)).toMatchObject({ _tag: "Timeout", phase })
      expect(final.state).toBe("error")
      if (text !== undefined) expect(Result.text(final.result)).toBe(text)
      else expect(Result.text(final.result)).not.toBe("")
      expect(Duration.toMillis(took)).toBeLessThan(4_000)
      await closed()
    })
  }

  it("is held to the limits of the call also without the plug", async () => {
    const final = await run(asking(stalls).withTimeout({ idle: 100 }).withOperation("stream").run())
    expect(reason(final)).toMatchObject({ _tag: "Timeout", phase: "idle", limit: 100 })
    await closed()
  })

  it("a line without end is given up at 8 Mi characters, and a body without end at 64 MiB", { timeout: 60_000 }, async () => {
    const endless = "x".repeat(1024 * 1024)
    const line = await run(asking((response) => {
      response.writeHead(200, streaming).write(`data: {"choices":[{"delta":{"content":"`)
      return flood(response, endless)
    }).withOperation("stream").run())
    expect(reason(line)).toMatchObject({ _tag: "MalformedResponse", message: expect.stringContaining("8388608") })
    expect(written).toBeLessThan(48 * 1024 * 1024)
    await closed()
    const json = { "content-type": "application/json" }
    const body = await run(asking((response) => flood(response.writeHead(200, json), endless)).run())
    expect(reason(body)).toMatchObject({ _tag: "MalformedResponse", message: expect.stringContaining("67108864") })
    expect(written).toBeLessThan(128 * 1024 * 1024)
    await closed()
  })
})

describe("a service that asks to wait", () => {
  it.each([
    ["a year", "31536000", 1], ["past any number", "9".repeat(400), 1], ["less than nothing", "-5", 3],
    ["in no words", "NaN", 3], ["until a date before its own", "Wed, 21 Oct 2015 07:27:00 GMT", 3]
  ])("%s is waited for no longer than the deadline", async (_, after, attempts) => {
    const call = asking((response) =>
      void response.writeHead(429, { "retry-after": after }).end(`{"error":{"message":"slow down"}}`))
      .withRetry({ base: 1, deadline: 2_000, attempts: 3, budget: false })
    const [took, final] = await run(Effect.timed(call.run()))
    expect(reason(final)?._tag).toBe("RateLimit")
    expect(Duration.toMillis(took)).toBeLessThan(2_000)
    expect(asked.length).toBe(attempts)
    const wait = Request.failure(final)?.retryAfter
    expect(wait === undefined || (wait >= 0 && wait <= 86_400_000)).toBe(true)
  })
})

describe("attempts", () => {
  it("are those of the one plug that makes them: nothing below tries again on its own", async () => {
    for (const [operation, attempts] of [["chat", 1], ["chat", 3], ["stream", 3]] as const) {
      const call = asking((response) => void response.writeHead(503).end("down")).withOperation(operation)
      const retried = <Op extends "chat" | "stream">(given: Builder<Op>) =>
        attempts === 1 ? given.run() : given.withRetry({ base: 1, attempts, budget: false }).run()
      const final = await run(retried(call))
      expect(final.state).toBe("error")
      expect(asked.length).toBe(attempts)
      const cut = asking((response) => void response.socket!.resetAndDestroy()).withOperation(operation)
      await run(retried(cut))
      expect(asked.length).toBe(attempts)
    }
  })
})

describe("a program that ends", () => {
  const two: Answer = (response) => void response.writeHead(200, streaming).write(event("Hel"))

  it("ends its open streams with an error, never as if they were whole", async () => {
    const call = asking(two)
    const own = make()
    const parts: Array<Part> = []
    const reading = (async () => {
      const { baseUrl } = (await run(call.request())).config
      const options = { model: "m", apiKey: "sk-0123456789", baseUrl: baseUrl! }
      for await (const part of own.stream("openai", "Hi", options)) parts.push(part)
    })().then(() => undefined, (error: unknown) => error)
    while (!parts.some(({ type }) => type === "text-delta")) await sleep(2)
    await own.close()
    const error = await reading
    expect(error).toBeInstanceOf(RequestFailed)
    expect((error as RequestFailed).request.state).toBe("error")
    expect(parts.filter(({ type }) => type === "finish")).toEqual([])
    expect(parts.at(-1)?.type).toBe("error")
    expect((error as RequestFailed).request.result).toMatchObject({ content: [{ text: "Hel" }], finishReason: "error" })
    await closed()
  })

  it("leaves a stream that nobody reads any more, unfinished, and the service with it", async () => {
    const heard: Array<Part> = []
    const live = await run(Effect.gen(function*() {
      const live = yield* asking(two).open()
      heard.push(...(yield* live.pull)!)
      return live
    }))
    expect(heard.some(({ type }) => type === "text-delta")).toBe(true)
    expect(heard.some(({ type }) => type === "finish")).toBe(false)
    expect(live.final()?.state).toBe("streaming")
    await closed()
  })
})
