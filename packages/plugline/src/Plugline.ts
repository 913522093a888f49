/**
 * Calls to language models: `build` composes one, `chat`, `stream`, `embed` and the others run one right away and answer
 * with Promises, for people without Effect.
 *
 * @module
 */
import {
  type Config, type EmbeddingsResult, Message, type MessagesInput, type ModelsResult, type Operation, type Options, type Part,
  Pipeline, type ValidateResult
} from "@plugline/core"
import { memory, Providers, type Stores } from "@plugline/plugs"
import { Credentials, type Provider, Registry, Transport } from "@plugline/providers"
import { all } from "@plugline/providers/all"
import { Effect, Exit, Layer, ManagedRuntime, Redacted, Scope } from "effect"
import { Answer } from "./Answer.ts"
import { Builder, type Answers, type Reach, type Services } from "./Builder.ts"

/** The providers that need no registration. */
export const builtIn: ReadonlyArray<Provider> = all

/** How services are reached: connections, and credentials from the environment. */
const reach: Layer.Layer<Reach> = Layer.mergeAll(Transport.layer, Credentials.fromEnv)

/** All that calls through these providers need, over how services are reached and what the shipped plugs keep. */
const servicesOf = (
  registry: Registry,
  reach: Layer.Layer<Reach>,
  stores: Layer.Layer<Stores>
): Layer.Layer<Services> => Layer.mergeAll(Layer.provideMerge(Providers.layer(registry), reach), stores)

/** What the built-in providers and the shipped plugs need: connections, credentials from the environment, stores in memory. */
export const layer: Layer.Layer<Services> = servicesOf(Registry.make(builtIn), reach, memory)

/** What a call may be given besides options: how the provider is reached, what it goes through, and how it is ended. */
export interface CallOptions extends Options {
  /** Ends the call: the connection is closed, and the Promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal
  /** The credential. Default: the provider's customary environment variable. */
  readonly apiKey?: string | Redacted.Redacted<string>
  /** Where the provider is. Default: its own address. */
  readonly baseUrl?: string
  /** Sent with the request to the provider. */
  readonly headers?: Config["headers"]
  /** Time limits in ms; a number alone limits the whole exchange. */
  readonly timeout?: number | Config["timeouts"]
  /** Your own plugs. */
  readonly plugs?: Pipeline
}

/** Runs an Effect that needs the services of a face, until its answer or until the signal. */
export type Run = <A, E>(effect: Effect.Effect<A, E, Services>, options?: { readonly signal?: AbortSignal }) => Promise<A>

/** A face over a set of providers. The functions need no `this` and can be taken apart: `const { build } = plugline`. */
export interface Plugline {
  /** The providers known by name. */
  readonly providers: ReadonlyArray<Provider>

  /**
   * A call in the making.
   *
   * @throws LlmError `Configuration` for a provider that is not known, with the nearest name that is.
   */
  readonly build: (provider: ProviderName, messages?: MessagesInput, options?: Options) => Builder

  /** This face with more providers; one of a known name takes its place. */
  readonly register: (...providers: ReadonlyArray<Provider>) => Plugline

  /** The answer of a chat. Rejects with an `LlmError` that holds the request. */
  readonly chat: (provider: ProviderName, messages: MessagesInput, options?: CallOptions) => Promise<Answer>

  /** The parts of an answer as they arrive. Leaving the loop closes the connection. */
  readonly stream: (provider: ProviderName, messages: MessagesInput, options?: CallOptions) => AsyncGenerator<Part, Answer | undefined>

  /** The visible text of an answer as it arrives. */
  readonly textStream: (provider: ProviderName, messages: MessagesInput, options?: CallOptions) => AsyncGenerator<string, Answer | undefined>

  /** The continuation of a text. */
  readonly complete: (provider: ProviderName, prompt: string, options?: CallOptions) => Promise<Answer>

  /** One vector per text. */
  readonly embed: (provider: ProviderName, texts: string | ReadonlyArray<string>, options?: CallOptions) => Promise<EmbeddingsResult>

  /** The models a provider offers. */
  readonly listModels: (provider: ProviderName, options?: CallOptions) => Promise<ModelsResult>

