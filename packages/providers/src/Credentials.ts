/**
 * Fetches the key of the provider that is being called, at the moment of the call; takes several keys in turn and lets one
 * rest that the service refuses; and buys tokens with keys, each once for all who need it.
 *
 * @module
 */
import type { LlmError } from "@plugline/core"
import { Context, Effect, Layer, type Redacted } from "effect"
import { andThen } from "./credentials/andThen.ts"
import { environment } from "./credentials/environment.ts"
import { type Key, rotation } from "./credentials/rotation.ts"
import { type Purchase, tokens } from "./credentials/tokens.ts"

export type { Bought, Purchase } from "./credentials/tokens.ts"

/**
 * Where a key customarily is: in an environment variable, in several that make up one credential (its text is then the JSON
 * of an object with these fields), or in a file that a variable names (its text is then the file's content).
 */
export type KeySource =
  | string
  | {
    /** Field of the credential to environment variable. */
    readonly fields: { readonly [field: string]: string }
    /** Fields that may be missing. Default: none. */
    readonly optional?: ReadonlyArray<string>
  }
  | {
    /** The environment variable that holds the path of the file. */
    readonly file: string
  }

/** What a source is called in messages. */
export const keyNames = (source: KeySource): string =>
  typeof source === "string"
    ? source
    : "file" in source
    ? source.file
    : Object.entries(source.fields).filter(([field]) => source.optional?.includes(field) !== true)
      .map(([, name]) => name).join(" and ")

/** Whose key is wanted. */
export interface KeyOwner {
  readonly name: string
  /** Where it customarily is, the first that is set counts. */
  readonly keys: ReadonlyArray<KeySource>
}

/** The keys of one provider: one, several that are taken in turn, or none. */
export type Keys = Key | ReadonlyArray<Key> | undefined

/** Knows keys. */
export class Credentials extends Context.Service<Credentials, {
  /** The provider's key, if there is one; of several the next that is fit. */
  readonly get: (provider: KeyOwner) => Effect.Effect<Key | undefined, LlmError>
  /**
   * Says that a call with this key failed, so that it rests while another is fit: 10 minutes where the service does not accept
   * it, 1 minute where it may not do what was asked, and at a limit as long as the service says, else 30 seconds, or 10 minutes
   * for a used-up quota. Other errors are not the key's and change nothing.
   */
  readonly report: (provider: KeyOwner, key: Key, error: LlmError) => Effect.Effect<void>
  /**
   * A token for a key. It is bought once for all who need it, kept until a minute before it expires, and bought again by the
   * first who needs it then. A failed purchase fails for everyone who waited and is not kept.
   */
  readonly token: (purchase: Purchase) => Effect.Effect<Redacted.Redacted<string>, LlmError>
  /**
   * Says that the service did not accept a token, so that the next who needs one buys another. Answers whether another is
   * worth trying: not where this one was bought within the last 10 seconds, which stays.
   */
  readonly forget: (token: Redacted.Redacted<string>) => Effect.Effect<boolean>
}>()("@plugline/providers/Credentials") {
  /**
   * From the first of the provider's customary sources that is set and not empty, through Effect's `ConfigProvider`: whatever
   * that reads (a file, a vault) is read here too, at each call. Further keys stand beside a variable as `NAME_2`, `NAME_3`, …
   * up to `NAME_32` without a gap.
   */
  static readonly fromEnv: Layer.Layer<Credentials> = Layer.effect(
    Credentials,
    Effect.map(environment, (find) => make(({ keys, name }) => find(name, keys)))
  )

  /**
   * From a table, by provider: one key, a list of them, or an Effect that fetches them, from a vault for example. The Effect
   * runs at each call; `Effect.cachedWithTTL` makes it run less often.
   */
  static readonly memory = (
    keys: { readonly [provider: string]: Keys | Effect.Effect<Keys, LlmError> }
  ): Layer.Layer<Credentials> =>
    Layer.sync(Credentials, () => {
      const table = new Map(
        Object.entries(keys).map(([name, keys]) => [name, Effect.isEffect(keys) ? keys : Effect.succeed(keys)])
      )
      return make(({ name }) => table.get(name) ?? nothing)
    })

  /** From a function that finds a provider's keys. It is asked at each call. */
  static readonly from = (find: (provider: KeyOwner) => Effect.Effect<Keys, LlmError>): Layer.Layer<Credentials> =>
    Layer.sync(Credentials, () => make(find))

  /**
   * From the first of two; where that has no key, from the second. One that fails is an error, not a missing key.
   */
  static readonly orElse = <E1, R1, E2, R2>(
    first: Layer.Layer<Credentials, E1, R1>,
    second: Layer.Layer<Credentials, E2, R2>
  ): Layer.Layer<Credentials, E1 | E2, R1 | R2> =>
    Layer.effect(
      Credentials,
      Effect.gen(function*() {
        const one = Context.get(yield* Layer.build(first), Credentials)
        const two = Context.get(yield* Layer.build(second), Credentials)
        return Credentials.of({
          ...tokens(),
          get: (provider) =>
            andThen(one.get(provider), (key) => key === undefined ? two.get(provider) : Effect.succeed(key)),
          report: (provider, key, error) =>
            Effect.andThen(one.report(provider, key, error), two.report(provider, key, error))
        })
      })
    )

  /** No keys at all. */
  static readonly none: Layer.Layer<Credentials> = Layer.sync(Credentials, () => make(() => nothing))
}

const nothing = Effect.succeed(undefined)

const make = (find: (provider: KeyOwner) => Effect.Effect<Keys, LlmError>): Credentials["Service"] => {
  const { pick, report } = rotation()
  return {
    ...tokens(),
    get: (provider) => andThen(find(provider), (keys) => pick(provider.name, keys)),
    report: ({ name }, key, error) => report(name, key, error)
  }
}
