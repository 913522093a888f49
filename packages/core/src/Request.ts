/**
 * The one immutable value that travels: what is asked, how far it has come, what was answered, and everything plugs told
 * each other on the way. Every change is a function from request to request, usable as `f(request, …)` and in `pipe`.
 *
 * A request moves along these edges and no others:
 *
 * ```text
 * pending ─► executing ─► streaming ─► completed ─► error
 *    └──────────┴────────────┴───────────────────────┘
 * ```
 *
 * `completed ─► error` is taken when a plug on the way back refuses the answer. `error` is final, and always halted.
 *
 * @module
 */
import { type Effect, type Redacted } from "effect"
import { dual } from "effect/Function"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import { isRecord, type Json, type JsonObject } from "./Json.ts"
import type { Key } from "./Key.ts"
import * as LlmError from "./LlmError.ts"
import * as Mask from "./Mask.ts"
import * as Message from "./Message.ts"
import * as Options from "./Options.ts"
import * as Part from "./Part.ts"
import * as Result from "./Result.ts"
import * as Suggest from "./Suggest.ts"

/** What can be asked of a provider. */
export type Operation = "chat" | "stream" | "embeddings" | "completion" | "moderations" | "list_models" | "validate"

/** Every operation. */
export const operations: ReadonlyArray<Operation> = [
  "chat", "stream", "embeddings", "completion", "moderations", "list_models", "validate"
]

/** How far a request has come. */
export type State = "pending" | "executing" | "streaming" | "completed" | "error"

/** How the provider is reached. Whatever a provider knows beyond these fields may stand here too. */
export interface Config {
  /** Where the provider is, without a trailing slash. */
  readonly baseUrl?: string
  /** Wrapped with `Redacted.make`; cannot be printed. Default: the provider's customary environment variable. */
  readonly apiKey?: Redacted.Redacted<string>
  /** Sent with every request to the provider. */
  readonly headers?: { readonly [name: string]: string }
  readonly timeouts?: Timeouts
  readonly [name: string]: unknown
}

/** Time limits in ms. */
export interface Timeouts {
  /** Until the connection stands. */
  readonly connect?: number
  /** From sending the request until the first byte of the answer's body. */
  readonly firstToken?: number
  /** Between two pieces of the answer. */
  readonly idle?: number
  /** For the whole exchange, the body included. */
  readonly total?: number
}

/** What will be sent to the provider, without the credential, which is added when it is sent. */
export interface ProviderRequest {
  readonly method: "GET" | "POST"
  readonly url: string
  readonly headers: { readonly [name: string]: string }
  readonly body?: JsonObject
}

/** What came back from the provider. */
export interface ProviderResponse {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  /** The whole body, or its bytes while they arrive. */
  readonly body: string | Bytes
}

/** Bytes while they arrive. `pull` answers `undefined` at the end; `close` may be called at any time, more than once. */
export interface Bytes {
  readonly pull: Effect.Effect<ReadonlyArray<Uint8Array> | undefined, LlmError.LlmError>
  readonly close: Effect.Effect<void>
}

/** Parts while they arrive. `pull` never fails: a failure is an error part. `close` may be called at any time, more than once. */
export interface Source {
  readonly pull: Effect.Effect<ReadonlyArray<Part.Part> | undefined>
  readonly close: Effect.Effect<void>
}

/** A reply that is still arriving: where its parts come from, and what plugs do to them on their way out, innermost first. */
export interface Reply {
  /** The plug that opened it. */
  readonly plug: string | undefined
  readonly source: Source
  readonly stages: ReadonlyArray<Stage>
}

/** What one plug does to a reply on its way out. */
export type Stage = Transform | Finisher | Pull

/**
 * What a plug puts around the waiting for further parts: a time limit, a pace. It gives an error part where the reply must end;
 * the provider's stream is closed then.
 */
