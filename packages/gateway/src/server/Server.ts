/**
 * The HTTP server: takes requests in, finds their route and who asks, answers, and goes away in order. Node's own server and one
 * fiber a call: what is hot takes no detour.
 *
 * @module
 */
import { Clock, Effect, Random, type Scope } from "effect"
import { createServer, type Server as HttpServer } from "node:http"
import { createServer as createSecureServer } from "node:https"
import type { AddressInfo } from "node:net"
import { type JsonObject, LlmError } from "plugline"
import { allows, type Principal } from "../auth/Principal.ts"
import type { Dialect } from "../Dialect.ts"
import { openai } from "../dialects/openai/index.ts"
import { answerBroken } from "./broken.ts"
import { allowed, type Cors, foreign, isForeign, isRebound, preflight } from "./cors.ts"
import type { Current } from "./Current.ts"
import { bodyOf, Exchange, type Incoming, type Outgoing } from "./Exchange.ts"
import type { Open, Watch } from "./call.ts"
import { table, type Place } from "./router.ts"
import { speaker } from "./speaker.ts"

/** One route. */
export interface Route extends Place {
  /** What a principal must be allowed; `public` for nothing. */
  readonly permission: string
  /** In which format its errors are written. */
  readonly dialect: Dialect
  /** What the body is to be. Default: none is read. */
  readonly body?: "json" | "bytes"
  /** What it asks a model for, where it does. */
  readonly operation?: "chat" | "completion" | "embeddings" | "moderations"
  readonly handle: (ask: Asked) => void
  /** Is told of whoever is known and may not use it. Default: nobody. */
  readonly refused?: (exchange: Exchange, principal: Principal) => void
}

/** A request that may be answered. */
export interface Asked {
  readonly exchange: Exchange
  readonly current: Current
  readonly principal: Principal
  /** The body as an object, where the route reads JSON; else empty. */
  readonly body: JsonObject
  /** The body as it came, where the route reads bytes; else empty. */
  readonly bytes: Buffer
  readonly watch: Watch
}

/** How a server is set up. */
export interface ServerOptions {
  /** Default: `127.0.0.1`. */
  readonly host?: string
  /** 0 for any that is free. Default: 4141. */
  readonly port?: number
  readonly routes: ReadonlyArray<Route>
  /** What is in force, asked anew for each request. */
  readonly current: () => Current
  /** How long a request's head may take, in ms. Default: 10,000. */
  readonly headersTimeout?: number
  /** How long a whole request may take to arrive, in ms. Default: 60,000. */
  readonly requestTimeout?: number
  /** How long calls that are under way may take once the server is told to stop, in ms. Default: 30,000. */
  readonly grace?: number
  /** Most connections at a time. Default: no limit. */
  readonly maxConnections?: number
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  readonly cors?: Cors
  /** Takes note of calls for the inspector. Default: nobody does. */
  readonly recorder?: Watch["recorder"]
  /** Is told of each request when it is over, how long it took in ms, and how many are under way. Default: nobody. */
  readonly ended?: (exchange: Exchange, took: number, open: number) => void
}

/** A server that runs. */
export interface Server {
  readonly host: string
  readonly port: number
  /** `http://127.0.0.1:4141`. */
  readonly address: string
  /** Requests under way. */
  readonly active: () => number
  /** Whether it takes new requests. */
  readonly isDraining: () => boolean
}

/** Starts a server, which ends with the scope: it takes no new work then, lets open calls finish within the grace time, and closes the rest. */
export const serve = (options: ServerOptions): Effect.Effect<Server, LlmError, Scope.Scope> =>
  Effect.acquireRelease(Effect.flatMap(opened(options), listen), (gate) => gate.close)

/** Takes requests in that come by other ways than a port of its own. */
export interface Intake extends Pick<Server, "active" | "isDraining"> {
  /** Answers a request. */
  readonly take: (request: Incoming, response: Outgoing) => Exchange
}

/** The same as {@link serve} without a port: whoever has requests hands them over. It ends with the scope like a server. */
export const accept = (options: ServerOptions): Effect.Effect<Intake, never, Scope.Scope> =>
  Effect.acquireRelease(opened(options), (gate) => gate.close)

const opened = (options: ServerOptions): Effect.Effect<Gate> =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const first = (yield* Random.nextInt).toString(36).replace("-", "").padStart(8, "0").slice(-8)
    return new Gate(options, () => clock.currentTimeMillisUnsafe(), first)
  })

