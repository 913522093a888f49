import { LlmError } from "@plugline/core"
import { type Outgoing, Transport } from "@plugline/providers"
import { Context, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { contract, readAll, reasonOf, type Serve } from "./transport.contract.ts"

const listen = (server: Server | ReturnType<typeof createTcpServer>) =>
  Effect.acquireRelease(
    Effect.promise(() => new Promise<number>((done) => server.listen(0, "127.0.0.1", () => done((server.address() as AddressInfo).port)))),
    () => Effect.sync(() => {
      if ("closeAllConnections" in server) server.closeAllConnections()
      server.close()
    })
  )

/** A loopback server; `handle` answers, `sockets` holds every connection that was made. */
const loopback = (handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>) =>
  Effect.gen(function*() {
    const sockets: Array<Socket> = []
    const closed: Array<number> = []
    const server = createServer((request, response) => void handle(request, response))
    server.on("connection", (socket) => {
      sockets.push(socket)
      socket.once("close", () => closed.push(performance.now()))
    })
    const port = yield* listen(server)
    return { url: `http://127.0.0.1:${port}`, sockets, closed }
  })

/** A transport that lives as long as the test. */
const sender = (layer: Layer.Layer<Transport>) => Effect.map(Layer.build(layer), (services) => Context.get(services, Transport).send)

const serveHttp: Serve = (answer) =>
  Effect.gen(function*() {
    const seen = { headers: {}, body: "", count: 0 }
    const { url } = yield* loopback(async (request, response) => {
      seen.count++
      seen.headers = request.headers
      seen.body = ""
      for await (const chunk of request) seen.body += String(chunk)
      response.writeHead(answer.status ?? 200, answer.headers)
      for (const piece of answer.body) {
        if (typeof piece === "number") {
          response.flushHeaders()
          await sleep(piece)
        } else if (piece === "cut") return void request.socket.destroy()
        else response.write(piece)
      }
      response.end()
    })
    return { url, send: yield* sender(Transport.layer), seen: () => seen }
  })

const serveMemory: Serve = (answer) =>
  Effect.gen(function*() {
    const seen: { headers: Record<string, unknown>; body: string; count: number } = { headers: {}, body: "", count: 0 }
    let delay = 0
    let cut = LlmError.make({ _tag: "Network", message: "cut" })
    const body = answer.body.flatMap((piece): Array<string | Uint8Array | Effect.Effect<string | Uint8Array, LlmError>> => {
      if (typeof piece === "number") {
        delay += piece
        return []
      }
      const waited = delay
      delay = 0
      return [Effect.delay(Effect.suspend(() => piece === "cut" ? Effect.fail(cut) : Effect.succeed(piece)), waited)]
    })
    const layer = Transport.memory((outgoing) =>
      Effect.sync(() => {
        seen.count++
        seen.headers = Transport.headersOf(outgoing)
        seen.body = outgoing.body ?? ""
        cut = LlmError.make({ _tag: outgoing.stream ? "CutStream" : "Network", message: "cut" })
        return { status: answer.status ?? 200, headers: Object.fromEntries(Object.entries(answer.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])), body }
      }))
    return { url: "http://service.test", send: yield* sender(layer), seen: () => seen }
  })

contract("Transport.layer", serveHttp)
contract("Transport.memory", serveMemory)

const outgoing = (url: string, more: Partial<Outgoing> = {}): Outgoing => ({ method: "POST", url: `${url}/x`, headers: {}, body: "{}", stream: false, ...more })

const send = (request: Outgoing) => Effect.flatMap(Transport, (transport) => transport.send(request))

const live = (title: string, run: Effect.Effect<void, LlmError, Transport | import("effect").Scope.Scope>) =>
  it(title, () => Effect.runPromise(Effect.scoped(Effect.provide(run, Transport.layer))))

const bytesOf = (body: unknown): import("@plugline/core").Bytes => body as import("@plugline/core").Bytes

const until = (check: () => boolean, ms = 2_000) =>
  Effect.promise(async () => {
    const end = performance.now() + ms
    while (!check() && performance.now() < end) await sleep(2)
    return check()
  })