export interface Pull {
  readonly _tag: "Pull"
  readonly plug: string
  /** Called once per reply; what it answers takes the place of the pull it was given. */
  readonly wrap: (pull: Source["pull"]) => Source["pull"]
}

/** Parts in, parts out. */
export interface Transform {
  readonly _tag: "Transform"
  readonly plug: string
  /** Called once per reply; what it returns is called with each part. */
  readonly open: (request: Request) => PartHandler
}

/** 0 to n parts for a part, at once or later. An error part ends the reply and closes the provider's stream. */
export type PartHandler = (part: Part.Part) => Part.Part | Parts | Effect.Effect<Part.Part | Parts, unknown>

/** Some parts. */
export type Parts = ReadonlyArray<Part.Part>

/** What is done once the reply has ended. */
export interface Finisher {
  readonly _tag: "Finisher"
  readonly plug: string
  /** Whether it reads the answer's content; if no plug does, the content of a stream is not kept. */
  readonly content: boolean
  /** Whether it runs also when the request was halted or the reader left. */
  readonly always: boolean
  readonly done: (request: Request) => Request | Effect.Effect<Request, unknown>
}

/** What accompanies a request through one run and is no part of its value: the recorder, and what must be closed at the end. */
export interface Run {
  readonly observer: Observer | undefined
  /** Whether each plug gets a span. */
  readonly spans: boolean
  /** Whether anyone looks on: an observer or spans. */
  readonly watched: boolean
  readonly closers: Array<Effect.Effect<void>>
  /** Replies that have begun and not ended, each as the request that holds it with all that has been put around it so far. */
  open: Map<Source, Request> | undefined
}

/** Is told what happens in a run. The recorder of a trace is one. */
export interface Observer {
  /** A plug is handed a request. What is answered identifies the visit in the calls that follow. */
  readonly enter: (step: StepInfo, request: Request) => object
  /** The plug hands on a request to the rest of the line: once, or per attempt. */
  readonly pass: (visit: object, request: Request) => void
  /** The rest of the line has answered. */
  readonly receive: (visit: object, request: Request) => void
  /** The plug has answered. */
  readonly leave: (visit: object, request: Request) => void
  /** A plug has seen the end of a streamed reply. */
  readonly finish: (plug: string, before: Request, after: Request) => void
  /** Parts have arrived, or left the plug of this name changed. */
  readonly parts: (plug: string | undefined, parts: Parts) => void
}

/** A plug's place in a pipeline. */
export interface StepInfo {
  readonly name: string
  /** Where it stands: its index in each list from the outermost inwards, children by name. */
  readonly path: string
  readonly level: number
}

/** A request to a language model, on its way. */
export class Request implements Pipeable {
  /** Given by whoever starts the run. */
  readonly id: string
  readonly operation: Operation
  /** The name of the provider that is asked. */
  readonly provider: string
  readonly messages: ReadonlyArray<Message.Message>
  readonly options: Options.Options
  readonly config: Config
  readonly state: State
  /** Whether the rest of the line is skipped. A halted request has an answer or an error. */
  readonly halted: boolean
  readonly providerRequest: ProviderRequest | undefined
  readonly response: ProviderResponse | undefined
  /** The answer while it arrives. */
  readonly reply: Reply | undefined
  /** The answer, whole. Beside an error it holds what had arrived. */
  readonly result: Result.Result | undefined
  /** What plugs tell each other, under typed keys. */
  readonly assigns: Readonly<Record<string, unknown>>
  /** The library's own. */
  readonly private: Readonly<Record<string, unknown>>
  /** For people and logs: timing, cost, labels. Plain JSON. */
  readonly metadata: JsonObject
  /** What went wrong so far, in order. Only grows. */
  readonly errors: ReadonlyArray<LlmError.LlmError>
  readonly #run: Run | undefined
  declare readonly pipe: Pipeable["pipe"]