const listen = (gate: Gate): Effect.Effect<Gate, LlmError> =>
  Effect.callback((resume) => {
    const { host, port } = gate
    const failed = (error: NodeJS.ErrnoException): void =>
      resume(Effect.fail(LlmError.make({
        _tag: "Configuration",
        option: "server.port",
        message: error.code === "EADDRINUSE"
          ? `${host}:${port} is in use: stop what listens there, or take another with --port`
          : `cannot listen on ${host}:${port}: ${error.message}`
      })))
    gate.http.once("error", failed)
    gate.http.listen(port, host, () => {
      gate.http.off("error", failed)
      gate.http.on("error", () => {})
      resume(Effect.succeed(gate))
    })
  })

/** Turned at each request; ids differ between processes by their beginning. */
class Gate implements Server, Intake {
  readonly http: HttpServer
  readonly host: string
  readonly #port: number
  readonly #options: ServerOptions
  readonly #routes
  readonly #now: () => number
  readonly #first: string
  readonly #streams = new Map<Open, Exchange>()
  readonly #open = new Set<Exchange>()
  readonly #watch: Watch
  #count = 0
  #draining = false
  /** Called when no request is under way any more. */
  #idle: (() => void) | undefined
  #pulse: NodeJS.Timeout | undefined

  constructor(options: ServerOptions, now: () => number, first: string) {
    this.#options = options
    this.#now = now
    this.#first = first
    this.host = options.host ?? "127.0.0.1"
    this.#port = options.port ?? 4141
    this.#routes = table(options.routes)
    this.#watch = {
      now,
      opened: (stream, exchange) => void this.#streams.set(stream, exchange),
      closed: (stream) => void this.#streams.delete(stream),
      recorder: options.recorder
    }
    const { requestTimeout = 60_000 } = options
    const settings = {
      // A head cannot take longer than the whole.
      headersTimeout: Math.min(options.headersTimeout ?? 10_000, requestTimeout),
      requestTimeout,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 65_000,
      noDelay: true
    }
    const handle = (request: Incoming, response: Outgoing): void => void this.take(request, response)
    this.http = options.tls === undefined ? createServer(settings, handle) : createSecureServer({ ...settings, ...options.tls }, handle)
    this.http.on("clientError", (error, socket) => answerBroken(this.#open, error, socket))
    if (options.maxConnections !== undefined) this.http.maxConnections = options.maxConnections
    // A look at each open stream once a second: whether it must be told that it lives, and whether its key still holds.
    this.#pulse = setInterval(() => this.#look(), 1_000)
    this.#pulse.unref()
  }

  get port(): number {
    const address = this.http.address() as AddressInfo | null
    return address?.port ?? this.#port
  }

  get address(): string {
    const host = this.host.includes(":") ? `[${this.host}]` : this.host
    return `${this.#options.tls === undefined ? "http" : "https"}://${host}:${this.port}`
  }

  active = (): number => this.#open.size
  isDraining = (): boolean => this.#draining

  readonly close: Effect.Effect<void> = Effect.callback((resume) => {
    this.#draining = true
    const grace = this.#options.grace ?? 30_000
    const end = (): void => {
      this.#idle = undefined
      clearTimeout(timer)
      this.http.close(() => {
        clearInterval(this.#pulse)
        resume(Effect.void)
      })
      this.http.closeIdleConnections()
      // What is open still has sent no request, or only a part of one: nobody waits for an answer there.
      setTimeout(() => this.http.closeAllConnections(), 250).unref()
    }
    const timer = setTimeout(() => {
      for (const [stream, exchange] of this.#streams) {
        stream.fail(stopping())
        const leave = exchange.onLeave
        exchange.onLeave = undefined
        leave?.()
      }
      for (const exchange of this.#open) {
        exchange.fail(stopping())
        const leave = exchange.onLeave
        exchange.onLeave = undefined
        leave?.()
      }
      end()
      // What was said last is on its way: then the connections go.
      setTimeout(() => this.http.closeAllConnections(), 100).unref()
    }, grace)
    // Until then whoever asks is told to ask elsewhere, and not left with a connection that nobody takes.
    if (this.#open.size === 0) end()
    else this.#idle = end
  })

  take(request: Incoming, response: Outgoing): Exchange {
    const id = `req_${this.#first}${(++this.#count).toString(36).padStart(6, "0")}`
    const exchange = new Exchange(request, response, id, this.#now(), openai)
    this.#open.add(exchange)
    response.on("close", () => {
      this.#open.delete(exchange)
      if (this.#open.size === 0) this.#idle?.()
      this.#options.ended?.(exchange, this.#now() - exchange.came, this.#open.size)
    })
    response.on("error", () => {})
    request.on("error", () => {})
    try {
      this.#route(exchange)
    } catch (thrown) {
      exchange.fail(LlmError.fromUnknown(thrown))
    }
    return exchange
  }

  #route(exchange: Exchange): void {
    const { request } = exchange
    const { cors } = this.#options
    if (cors !== undefined) Object.assign(exchange.headers, allowed(cors, request.headers.origin))
    const method = request.method === "HEAD" ? "GET" : request.method ?? "GET"
    const found = this.#routes.find(method, exchange.path)
    if (this.#draining) {
      if (found !== undefined && "route" in found) exchange.dialect = found.route.dialect
      exchange.headers.connection = "close"
      return exchange.fail(stopping())
    }
    if (method === "OPTIONS" && cors !== undefined && request.headers["access-control-request-method"] !== undefined) {
      Object.assign(exchange.headers, preflight(cors, request.headers.origin))
      return exchange.send(204, "", "text/plain")
    }
    const current = this.#options.current()
    if (found === undefined || "allowed" in found) {
      exchange.dialect = speaker(exchange)
      // Who may not ask is not told what there is.
      return this.#known(exchange, current, () => {
        if (found === undefined) return exchange.fail(unknown(exchange))
        exchange.headers.allow = found.allowed.join(", ")
        exchange.fail(LlmError.make({
          _tag: "InvalidRequest", status: 405, message: `${exchange.path} takes ${found.allowed.join(", ")}, not ${method}`
        }))
      })
    }
    const { parameter, route } = found
    exchange.route = route.path
    exchange.dialect = route.dialect
    exchange.parameter = parameter
    if (route.permission === "public") return this.#handle(exchange, current, route, nobody)
    this.#known(exchange, current, (principal) => {
      const forbidden = allows(principal, { permission: route.permission, route: route.path })
      if (forbidden !== undefined) {
        route.refused?.(exchange, principal)
        return exchange.fail(forbidden)
      }
      this.#handle(exchange, current, route, principal)
    })
  }