  /** Whether a provider can be used as it is configured, and if not, why. */
  readonly validate: (provider: ProviderName, options?: CallOptions) => Promise<ValidateResult>

  /** Runs an Effect on the services of this face: a builder's `execute()` as a Promise, for example. */
  readonly run: Run

  /** Closes the connections of the Promise functions. They open new ones when they are called again. */
  readonly close: () => Promise<void>
}

/** A provider by name, or one of your own. */
export type ProviderName = BuiltIn | (string & {}) | Provider

/** The names of the built-in providers, for completion while typing. */
export type BuiltIn =
  | "alibaba" | "anthropic" | "azure" | "baseten" | "bedrock" | "bedrock-mantle" | "cerebras" | "cloudflare"
  | "cohere" | "crusoe" | "databricks" | "deepinfra" | "deepseek" | "fireworks" | "github" | "google" | "gpustack"
  | "groq" | "heroku" | "huggingface" | "hyperbolic" | "litellm" | "llamacpp" | "lmstudio" | "local" | "mistral"
  | "moonshot" | "nebius" | "novita" | "nvidia" | "ollama" | "ollama-cloud" | "openai" | "openrouter" | "perplexity"
  | "sambanova" | "sglang" | "snowflake" | "together" | "vercel" | "vertex" | "vllm" | "voyage" | "xai" | "zai"

/** What a face is made of. */
export interface PluglineOptions {
  /** Default: the built-in ones. */
  readonly providers?: ReadonlyArray<Provider>
  /** How services are reached. Default: connections of its own, credentials from the environment. */
  readonly layer?: Layer.Layer<Reach>
  /** Where the shipped plugs keep what they know. Default: in the memory of this process. */
  readonly stores?: Layer.Layer<Stores>
}