  // Positional, because it is called for every change of every request.
  constructor(
    id: string,
    operation: Operation,
    provider: string,
    messages: ReadonlyArray<Message.Message>,
    options: Options.Options,
    config: Config,
    state: State,
    halted: boolean,
    providerRequest: ProviderRequest | undefined,
    response: ProviderResponse | undefined,
    reply: Reply | undefined,
    result: Result.Result | undefined,
    assigns: Readonly<Record<string, unknown>>,
    private_: Readonly<Record<string, unknown>>,
    metadata: JsonObject,
    errors: ReadonlyArray<LlmError.LlmError>,
    run: Run | undefined
  ) {
    this.id = id
    this.operation = operation
    this.provider = provider
    this.messages = messages
    this.options = options
    this.config = config
    this.state = state
    this.halted = halted
    this.providerRequest = providerRequest
    this.response = response
    this.reply = reply
    this.result = result
    this.assigns = assigns
    this.private = private_
    this.metadata = metadata
    this.errors = errors
    this.#run = run
  }

  /** @internal */
  static runOf(request: Request): Run | undefined {
    return request.#run
  }

  toJSON(): RequestJson {
    return toJson(this)
  }

  [Symbol.for("nodejs.util.inspect.custom")](_depth: number, options: object, inspect: (value: unknown, options: object) => string) {
    return `Request ${inspect(summary(this), options)}`
  }
}

Object.defineProperty(Request.prototype, "pipe", {
  value: function(this: Request) {
    return pipeArguments(this, arguments)
  }
})

/** A request as plain JSON: secrets masked, a reply that is still arriving left out. */
export interface RequestJson {
  readonly id: string
  readonly operation: Operation
  readonly provider: string
  readonly messages: ReadonlyArray<Message.Message>
  readonly options: Options.Options
  readonly config: JsonObject
  readonly state: State
  readonly halted: boolean
  readonly providerRequest?: ProviderRequest
  readonly response?: { readonly status: number; readonly headers: { readonly [name: string]: string }; readonly body: string }
  readonly result?: Result.Result
  readonly assigns: JsonObject
  readonly private: JsonObject
  readonly metadata: JsonObject
  readonly errors: ReadonlyArray<LlmError.LlmErrorJson>
}

/** What a request is made from. */
export interface Init {
  /** Default: the empty text. Core draws no random numbers; the builder and the gateway give an id. */
  readonly id?: string
  /** Default: `chat`. */
  readonly operation?: Operation
  readonly provider: string
  /** Default: none. */
  readonly messages?: Message.MessagesInput
  readonly options?: Options.Options
  readonly config?: Config
  readonly metadata?: JsonObject
}

const empty: Readonly<Record<string, never>> = Object.freeze({})
const noErrors: ReadonlyArray<LlmError.LlmError> = Object.freeze([])

/**
 * A request, ready to run.
 *
 * @throws LlmError `InvalidRequest` when messages, options or operation do not fit, naming what would.
 * @example
 * ```ts
 * import { Request } from "@plugline/core"
 *
 * const request = Request.make({ provider: "openai", messages: "Hello", options: { model: "gpt-5-mini" } })
 * request.state // => "pending"
 * request.messages // => [{ role: "user", content: [{ type: "text", text: "Hello" }] }]
 * ```
 */
export const make = (init: Init): Request => {
  const operation = init.operation ?? "chat"
  if (!operations.includes(operation)) {
    throw LlmError.make({
      _tag: "InvalidRequest",
      parameter: "operation",
      message: Suggest.refusal("operation", String(operation), operations)
    })
  }
  if (typeof init.provider !== "string" || init.provider === "") {
    throw LlmError.make({ _tag: "InvalidRequest", parameter: "provider", message: "provider must be the name of a provider" })
  }
  if (init.metadata !== undefined) look(init.metadata)
  return new Request(
    init.id ?? "",
    operation,
    init.provider,
    Message.from(init.messages ?? []),
    Options.check(init.options),
    init.config ?? empty,
    "pending",
    false,
    undefined,
    undefined,
    undefined,
    undefined,
    empty,
    empty,
    init.metadata ?? empty,
    noErrors,
    undefined
  )
}