describe("who leaves closes the socket within 100 ms", () => {
  live("before the head has come", Effect.gen(function*() {
    const { closed, url, sockets } = yield* loopback(() => {})
    const fiber = yield* Effect.forkChild(send(outgoing(url)))
    expect(yield* until(() => sockets.length === 1)).toBe(true)
    yield* Effect.sleep(20)
    const left = performance.now()
    yield* Fiber.interrupt(fiber)
    expect(yield* until(() => closed.length === 1)).toBe(true)
    expect(closed[0]! - left).toBeLessThan(100)
  }))

  live("before the first byte of the body, and in its middle", Effect.gen(function*() {
    for (const first of ["", "data: 1\n\n"]) {
      const { closed, url } = yield* loopback((_, response) => {
        response.writeHead(200)
        response.flushHeaders()
        if (first !== "") response.write(first)
      })
      const { body } = yield* send(outgoing(url, { stream: true }))
      if (first !== "") yield* bytesOf(body).pull
      const pulling = yield* Effect.forkChild(bytesOf(body).pull)
      yield* Effect.sleep(20)
      yield* Fiber.interrupt(pulling)
      expect(closed.length).toBe(0)
      const left = performance.now()
      yield* bytesOf(body).close
      expect(yield* until(() => closed.length === 1)).toBe(true)
      expect(closed[0]! - left).toBeLessThan(100)
    }
  }))

  live("in the middle of a whole answer", Effect.gen(function*() {
    const { closed, url } = yield* loopback((_, response) => void response.writeHead(200).write("{"))
    const fiber = yield* Effect.forkChild(send(outgoing(url)))
    yield* Effect.sleep(60)
    const left = performance.now()
    yield* Fiber.interrupt(fiber)
    expect(yield* until(() => closed.length === 1)).toBe(true)
    expect(closed[0]! - left).toBeLessThan(100)
  }))

  live("when a time limit has passed", Effect.gen(function*() {
    const { closed, url } = yield* loopback(() => {})
    expect(Exit.isFailure(yield* Effect.exit(send(outgoing(url, { timeouts: { firstToken: 40 } }))))).toBe(true)
    expect(yield* until(() => closed.length === 1, 100)).toBe(true)
  }))

  live("a thousand times, and nothing is left", Effect.gen(function*() {
    let asked = 0
    const { closed, url } = yield* loopback((_, response) => {
      if (asked++ % 2 === 0) response.writeHead(200).write("data: 1\n\n")
    })
    for (let round = 0; round < 20; round++) {
      const fibers = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.forkChild(Effect.flatMap(send(outgoing(url, { stream: true })), ({ body }) =>
          Effect.onInterrupt(readAll(bytesOf(body)), () => bytesOf(body).close))))
      yield* until(() => asked >= (round + 1) * 50)
      yield* Fiber.interruptAll(fibers)
    }
    expect(asked).toBe(1000)
    expect(yield* until(() => closed.length === 1000)).toBe(true)
    expect(process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length).toBeLessThan(10)
  }))

  it("with the layer, in the middle of a stream and of a connection attempt", async () => {
    const hung = createTcpServer(() => {})
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const { closed, url } = yield* loopback((_, response) => void response.writeHead(200).write("x"))
      const port = yield* listen(hung)
      const connections = new Promise<number>((done) => hung.once("connection", (socket) => {
        socket.once("close", () => done(performance.now()))
        socket.on("error", () => {}).resume()
      }))
      const exit = yield* Effect.scoped(Effect.provide(Effect.gen(function*() {
        const { body } = yield* send(outgoing(url, { stream: true }))
        yield* bytesOf(body).pull
        const waiting = yield* Effect.forkDetach(bytesOf(body).pull)
        yield* Effect.forkDetach(send(outgoing(`https://127.0.0.1:${port}`)))
        yield* Effect.sleep(50)
        return waiting
      }), Transport.layer))
      expect(reasonOf(yield* Fiber.await(exit))._tag).toBe("Network")
      const left = performance.now()
      expect((yield* Effect.promise(() => connections)) - left).toBeLessThan(100)
      expect(yield* until(() => closed.length === 1, 100)).toBe(true)
    })))
  })
})

