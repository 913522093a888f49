/**
 * Finds keys where they customarily are: in environment variables, and in the files these name.
 *
 * @module
 */
import { LlmError } from "@plugline/core"
import { ConfigProvider, Effect, Exit, Redacted } from "effect"
import { readFile, stat } from "node:fs/promises"
import type { Keys, KeySource } from "../Credentials.ts"
import { andThen } from "./andThen.ts"
import type { Key } from "./rotation.ts"

/** Finds the keys of a provider of this name that has them in these places. */
export type Find = (provider: string, sources: ReadonlyArray<KeySource>) => Effect.Effect<Keys, LlmError>

/** Most keys in variables of one name: `NAME`, `NAME_2`, … `NAME_32`. */
const most = 32

/** Most bytes of a file with a credential. */
const largest = 1024 * 1024

const nothing = Effect.succeed(undefined)

/** Looks through Effect's `ConfigProvider`, anew at each call. */
export const environment: Effect.Effect<Find> = Effect.map(ConfigProvider.ConfigProvider, (config) => {
  const wrap = wrapper()
  const files = new Map<string, File>()

  /** A variable's text. A line break at the end of a secret's file is no part of the secret. */
  const read = (provider: string, name: string): Effect.Effect<string | undefined, LlmError> =>
    andThen(load(config, provider, name), (node) => Effect.succeed(node?.value?.trim() || undefined))

  const variable = (provider: string, name: string): Effect.Effect<Keys, LlmError> =>
    andThen(read(provider, name), (text) => text === undefined ? nothing : further(provider, name, wrap(name, text), 2))

  /** The keys that stand beside the first one. */
  const further = (
    provider: string,
    name: string,
    keys: Key | ReadonlyArray<Key>,
    number: number
  ): Effect.Effect<Keys, LlmError> => {
    if (number > most) return Effect.succeed(keys)
    const next = `${name}_${number}`
    return andThen(read(provider, next), (text) => {
      if (text === undefined) return Effect.succeed(keys)
      const list = Redacted.isRedacted(keys) ? [keys] : keys
      const known = list.some((key) => Redacted.value(key) === text)
      return further(provider, name, known ? keys : [...list, wrap(next, text)], number + 1)
    })
  }

  const fields = (
    provider: string,
    source: Extract<KeySource, { readonly fields: unknown }>
  ): Effect.Effect<Keys, LlmError> => {
    const names = Object.entries(source.fields)
    const collect = (found: Readonly<Record<string, string>>, from: number): Effect.Effect<Keys, LlmError> => {
      if (from === names.length) return Effect.succeed(wrap(names.map(([, name]) => name).join("+"), JSON.stringify(found)))
      const [field, name] = names[from]!
      return andThen(read(provider, name), (text) =>
        text !== undefined
          ? collect({ ...found, [field]: text }, from + 1)
          : source.optional?.includes(field) === true ? collect(found, from + 1) : nothing)
    }
    return collect({}, 0)
  }

  const file = (provider: string, name: string): Effect.Effect<Keys, LlmError> =>
    andThen(read(provider, name), (path) => path === undefined ? nothing : contents(files, wrap, provider, name, path))

  const find = (provider: string, sources: ReadonlyArray<KeySource>, from: number): Effect.Effect<Keys, LlmError> => {
    const source = sources[from]
    if (source === undefined) return nothing
    const found = typeof source === "string"
      ? variable(provider, source)
      : "file" in source ? file(provider, source.file) : fields(provider, source)
    return andThen(found, (keys) => keys === undefined ? find(provider, sources, from + 1) : Effect.succeed(keys))
  }

  return (provider, sources) => find(provider, sources, 0)
})

const load = (
  config: ConfigProvider.ConfigProvider,
  provider: string,
  name: string
): Effect.Effect<ConfigProvider.Node | undefined, LlmError> => {
  const loaded = config.load([name])
  return Exit.isExit(loaded) && loaded._tag === "Success"
    ? loaded as Exit.Success<ConfigProvider.Node | undefined>
    : Effect.mapError(loaded, () => refused(provider, name, `the source of ${name} cannot be read`))
}

/** A file that was read before. */
interface File {
  readonly modified: number
  readonly size: number
  readonly key: Key
}

const contents = (
  files: Map<string, File>,
  wrap: (label: string, text: string) => Key,
  provider: string,
  name: string,
  path: string
): Effect.Effect<Key, LlmError> =>
  Effect.tryPromise({
    try: async () => {
      const found = await stat(path)
      const known = files.get(path)
      if (known !== undefined && known.modified === found.mtimeMs && known.size === found.size) return known.key
      if (!found.isFile() || found.size > largest) {
        throw refused(provider, name, `what ${name} names is no file of at most 1 MiB`)
      }
      const text = (await readFile(path, "utf8")).trim()
      if (text === "") throw refused(provider, name, `the file that ${name} names is empty`)
      const key = wrap(name, text)
      files.set(path, { modified: found.mtimeMs, size: found.size, key })
      return key
    },
    catch: (thrown) =>
      LlmError.isLlmError(thrown)
        ? thrown
        : refused(provider, name, `the file that ${name} names cannot be read${codeOf(thrown)}`)
  })

/** Wraps texts; the same text under the same label is the same wrapped value. */
const wrapper = () => {
  const known = new Map<string, { readonly text: string; readonly key: Key }>()
  return (label: string, text: string): Key => {
    const before = known.get(label)
    if (before?.text === text) return before.key
    const key = Redacted.make(text, { label })
    known.set(label, { text, key })
    return key
  }
}

const refused = (provider: string, option: string, message: string): LlmError =>
  LlmError.make({ _tag: "Configuration", option, message }, { provider })

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? ` (${thrown.code})` : ""