/** Whether a value is a request. */
export const isRequest = (value: unknown): value is Request => value instanceof Request

// --- what plugs tell each other ---------------------------------------------------------------------------------------

/** Writes a value for other plugs to read. */
export const assign: {
  <A>(key: Key<A>, value: A): (request: Request) => Request
  <A>(request: Request, key: Key<A>, value: A): Request
} = dual(3, <A>(r: Request, key: Key<A>, value: A): Request =>
  new Request(r.id, r.operation, r.provider, r.messages, r.options, r.config, r.state, r.halted, r.providerRequest, r.response,
    r.reply, r.result, withField(r.assigns, key.name, value), r.private, r.metadata, r.errors, Request.runOf(r)))

/** Reads what a plug wrote, or `undefined` if none did. */
export const get: {
  <A>(key: Key<A>): (request: Request) => A | undefined
  <A>(request: Request, key: Key<A>): A | undefined
} = dual(2, <A>(r: Request, key: Key<A>): A | undefined =>
  Object.hasOwn(r.assigns, key.name) ? r.assigns[key.name] as A : undefined)

/** Writes a value of the library's own. */
export const putPrivate: {
  <A>(key: Key<A>, value: A): (request: Request) => Request
  <A>(request: Request, key: Key<A>, value: A): Request
} = dual(3, <A>(r: Request, key: Key<A>, value: A): Request =>
  new Request(r.id, r.operation, r.provider, r.messages, r.options, r.config, r.state, r.halted, r.providerRequest, r.response,
    r.reply, r.result, r.assigns, withField(r.private, key.name, value), r.metadata, r.errors, Request.runOf(r)))

/** Reads a value of the library's own. */
export const getPrivate: {
  <A>(key: Key<A>): (request: Request) => A | undefined
  <A>(request: Request, key: Key<A>): A | undefined
} = dual(2, <A>(r: Request, key: Key<A>): A | undefined =>
  Object.hasOwn(r.private, key.name) ? r.private[key.name] as A : undefined)

/** Writes a field of the metadata. */
export const putMetadata: {
  (name: string, value: Json): (request: Request) => Request
  (request: Request, name: string, value: Json): Request
} = dual(3, (r: Request, name: string, value: Json): Request =>
  new Request(r.id, r.operation, r.provider, r.messages, r.options, r.config, r.state, r.halted, r.providerRequest, r.response,
    r.reply, r.result, r.assigns, r.private, withField(r.metadata, name, value), r.errors, Request.runOf(r)))

// --- what is asked ----------------------------------------------------------------------------------------------------

/**
 * Changes options; a field that is `undefined` is taken away.
 *
 * @throws LlmError `InvalidRequest` for an unknown option or a value that does not fit.
 */
export const mergeOptions: {
  (options: Partial<{ [Name in keyof Options.Options]: Options.Options[Name] | undefined }>): (request: Request) => Request
  (request: Request, options: Partial<{ [Name in keyof Options.Options]: Options.Options[Name] | undefined }>): Request
} = dual(2, (r: Request, options: object): Request => patch(r, { options: Options.check({ ...r.options, ...options }) }))

/** Changes the conversation. */
export const mapMessages: {
  (f: (messages: ReadonlyArray<Message.Message>) => Message.MessagesInput): (request: Request) => Request
  (request: Request, f: (messages: ReadonlyArray<Message.Message>) => Message.MessagesInput): Request
} = dual(2, (r: Request, f: (messages: ReadonlyArray<Message.Message>) => Message.MessagesInput): Request =>
  patch(r, { messages: Message.from(f(r.messages)) }))

/** Changes how the provider is reached; what is there already and not named stays. */
export const mergeConfig: {
  (config: Config): (request: Request) => Request
  (request: Request, config: Config): Request
} = dual(2, (r: Request, config: Config): Request =>
  new Request(r.id, r.operation, r.provider, r.messages, r.options, { ...r.config, ...config }, r.state, r.halted, r.providerRequest, r.response,
    r.reply, r.result, r.assigns, r.private, r.metadata, r.errors, Request.runOf(r)))