describe("connections", () => {
  live("one is used again for the next call, also after a stream whose last part was read", Effect.gen(function*() {
    const { sockets, url } = yield* loopback((request, response) => {
      request.resume()
      response.writeHead(200)
      response.write("data: [DONE]\n\n")
      setTimeout(() => response.end(), 15)
    })
    yield* send(outgoing(url))
    yield* Effect.sleep(10)
    const { body } = yield* send(outgoing(url, { stream: true }))
    yield* bytesOf(body).pull
    yield* Transport.release(bytesOf(body))
    yield* bytesOf(body).close
    yield* Effect.sleep(40)
    yield* send(outgoing(url))
    expect(sockets.length).toBe(1)
  }))

  live("a released one that goes on talking is closed", Effect.gen(function*() {
    const { closed, url } = yield* loopback((_, response) => void response.writeHead(200).write("data: [DONE]\n\n"))
    const { body } = yield* send(outgoing(url, { stream: true }))
    yield* bytesOf(body).pull
    const left = performance.now()
    yield* Transport.release(bytesOf(body))
    expect(yield* until(() => closed.length === 1)).toBe(true)
    expect(closed[0]! - left).toBeGreaterThan(50)
    expect(closed[0]! - left).toBeLessThan(300)
  }))

  live("a released one that floods is closed at once", Effect.gen(function*() {
    const { closed, url } = yield* loopback(async (_, response) => {
      response.writeHead(200).write("data: [DONE]\n\n")
      await sleep(20)
      while (!response.destroyed) if (!response.write(Buffer.alloc(64 * 1024))) await sleep(1)
    })
    const { body } = yield* send(outgoing(url, { stream: true }))
    yield* bytesOf(body).pull
    const left = performance.now()
    yield* Transport.release(bytesOf(body))
    expect(yield* until(() => closed.length === 1)).toBe(true)
    expect(closed[0]! - left).toBeLessThan(85)
  }))

  live("a request that was given up while its connection was made is not sent", Effect.gen(function*() {
    let asked = 0
    const { url } = yield* loopback((_, response) => {
      asked++
      response.end("x")
    })
    const fiber = yield* Effect.forkChild(send(outgoing(url)), { startImmediately: true })
    yield* Fiber.interrupt(fiber)
    yield* Effect.sleep(50)
    expect(asked).toBe(0)
    expect((yield* send(outgoing(url))).body).toBe("x")
  }))

  it("a request that was given up in the queue for the one connection is not sent, and those behind it are", () =>
    Effect.runPromise(Effect.scoped(Effect.provide(Effect.gen(function*() {
      const asked: Array<string> = []
      const { sockets, url } = yield* loopback(async (request, response) => {
        asked.push(request.url ?? "")
        await sleep(40)
        response.end("x")
      })
      const fibers = yield* Effect.forEach(["/a", "/b", "/c"], (path) => Effect.forkChild(send({ ...outgoing(url), url: `${url}${path}` })))
      yield* Effect.sleep(20)
      yield* Fiber.interrupt(fibers[1]!)
      yield* Fiber.joinAll([fibers[0]!, fibers[2]!])
      expect([asked, sockets.length]).toEqual([["/a", "/c"], 1])
    }), Transport.layerWith({ connections: 1 })))))

  it("giving up while the one connection is made leaves the others their chance", () =>
    Effect.runPromise(Effect.scoped(Effect.provide(Effect.gen(function*() {
      const { url } = yield* loopback((_, response) => void response.end("x"))
      const fibers = yield* Effect.forEach(["/a", "/b"], (path) => Effect.forkChild(send({ ...outgoing(url), url: `${url}${path}` }), { startImmediately: true }))
      yield* Fiber.interrupt(fibers[0]!)
      expect((yield* Fiber.join(fibers[1]!)).body).toBe("x")
    }), Transport.layerWith({ connections: 1 })))))

  live("a connection attempt that nobody waits for any more is dropped, and its time limit is kept", Effect.gen(function*() {
    // Accepts the connection and never answers the TLS greeting.
    const server = createTcpServer((socket) => {
      socket.on("error", () => {}).resume()
      sockets.push(socket)
      socket.once("close", () => closed.push(performance.now()))
    })
    const sockets: Array<Socket> = []
    const closed: Array<number> = []
    const port = yield* listen(server)
    const reason = reasonOf(yield* Effect.exit(send(outgoing(`https://127.0.0.1:${port}`, { timeouts: { connect: 60 } }))))
    expect(reason).toMatchObject({ _tag: "Timeout", phase: "connect", limit: 60 })
    expect(yield* until(() => closed.length === 1, 100)).toBe(true)
  }))
})

