/**
 * Fetches the key of the provider that is being called, at the moment of the call.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { ConfigProvider, Context, Effect, Layer, Redacted } from "effect"

/** Whose key is wanted. */
export interface KeyOwner {
  readonly name: string
  /** The environment variables that customarily hold it, the first that is set counts. */
  readonly keys: ReadonlyArray<string>
}

/** Knows keys. */
export class Credentials extends Context.Service<Credentials, {
  /** The provider's key, if there is one. */
  readonly get: (provider: KeyOwner) => Effect.Effect<Redacted.Redacted<string> | undefined, LlmError>
}>()("@plugline/providers/Credentials") {
  /**
   * From the first of the provider's customary environment variables that is set and not empty, through Effect's
   * `ConfigProvider`: whatever that reads (a file, a vault) is read here too.
   */
  static readonly fromEnv: Layer.Layer<Credentials> = Layer.effect(
    Credentials,
    Effect.map(ConfigProvider.ConfigProvider, (config) => {
      const known = new Map<string, Known>()
      return { get: ({ keys, name }) => find(config, known, name, keys, 0) }
    })
  )

  /** From a table, by provider. */
  static readonly memory = (keys: { readonly [provider: string]: Redacted.Redacted<string> }): Layer.Layer<Credentials> =>
    Layer.succeed(Credentials, { get: ({ name }) => Effect.succeed(Object.hasOwn(keys, name) ? keys[name] : undefined) })

  /** No keys at all. */
  static readonly none: Layer.Layer<Credentials> = Layer.succeed(Credentials, { get: () => Effect.succeed(undefined) })
}

/** A key that was read before; the same text is the same wrapped value. */
interface Known {
  readonly text: string
  readonly key: Redacted.Redacted<string>
}

const find = (
  config: ConfigProvider.ConfigProvider,
  known: Map<string, Known>,
  provider: string,
  keys: ReadonlyArray<string>,
  from: number
): Effect.Effect<Redacted.Redacted<string> | undefined, LlmError> => {
  const name = keys[from]
  if (name === undefined) return Effect.succeed(undefined)
  return Effect.matchEffect(config.load([name]), {
    onSuccess: (node) => {
      // A line break at the end of a secret's file is no part of the secret.
      const text = node?.value?.trim()
      if (text === undefined || text === "") return find(config, known, provider, keys, from + 1)
      const before = known.get(name)
      if (before?.text === text) return Effect.succeed(before.key)
      const key = Redacted.make(text, { label: name })
      known.set(name, { text, key })
      return Effect.succeed(key)
    },
    onFailure: () =>
      Effect.fail(LlmError.make({ _tag: "Configuration", option: name, message: `the source of ${name} cannot be read` }, { provider }))
  })
}