/** Sends the request to another provider. The credential of the one before is dropped, so it cannot reach the new one. */
export const withProvider: {
  (provider: string, config?: Config): (request: Request) => Request
  (request: Request, provider: string, config?: Config): Request
} = dual((args) => isRequest(args[0]), (r: Request, provider: string, config?: Config): Request =>
  provider === r.provider && config === undefined ? r : patch(r, { provider, config: config ?? empty }))

/** Gives the request an id. */
export const withId: {
  (id: string): (request: Request) => Request
  (request: Request, id: string): Request
} = dual(2, (r: Request, id: string): Request => patch(r, { id }))

/** Asks for another operation. Only before the provider has been asked. */
export const withOperation: {
  (operation: Operation): (request: Request) => Request
  (request: Request, operation: Operation): Request
} = dual(2, (r: Request, operation: Operation): Request => r.operation === operation ? r : patch(r, { operation }))

// --- how far it has come ----------------------------------------------------------------------------------------------

const edges: { readonly [From in State]: ReadonlyArray<State> } = {
  pending: ["executing", "streaming", "completed", "error"],
  executing: ["streaming", "completed", "error"],
  streaming: ["completed", "error"],
  completed: ["error"],
  error: []
}

/** Whether a request may go from one state to another, be it over several edges. */
export const isLegal = (from: State, to: State): boolean => edges[from].includes(to)

const move = (r: Request, to: State): void => {
  if (isLegal(r.state, to)) return
  const legal = edges[r.state]
  throw LlmError.make({
    _tag: "Transition",
    from: r.state,
    to,
    message: `a request that is ${r.state} cannot become ${to}; ${
      legal.length === 0 ? "this state is final" : `from here it can become ${legal.join(", ")}`
    }`
  })
}

/** What will be sent to the provider is ready. */
export const putProviderRequest: {
  (providerRequest: ProviderRequest): (request: Request) => Request
  (request: Request, providerRequest: ProviderRequest): Request
} = dual(2, (r: Request, providerRequest: ProviderRequest): Request =>
  new Request(r.id, r.operation, r.provider, r.messages, r.options, r.config, r.state, r.halted, providerRequest, r.response,
    r.reply, r.result, r.assigns, r.private, r.metadata, r.errors, Request.runOf(r)))

/** The provider is being asked. */
export const execute = (r: Request): Request => {
  move(r, "executing")
  return new Request(r.id, r.operation, r.provider, r.messages, r.options, r.config, "executing", r.halted, r.providerRequest, r.response,
    r.reply, r.result, r.assigns, r.private, r.metadata, r.errors, Request.runOf(r))
}

/** The provider has answered. */
export const putResponse: {
  (response: ProviderResponse): (request: Request) => Request
  (request: Request, response: ProviderResponse): Request
} = dual(2, (r: Request, response: ProviderResponse): Request => {
  if (typeof response.body !== "string") own(r, response.body.close)
  return new Request(r.id, r.operation, r.provider, r.messages, r.options, r.config, r.state, r.halted, r.providerRequest, response,
    r.reply, r.result, r.assigns, r.private, r.metadata, r.errors, Request.runOf(r))
})

/** The answer has begun to arrive. */
export const stream: {
  (source: Source): (request: Request) => Request
  (request: Request, source: Source): Request
} = dual(2, (r: Request, source: Source): Request => {
  move(r, "streaming")
  return opened(patch(r, { state: "streaming", reply: { plug: undefined, source, stages: [] } }))
})

/** The answer is there, whole. */
export const complete: {
  (result: Result.Result): (request: Request) => Request
  (request: Request, result: Result.Result): Request
} = dual(2, (r: Request, result: Result.Result): Request => {
  move(r, "completed")
  return new Request(r.id, r.operation, r.provider, r.messages, r.options, r.config, "completed", r.halted, r.providerRequest, r.response,
    undefined, result, r.assigns, r.private, r.metadata, r.errors, Request.runOf(r))
})