describe("a slow reader slows the service down", () => {
  live("at most some 64 KiB wait here, and every byte arrives", Effect.gen(function*() {
    const total = 32 * 1024 * 1024
    let written = 0
    const { url } = yield* loopback(async (_, response) => {
      response.writeHead(200)
      const piece = Buffer.alloc(64 * 1024, 97)
      while (written < total) {
        written += piece.length
        if (!response.write(piece)) await new Promise<void>((go) => response.once("drain", () => go()))
      }
      response.end()
    })
    const { body } = yield* send(outgoing(url, { stream: true, timeouts: { idle: 150 } }))
    yield* bytesOf(body).pull
    yield* Effect.sleep(400)
    const held = written
    // What the operating system buffers on both sides is some MiB; what is here is bounded.
    expect(held).toBeLessThan(total / 2)
    const first = yield* bytesOf(body).pull
    const waiting = first!.reduce((sum, chunk) => sum + chunk.length, 0)
    expect(waiting).toBeLessThan(3 * 64 * 1024)
    let received = 0
    for (let more = yield* bytesOf(body).pull; more !== undefined; more = yield* bytesOf(body).pull) {
      for (const chunk of more) received += chunk.length
    }
    expect(received).toBeGreaterThan(total - 4 * 64 * 1024 - waiting)
  }))
})

describe("a reader that comes back", () => {
  live("finds a service that has fallen silent meanwhile, after the idle limit", Effect.gen(function*() {
    const size = 8 * 64 * 1024
    const { url } = yield* loopback((_, response) => void response.writeHead(200).write(Buffer.alloc(size, 97)))
    const { body } = yield* send(outgoing(url, { stream: true, timeouts: { idle: 100 } }))
    yield* Effect.sleep(300)
    let received = 0
    const begun = performance.now()
    const exit = yield* Effect.exit(Effect.gen(function*() {
      for (;;) for (const chunk of (yield* bytesOf(body).pull) ?? []) received += chunk.length
    }))
    expect(received).toBe(size)
    expect(reasonOf(exit)).toMatchObject({ _tag: "Timeout", phase: "idle" })
    expect(performance.now() - begun).toBeGreaterThan(80)
    expect(performance.now() - begun).toBeLessThan(1_000)
  }))
})

