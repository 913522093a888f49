/**
 * The gateway as one function from `Request` to `Response`, for platforms that have a port of their own: the same routes,
 * pipelines, keys and limits as behind `plugline serve`.
 *
 * A platform that ends between two requests forgets what is kept in memory: give limits, budgets and caches a store
 * (`stores`) that several processes share.
 *
 * @example
 * ```ts
 * import { fetchHandler } from "@plugline/gateway/fetch"
 *
 * const handler = fetchHandler({ env: {}, host: "127.0.0.1" })
 * const asked = new Request("https://gateway.example/v1/chat/completions", {
 *   method: "POST",
 *   body: JSON.stringify({ model: "local/rules-1", messages: [{ role: "user", content: "What is 6 times 7?" }] })
 * })
 * const answer = await handler(asked)
 * answer.status // => 200
 * JSON.parse(await answer.text()).choices[0].message.content // => "6 * 7 = 42"
 * await handler.close()
 * ```
 *
 * @module
 */
import { Cause, Effect, Exit, Scope } from "effect"
import { LlmError } from "plugline"
import { type GatewayOptions, startWith } from "./Gateway.ts"
import { accept, type Intake } from "./server/Server.ts"
import { speaker } from "./server/speaker.ts"
import { answered } from "./server/web.ts"

/** How the gateway is made. */
export interface FetchOptions extends Omit<GatewayOptions, "env" | "host" | "port" | "terminal"> {
  /** The variables that keys and references come from. Default: those of the process. */
  readonly env?: GatewayOptions["env"]
  /**
   * From where it is reached. Default: `0.0.0.0`, from anywhere, which takes keys or tokens; `127.0.0.1` where the platform lets
   * nobody in but this machine.
   */
  readonly host?: string
  /** Whether the file is watched and SIGHUP heard. Default: no. */
  readonly reload?: boolean
}

/** Answers requests. The first one starts the gateway. */
export interface FetchHandler {
  /** Answers; never rejects. Whoever aborts the request, or cancels the answer's body, has left. */
  (request: Request): Promise<Response>
  /** Starts the gateway before the first request; rejects with what is wrong with the configuration. */
  readonly start: () => Promise<void>
  /** Requests under way. */
  readonly active: () => number
  /** Ends in order: takes no new requests, lets those under way finish within the grace time. */
  readonly close: () => Promise<void>
}

interface Running {
  readonly intake: Intake
  readonly scope: Scope.Closeable
  /** How long a body may take to arrive, in ms. */
  readonly timeout: number
}

/** A handler. A start that failed is tried anew by the next request, and why it failed is written to standard error. */
export const fetchHandler = (options: FetchOptions = {}): FetchHandler => {
  let running: Promise<Running> | undefined
  let intake: Intake | undefined
  const started = (): Promise<Running> => {
    if (running !== undefined) return running
    const starting = begin(options)
    running = starting
    starting.then((made) => intake = made.intake, () => {
      running = undefined
    })
    return starting
  }
  const handler = async (request: Request): Promise<Response> => {
    let made: Running
    try {
      made = await started()
    } catch (thrown) {
      process.stderr.write(`the gateway could not be started: ${LlmError.fromUnknown(thrown).message}\n`)
      return unavailable(request)
    }
    return answered(made.intake, request, made.timeout)
  }
  return Object.assign(handler, {
    start: () => started().then(() => {}),
    active: () => intake?.active() ?? 0,
    close: async () => {
      const made = await running?.catch(() => undefined)
      if (made !== undefined) await Effect.runPromise(Scope.close(made.scope, Exit.void))
    }
  })
}

const begin = async ({ env = process.env, host = "0.0.0.0", reload = false, ...rest }: FetchOptions): Promise<Running> => {
  const scope = Scope.makeUnsafe()
  const starting = Scope.provide(startWith({ ...rest, env, host, reload }, accept), scope)
  const exit = await Effect.runPromiseExit(starting)
  if (Exit.isSuccess(exit)) {
    const { configuration, server } = exit.value
    return { intake: server, scope, timeout: configuration.current().loaded.config.server.requestTimeout }
  }
  await Effect.runPromise(Scope.close(scope, Exit.void))
  throw Cause.squash(exit.cause)
}

/** What is wrong is for whoever runs the gateway, not for whoever asks. */
const unavailable = ({ headers, url }: Request): Response => {
  const dialect = speaker({ path: new URL(url).pathname, request: { headers: Object.fromEntries(headers) } })
  const message = "the gateway could not be started: its log says why"
  const error = LlmError.make({ _tag: "Configuration", option: "config", message })
  return Response.json(dialect.encodeError(error, 503, { id: "" }), { status: 503, headers: { "retry-after": "5" } })
}