/** Skips the rest of the line. With a result: that is the answer. Without one, and with no answer yet: a refusal. */
export const halt: {
  (result?: Result.Result): (request: Request) => Request
  (request: Request, result?: Result.Result): Request
} = dual((args) => isRequest(args[0]), (r: Request, result?: Result.Result): Request => {
  if (result !== undefined) return patch(complete(r, result), { halted: true })
  if (r.state === "completed" || r.state === "streaming" || r.state === "error") return patch(r, { halted: true })
  return fail(r, LlmError.make({ _tag: "Halted", message: "halted without an answer" }))
})

/** Notes that something went wrong; the request goes on. */
export const addError: {
  (error: LlmError.LlmError): (request: Request) => Request
  (request: Request, error: LlmError.LlmError): Request
} = dual(2, (r: Request, error: LlmError.LlmError): Request => patch(r, { errors: [...r.errors, error] }))

/** Ends the request with an error: the rest of the line is skipped. What had been answered so far stays to be seen. */
export const fail: {
  (error: LlmError.LlmError): (request: Request) => Request
  (request: Request, error: LlmError.LlmError): Request
} = dual(2, (r: Request, error: LlmError.LlmError): Request => {
  // A second error of a request that has failed is one more entry.
  if (r.state !== "error") move(r, "error")
  return patch(r, { state: "error", halted: true, reply: undefined, errors: [...r.errors, error] })
})

/** Refuses the request: an error with the reason `Halted`. */
export const refuse: {
  (message: string): (request: Request) => Request
  (request: Request, message: string): Request
} = dual(2, (r: Request, message: string): Request => fail(r, LlmError.make({ _tag: "Halted", message })))

// --- what was answered ------------------------------------------------------------------------------------------------

/** Changes the answer of a completed request; any other is handed back as it came. */
export const mapResult: {
  (f: (result: Result.Result) => Result.Result): (request: Request) => Request
  (request: Request, f: (result: Result.Result) => Result.Result): Request
} = dual(2, (r: Request, f: (result: Result.Result) => Result.Result): Request =>
  r.state === "completed" && r.result !== undefined ? patch(r, { result: f(r.result) }) : r)

/** Changes the reply part by part, whether it is still arriving or whole. To be used on the way back, after `next`. */
export const mapReply: {
  (f: (part: Part.Part) => Part.Part | Parts): (request: Request) => Request
  (request: Request, f: (part: Part.Part) => Part.Part | Parts): Request
} = dual(2, (r: Request, f: (part: Part.Part) => Part.Part | Parts): Request => {
  if (r.state === "streaming") {
    return addStage(r, { _tag: "Transform", plug: "mapReply", open: () => f })
  }
  if (r.state !== "completed" || !Result.isChat(r.result)) return r
  const fold = new Result.Fold()
  for (const part of Result.parts(r.result)) {
    for (const out of list(f(part))) {
      if (out.type === "error") return fail(r, Part.errorOf(out))
      fold.add(out)
    }
  }
  return patch(r, { result: fold.result(r.result.type) })
})

const list = (parts: Part.Part | Parts): Parts => Array.isArray(parts) ? parts : [parts as Part.Part]

/** The last error, if the request has ended in one. */
export const failure = (r: Request): LlmError.LlmError | undefined => r.state === "error" ? r.errors.at(-1) : undefined

// --- for the runner ---------------------------------------------------------------------------------------------------

/** @internal */
export interface Patch {
  readonly id?: string
  readonly operation?: Operation
  readonly provider?: string
  readonly messages?: ReadonlyArray<Message.Message>
  readonly options?: Options.Options
  readonly config?: Config
  readonly state?: State
  readonly halted?: boolean
  readonly providerRequest?: ProviderRequest | undefined
  readonly response?: ProviderResponse | undefined
  readonly reply?: Reply | undefined
  readonly result?: Result.Result | undefined
  readonly assigns?: Readonly<Record<string, unknown>>
  readonly metadata?: JsonObject
  readonly errors?: ReadonlyArray<LlmError.LlmError>
}