  /** Goes on with who asks, or answers that nobody knows him. */
  #known(exchange: Exchange, current: Current, go: (principal: Principal) => void): void {
    const decided = (who: Principal | LlmError): void => {
      if (LlmError.isLlmError(who)) return exchange.fail(who)
      exchange.principal = who
      const { host, origin } = exchange.request.headers
      if (who.kind === "open" && (isForeign(this.#options.cors, origin) || isRebound(this.#options.cors, host))) {
        return exchange.fail(foreign())
      }
      try {
        go(who)
      } catch (thrown) {
        exchange.fail(LlmError.fromUnknown(thrown))
      }
    }
    const who = current.auth.authenticate(exchange.request.headers, exchange.request.rawHeaders, exchange.query)
    if (!Effect.isEffect(who)) return decided(who)
    current.run(Effect.match(who, { onSuccess: (who) => who, onFailure: (error) => error }), {
      onExit: (exit) => {
        if (exit._tag === "Success") return decided(exit.value)
        exchange.fail(LlmError.make({ _tag: "Server", status: 500, message: "who asks could not be found out" }))
      }
    })
  }

  #handle(exchange: Exchange, current: Current, route: Route, principal: Principal): void {
    const ask = (body: JsonObject, bytes: Buffer): void => {
      try {
        route.handle({ exchange, current, principal, body, bytes, watch: this.#watch })
      } catch (thrown) {
        exchange.fail(LlmError.fromUnknown(thrown))
      }
    }
    if (route.body === undefined) return ask({}, empty)
    exchange.read(current.limits.body, (read) => {
      if (LlmError.isLlmError(read)) return exchange.fail(read)
      if (route.body === "bytes") return ask({}, read)
      const body = bodyOf(read)
      if (LlmError.isLlmError(body)) return exchange.fail(body)
      ask(body as JsonObject, empty)
    })
  }

  #look(): void {
    const now = this.#now()
    const { auth, limits } = this.#options.current()
    for (const [stream, exchange] of this.#streams) {
      const { principal } = exchange
      const gone = principal === undefined ? undefined : auth.valid(principal, now)
      if (gone === undefined) stream.keepAlive(now, limits.keepAlive)
      else {
        stream.fail(gone)
        const leave = exchange.onLeave
        exchange.onLeave = undefined
        leave?.()
      }
    }
  }
}

const empty = Buffer.alloc(0)

/** Who asks where nobody need be known. */
const nobody: Principal = {
  id: "public",
  name: "public",
  kind: "open",
  identity: {},
  role: { name: "public", permissions: [] },
  permissions: [],
  models: [],
  providers: []
}

const stopping = (): LlmError =>
  LlmError.make({ _tag: "Overloaded", status: 503, message: "the gateway is stopping: ask again in a moment", retryAfter: 1_000 })

const unknown = ({ path, request }: Exchange): LlmError =>
  LlmError.make({ _tag: "NotFound", status: 404, code: "unknown_url", message: `there is no ${request.method} ${path.slice(0, 200)} here` })