describe("what goes wrong has a name", () => {
  const cases: ReadonlyArray<[string, string, string]> = [
    ["nobody listens", "http://127.0.0.1:1", "cannot connect to http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1"],
    ["the host has no address", "http://nowhere.invalid", "cannot connect to http://nowhere.invalid: getaddrinfo"]
  ]
  for (const [title, url, message] of cases) {
    live(title, Effect.gen(function*() {
      expect(reasonOf(yield* Effect.exit(send(outgoing(url))))).toMatchObject({ _tag: "Network", message: expect.stringContaining(message) })
    }))
  }

  live("TLS is spoken to a server that speaks none", Effect.gen(function*() {
    const { url } = yield* loopback((_, response) => void response.end())
    expect(reasonOf(yield* Effect.exit(send(outgoing(url.replace("http:", "https:")))))).toMatchObject({ _tag: "Network" })
  }))

  const raw = (title: string, answer: string, check: (reason: LlmError["reason"], streamed: LlmError["reason"]) => void) =>
    live(title, Effect.gen(function*() {
      const server = createTcpServer((socket) => {
        socket.on("error", () => {})
        socket.once("data", () => socket.end(answer))
      })
      const url = `http://127.0.0.1:${yield* listen(server)}`
      const whole = yield* Effect.exit(send(outgoing(url)))
      const streamed = yield* Effect.exit(Effect.flatMap(send(outgoing(url, { stream: true })), ({ body }) =>
        typeof body === "string" ? Effect.succeed(body) : readAll(body)))
      check(reasonOf(whole), reasonOf(streamed))
    }))

  raw("the connection ends before the answer", "", (whole) => {
    expect(whole).toMatchObject({ _tag: "Network", message: expect.stringContaining("before the answer began") })
  })
  raw("something answers that speaks no HTTP", "SSH-2.0-OpenSSH_9.6\r\n", (whole, streamed) => {
    expect([whole._tag, streamed._tag]).toEqual(["MalformedResponse", "MalformedResponse"])
  })
  raw("a chunked body ends half-way", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", (whole, streamed) => {
    expect([whole._tag, streamed._tag]).toEqual(["Network", "CutStream"])
  })
  raw("a chunked body ends half-way, and the connection was not to be kept", "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", (whole, streamed) => {
    expect([whole._tag, streamed._tag]).toEqual(["Network", "CutStream"])
  })
  raw("a body is shorter than its length", "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello", (whole, streamed) => {
    expect([whole._tag, streamed._tag]).toEqual(["Network", "CutStream"])
  })
  raw("a body is shorter than its length, and the connection was not to be kept", "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 50\r\n\r\nhello", (whole, streamed) => {
    expect([whole._tag, streamed._tag]).toEqual(["Network", "CutStream"])
  })
  raw("the head is endless", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}\r\n\r\n`, (whole) => {
    expect(whole._tag).toBe("MalformedResponse")
  })

  live("the connection is reset", Effect.gen(function*() {
    const { url } = yield* loopback((request) => void request.socket.resetAndDestroy())
    expect(reasonOf(yield* Effect.exit(send(outgoing(url))))).toMatchObject({ _tag: "Network" })
  }))

  live("a length over the limit is refused before the body is read", Effect.gen(function*() {
    const { url } = yield* loopback((_, response) => void response.writeHead(200, { "content-length": 1e9 }).write("x"))
    expect(reasonOf(yield* Effect.exit(send(outgoing(url))))).toMatchObject({ _tag: "MalformedResponse", message: expect.stringContaining("67108864") })
  }))

  live("a hint that comes before the answer is not the answer", Effect.gen(function*() {
    const { url } = yield* loopback((_, response) => {
      response.writeProcessing()
      response.end("later")
    })
    expect((yield* send(outgoing(url))).body).toBe("later")
    const streamed = yield* send(outgoing(url, { stream: true }))
    expect([streamed.status, yield* readAll(bytesOf(streamed.body))]).toEqual([200, "later"])
  }))
})

describe("time in memory goes by Effect's clock", () => {
  it("two minutes until the first byte, a minute between two pieces, ten for all", async () => {
    const never = Transport.memory(() => Effect.never)
    const silent = Transport.memory(() => Effect.succeed({ body: ["x", Effect.never] }))
    const steady = Transport.memory(() => Effect.succeed({ body: Array.from({ length: 100 }, () => Effect.delay(Effect.succeed("x"), 50_000)) }))
    const after = (layer: Layer.Layer<Transport>, ms: number) =>
      Effect.runPromise(Effect.provide(Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(Effect.provide(send(outgoing("http://service.test")), layer))
        yield* TestClock.adjust(ms - 1)
        expect(fiber.pollUnsafe()).toBe(undefined)
        yield* TestClock.adjust(1)
        return reasonOf(yield* Fiber.await(fiber))
      }), TestClock.layer()))
    expect(await after(never, 120_000)).toMatchObject({ phase: "first-token", limit: 120_000 })
    expect(await after(silent, 60_000)).toMatchObject({ phase: "idle", limit: 60_000 })
    expect(await after(steady, 600_000)).toMatchObject({ phase: "total", limit: 600_000 })
  })
})