/** @internal Several fields at once. What every call goes through is written out instead, which is much faster. */
export const patch = (r: Request, changes: Patch): Request =>
  new Request(
    changes.id ?? r.id,
    changes.operation ?? r.operation,
    changes.provider ?? r.provider,
    changes.messages ?? r.messages,
    changes.options ?? r.options,
    changes.config ?? r.config,
    changes.state ?? r.state,
    changes.halted ?? r.halted,
    "providerRequest" in changes ? changes.providerRequest : r.providerRequest,
    "response" in changes ? changes.response : r.response,
    "reply" in changes ? changes.reply : r.reply,
    "result" in changes ? changes.result : r.result,
    changes.assigns ?? r.assigns,
    r.private,
    changes.metadata ?? r.metadata,
    changes.errors ?? r.errors,
    Request.runOf(r)
  )

/** @internal Puts one more stage around a reply that is still arriving. */
export const addStage = (r: Request, stage: Stage): Request =>
  r.reply === undefined ? r : opened(patch(r, { reply: { ...r.reply, stages: [...r.reply.stages, stage] } }))

/** The run knows each reply as it stands now, so that it can be left properly wherever it is dropped. */
const opened = (r: Request): Request => {
  const run = Request.runOf(r)
  if (run !== undefined) (run.open ??= new Map()).set(r.reply!.source, r)
  return r
}

/** @internal The run this request belongs to. */
export const runOf = (r: Request): Run | undefined => Request.runOf(r)

/** @internal The request as a member of a run. */
export const join = (r: Request, run: Run | undefined): Request =>
  new Request(r.id, r.operation, r.provider, r.messages, r.options, r.config, r.state, r.halted, r.providerRequest, r.response,
    r.reply, r.result, r.assigns, r.private, r.metadata, r.errors, run)

/** What must be closed when the run ends, however it ends. */
export const own = (r: Request, close: Effect.Effect<void>): void => {
  Request.runOf(r)?.closers.push(close)
}

/** Whether any request has ever had a field named `__proto__`. Hardly any program meets one, and looking costs time. */
let careful = false

const look = (...records: ReadonlyArray<object>): void => {
  if (!careful && records.some((fields) => Object.hasOwn(fields, "__proto__"))) careful = true
}

/** A copy with one more field. `Object.assign` is the fastest copy there is, but for a field named `__proto__` it is no copy. */
const withField = <Fields extends object>(fields: Fields, name: string, value: unknown): Fields => {
  if (name === "__proto__" || (careful && Object.hasOwn(fields, "__proto__"))) {
    careful = true
    return Object.defineProperty({ ...fields }, name, { value, enumerable: true, configurable: true, writable: true })
  }
  const copy = Object.assign({}, fields) as Record<string, unknown>
  copy[name] = value
  return copy as Fields
}

// --- printing and storing ---------------------------------------------------------------------------------------------

/** The request as plain JSON, secrets masked. */
export const toJson = (r: Request): RequestJson => {
  const out: Record<string, unknown> = {}
  for (const name of fieldNames) if (r[name] !== undefined) out[name] = fieldToJson(r, name)
  return out as unknown as RequestJson
}

const same = (name: keyof Request) => (r: Request): Json => r[name] as Json