/** A face over some providers, with services of its own. */
export const make = (options: PluglineOptions = {}): Plugline => {
  const providers = options.providers ?? builtIn
  const registry = Registry.make(providers)
  const services = servicesOf(registry, options.layer ?? reach, options.stores ?? memory)

  let runtime: ManagedRuntime.ManagedRuntime<Services, never> | undefined
  let perform: Perform | undefined

  /** Runs Effects on the services, which are built once: by the first call, and by the first after `close`. */
  const performer = async (): Promise<Perform> => {
    const current = runtime ??= ManagedRuntime.make(services)
    const made: Perform = Effect.runPromiseWith(await current.context())
    if (runtime === current) perform = made
    return made
  }

  const begin = <Op extends Operation>(operation: Op, provider: ProviderName, messages: MessagesInput, options: Options, config: Config) =>
    new Builder<Op>({
      registry: typeof provider === "string" ? registry : registry.add(provider),
      provider: typeof provider === "string" ? registry.get(provider).name : provider.name,
      operation,
      messages,
      options,
      config,
      metadata: {},
      id: undefined,
      pipeline: undefined,
      edits: []
    })

  const build: Plugline["build"] = (provider, messages = [], options = {}) => begin("chat", provider, messages, options, {})

  const call = <Op extends Operation>(operation: Op, provider: ProviderName, messages: MessagesInput, options: CallOptions = {}) => {
    const { apiKey, baseUrl, headers, plugs, timeout } = options
    // A loop, because `...rest` makes an object that is slow to read from then on.
    const asked: Record<string, unknown> = {}
    for (const name in options) if (!ours.has(name)) asked[name] = options[name as keyof CallOptions]
    const config: { -readonly [Field in keyof Config]: Config[Field] } = {}
    if (apiKey !== undefined) config.apiKey = typeof apiKey === "string" ? redacted(apiKey) : apiKey
    if (baseUrl !== undefined) config.baseUrl = baseUrl
    if (headers !== undefined) config.headers = headers
    if (timeout !== undefined) config.timeouts = typeof timeout === "number" ? { total: timeout } : timeout
    let builder = begin(operation, provider, messages, asked, config)
    for (const plug of plugs ?? []) builder = builder.withPlug(plug)
    return builder
  }

  const now = <Op extends Operation>(
    operation: Op, provider: ProviderName, messages: MessagesInput, options?: CallOptions
  ): Promise<Answers[Op]> =>
    start(options?.signal, () => {
      const effect = call(operation, provider, messages, options).execute()
      return perform === undefined
        ? performer().then((perform) => perform(effect, signalOf(options)))
        : perform(effect, signalOf(options))
    })

  async function* stream(provider: ProviderName, messages: MessagesInput, options?: CallOptions): AsyncGenerator<Part, Answer | undefined> {
    const performs = perform ?? await performer()
    const run = <A, E>(effect: Effect.Effect<A, E, Services>) => start(options?.signal, () => performs(effect, signalOf(options)))
    const builder = call("stream", provider, messages, options)
    const scope = Scope.makeUnsafe()
    try {
      const live = await run(Scope.provide(builder.open(), scope))
      while (true) {
        const parts = await run(live.pull)
        if (parts === undefined) break
        // One by one: `yield*` over a list takes three turns of the event loop's microtasks a part.
        for (const part of parts) yield part
      }
      const final = live.final()
      const failed = final === undefined ? undefined : Pipeline.outcome(final)
      if (failed !== undefined) throw failed
      return final?.result?.type === "chat" ? new Answer(final, final.result) : undefined
    } finally {
      await performs(Scope.close(scope, Exit.void))
    }
  }

  async function* textStream(provider: ProviderName, messages: MessagesInput, options?: CallOptions): AsyncGenerator<string, Answer | undefined> {
    const parts = stream(provider, messages, options)
    try {
      while (true) {
        const next = await parts.next()
        if (next.done === true) return next.value
        if (next.value.type === "text-delta" && next.value.choice === undefined) yield next.value.delta
      }
    } finally {
      await parts.return(undefined)
    }
  }

  return {
    providers,
    build,
    register: (...more) => make({ ...options, providers: registry.add(...more).providers }),
    chat: (provider, messages, options) => now("chat", provider, messages, options),
    stream,
    textStream,
    complete: (provider, prompt, options) => now("completion", provider, prompt, options),
    embed: (provider, texts, options) =>
      now("embeddings", provider, (typeof texts === "string" ? [texts] : texts).map(Message.user), options),
    listModels: (provider, options) => now("list_models", provider, [], options),
    validate: (provider, options) => now("validate", provider, [], options),
    run: (effect, options) =>
      start(options?.signal, () =>
        perform === undefined ? performer().then((perform) => perform(effect, options)) : perform(effect, options)),
    close: async () => {
      const old = runtime
      runtime = undefined
      perform = undefined
      await old?.dispose()
    }
  }
}

/** What of the options of a call is not for the model. */
const ours: ReadonlySet<string> = new Set<Exclude<keyof CallOptions, keyof Options>>(["apiKey", "baseUrl", "headers", "plugs", "signal", "timeout"])

const wrapped = new Map<string, Redacted.Redacted<string>>()

/** The last keys that were given as plain texts, wrapped: most calls of a program are made with the same one. */
const redacted = (key: string): Redacted.Redacted<string> => {
  let known = wrapped.get(key)
  if (known === undefined) {
    if (wrapped.size >= 32) wrapped.clear()
    wrapped.set(key, known = Redacted.make(key))
  }
  return known
}

type Perform = <A, E>(effect: Effect.Effect<A, E, Services>, options?: Effect.RunOptions) => Promise<A>

/** A Promise that is rejected with the signal's reason where the signal ended it, and with the error where that did. */
const start = <A>(signal: AbortSignal | undefined, run: () => Promise<A>): Promise<A> => {
  try {
    signal?.throwIfAborted()
    return signal === undefined ? run() : run().catch((thrown: unknown) => {
      signal.throwIfAborted()
      throw thrown
    })
  } catch (thrown) {
    return Promise.reject(thrown)
  }
}

const signalOf = (options: CallOptions | undefined) => options?.signal === undefined ? undefined : { signal: options.signal }

/** The face over the built-in providers. */
export const plugline: Plugline = make()

/** A call in the making, to a built-in provider or one of your own. */
export const build: Plugline["build"] = plugline.build

