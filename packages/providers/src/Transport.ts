/**
 * Carries requests to services over HTTP and brings back their answers, whole or while they arrive.
 *
 * Redirects are not followed, so a credential reaches no other address. Interrupting a call, or closing the bytes of a
 * stream, closes the socket at once. A reader that is slow slows the service down: at most some 64 KiB wait unread.
 *
 * Time limits, in ms, where a call sets none: 10,000 for the connection, 120,000 from sending until the first byte of the
 * body, 60,000 between two pieces of it, 600,000 for everything.
 *
 * @module
 */
import type { Bytes, LlmError, ProviderResponse } from "@plugline/core"
import { Context, Effect, Layer } from "effect"
import { Socket } from "node:net"
import { Agent, buildConnector, type Dispatcher, Pool } from "undici"
import { Exchange } from "./transport/exchange.ts"
import { guarded } from "./transport/guarded.ts"
import { memory, type MemoryHandler } from "./transport/memory.ts"
import { check, defaultTimeouts, headersOf, type Outgoing } from "./transport/outgoing.ts"

export type { MemoryAnswer, MemoryHandler } from "./transport/memory.ts"
export type { Headers, Outgoing } from "./transport/outgoing.ts"

/** How connections are kept. */
export interface TransportOptions {
  /**
   * How long an unused connection is kept, in ms, where the service does not say. Default: 4,000, because some servers close
   * theirs after five seconds without a word.
   */
  readonly keepAlive?: number
  /** Most connections to one address. Default: no limit. */
  readonly connections?: number
  /**
   * Whether a connection to an origin (`https://host`, with its port where it has one) may lead to an IP address. It is asked for
   * the very address that is connected to, so a name that means another one later leads nowhere else. Default: every address.
   */
  readonly allow?: (origin: string, address: string) => boolean
}

/** Carries requests to services. */
export class Transport extends Context.Service<Transport, {
  /**
   * Sends a request. With `stream` a successful answer comes as soon as its head is there, its body as bytes; any other
   * answer comes whole. An answer with an error status is an answer, not a failure.
   */
  readonly send: (outgoing: Outgoing) => Effect.Effect<ProviderResponse, LlmError>
}>()("@plugline/providers/Transport") {
  /** HTTP/1.1 with kept connections of its own, closed with the layer. */
  static readonly layer: Layer.Layer<Transport> = Layer.suspend(() => Transport.layerWith({}))

  /** Like {@link layer}, set up otherwise. */
  static readonly layerWith = (options: TransportOptions): Layer.Layer<Transport> => Layer.effect(Transport, http(options))

  /** Over a dispatcher of undici's that is somebody else's to close: a proxy agent, for example. */
  static readonly layerOver = (dispatcher: Dispatcher): Layer.Layer<Transport> => Layer.succeed(Transport, over(dispatcher))

  /**
   * Answers from a function, without a network: for tests. It passes the same checks and keeps the same time limits, by
   * Effect's clock.
   */
  static readonly memory = (handler: MemoryHandler): Layer.Layer<Transport> => Layer.succeed(Transport, { send: memory(handler) })

  /** The time limits in force where a call sets none, in ms. */
  static readonly timeouts = defaultTimeouts

  /** Every header of a request, the credential included: for transports, and for tests that look at what is sent. */
  static readonly headersOf = headersOf

  /**
   * Lets go of bytes whose reader has all it needs: a rest that comes within a moment is thrown away and the connection kept
   * for the next call; else it is closed.
   */
  static readonly release = (bytes: Bytes): Effect.Effect<void> =>
    "release" in bytes && Effect.isEffect(bytes.release) ? bytes.release as Effect.Effect<void> : bytes.close
}

/** Longest a connection attempt lives that no call waits for any more, in ms. */
const stray = 60_000

const http = Effect.fnUntraced(function*({ allow, connections, keepAlive }: TransportOptions) {
  const plain = buildConnector({ allowH2: false, timeout: stray })
  const connect = allow === undefined ? plain : guarded(allow, stray)
  const attempts = new Set<Socket>()
  let dispatching: Exchange | undefined

  const agent = yield* Effect.acquireRelease(
    Effect.sync(() =>
      new Agent({
        allowH2: false,
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: keepAlive ?? 4_000,
        connections: connections ?? null,
        // Requests wait in a pool, not at a connection: one that gives up takes no other with it.
        factory: (origin, options) => new Pool(origin, options),
        // A new connection is begun while its request is handed over: this is how a request knows the socket it waits for.
        connect: (options, callback) => {
          const begun: unknown = connect(options, callback)
          if (!(begun instanceof Socket)) return
          const exchange = dispatching
          if (exchange !== undefined) exchange.connecting = begun
          attempts.add(begun)
          const settled = () => attempts.delete(begun)
          begun.once(options.protocol === "https:" ? "secureConnect" : "connect", settled).once("close", settled)
        }
      })
    ),
    (agent) =>
      Effect.promise(() => {
        for (const socket of attempts) socket.destroy(new Error("the transport was closed"))
        return agent.destroy()
      })
  )
  return over(agent, (exchange) => {
    dispatching = exchange
    try {
      exchange.start(agent)
    } finally {
      dispatching = undefined
    }
  })
})

const over = (dispatcher: Dispatcher, start = (exchange: Exchange): void => exchange.start(dispatcher)): Transport["Service"] => ({
  send: (outgoing) =>
    Effect.callback((wake) => {
      let checked
      try {
        checked = check(outgoing)
      } catch (refused) {
        return wake(Effect.fail(refused as LlmError))
      }
      const exchange = new Exchange(outgoing, checked, wake)
      start(exchange)
      return Effect.sync(() => exchange.abort())
    })
})