/** How each field is written, in the order in which they stand in JSON. The same value of a field is always written the same. */
const writers = {
  id: same("id"),
  operation: same("operation"),
  provider: same("provider"),
  messages: ({ messages }: Request) => Mask.content(messages),
  options: ({ options }: Request) => Mask.content(options),
  config: ({ config }: Request) => Mask.json(withoutHeaderValues(config)),
  state: same("state"),
  halted: same("halted"),
  providerRequest: ({ providerRequest }: Request) => sentAs(providerRequest!),
  response: ({ response }: Request) => ({
    status: response!.status,
    headers: Mask.json(response!.headers),
    body: typeof response!.body === "string" ? response!.body : ""
  }),
  result: ({ result }: Request) => Mask.content(result),
  assigns: ({ assigns }: Request) => Mask.json(assigns),
  private: (r: Request) => Mask.json(r.private),
  metadata: ({ metadata }: Request) => Mask.json(metadata),
  errors: ({ errors }: Request) => errors.map((error) => error.toJSON() as unknown as Json)
} satisfies { readonly [Name in keyof RequestJson]: (r: Request) => Json }

/** @internal The fields of a request in JSON. */
export const fieldNames = Object.keys(writers) as ReadonlyArray<keyof RequestJson>

/** @internal One field of a request that has it, as {@link toJson} writes it. */
export const fieldToJson = (r: Request, name: keyof RequestJson): Json => writers[name](r)

const sentAs = ({ body, headers, method, url }: ProviderRequest): Json => ({
  method,
  url: Mask.text(url),
  headers: Mask.json(headers),
  ...(body !== undefined && { body: Mask.content(body) })
})

/**
 * Reads a request back. What was masked stays masked, and a reply that was still arriving is gone.
 *
 * @throws LlmError `InvalidRequest` when the JSON is no request.
 */
export const fromJson = (json: unknown): Request => {
  const no = (what: string) => LlmError.make({ _tag: "InvalidRequest", parameter: what, message: `this JSON is no request: ${what} does not fit` })
  if (!isRecord(json)) throw no("the value")
  const { id, operation, provider, state, halted, providerRequest, response, result, config, assigns, metadata, errors } = json
  if (typeof id !== "string") throw no("id")
  if (!operations.includes(operation as Operation)) throw no("operation")
  if (typeof provider !== "string") throw no("provider")
  if (typeof state !== "string" || !Object.hasOwn(edges, state)) throw no("state")
  if (typeof halted !== "boolean") throw no("halted")
  if (!Array.isArray(errors)) throw no("errors")
  for (const [name, fields] of Object.entries({ config, assigns, metadata, private: json.private })) {
    if (!isRecord(fields)) throw no(name)
  }
  look(assigns as object, metadata as object, json.private as object)
  return new Request(
    id,
    operation as Operation,
    provider,
    Message.from(json.messages as Message.MessagesInput),
    Options.check(json.options),
    config as Config,
    state as State,
    halted,
    providerRequest as ProviderRequest | undefined,
    response as ProviderResponse | undefined,
    undefined,
    result as Result.Result | undefined,
    assigns as Record<string, unknown>,
    json.private as Record<string, unknown>,
    metadata as JsonObject,
    errorsOf(errors),
    undefined
  )
}

const read = new WeakMap<ReadonlyArray<unknown>, ReadonlyArray<LlmError.LlmError>>()

/** The same JSON gives the same errors, so that the requests of a trace share them again when they are read back. */
const errorsOf = (json: ReadonlyArray<unknown>): ReadonlyArray<LlmError.LlmError> => {
  let errors = read.get(json)
  if (errors === undefined) read.set(json, errors = json.map(LlmError.fromJson))
  return errors
}

/** @internal A caller's own headers may hold credentials under names nobody can know: their names are shown, their values are not. */
export const withoutHeaderValues = (config: Config): Config =>
  config.headers === undefined
    ? config
    : { ...config, headers: Object.fromEntries(Object.keys(config.headers).map((name) => [name, Mask.masked])) }

/** What a person wants to see first: empty fields are left out. */
const summary = (r: Request): object =>
  Object.fromEntries(
    Object.entries(toJson(r)).filter(([name, value]) =>
      name === "halted" ? value === true : !(typeof value === "object" && value !== null && Object.keys(value).length === 0) && value !== ""
    )
  )
