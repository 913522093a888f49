import { LlmError } from "@plugline/core"
import { Credentials, type KeySource } from "@plugline/providers"
import { it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect } from "vitest"
import { acme, contract } from "./credentials.contract.ts"

const wrap = (keys: ReadonlyArray<string>) => keys.map((key) => Redacted.make(key))
const env = (env: Record<string, string>) => Layer.provide(Credentials.fromEnv, ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
const named = (keys: ReadonlyArray<string>, name = "ACME_KEY") =>
  Object.fromEntries(keys.map((key, index) => [index === 0 ? name : `${name}_${index + 1}`, key]))
/** A source that takes its time, as a vault does. */
const slowly = (env: Record<string, string>) =>
  ConfigProvider.make(([name]) => Effect.as(Effect.yieldNow, name !== undefined && name in env ? ConfigProvider.makeValue(env[name]!) : undefined))

contract("memory, a list", (...keys) => Credentials.memory({ acme: wrap(keys), another: wrap(["another-key-0123456"]) }))
contract("memory, an Effect", (...keys) => Credentials.memory({ acme: Effect.suspend(() => Effect.as(Effect.yieldNow, wrap(keys))) }))
contract("from", (...keys) => Credentials.from(({ name }) => Effect.succeed(name === "acme" ? wrap(keys) : undefined)))
contract("fromEnv", (...keys) => env(named(keys)))
contract("fromEnv, the second name", (...keys) => env({ ACME_KEY: "", ...named(keys, "ACME_TOKEN") }))
contract("fromEnv, a slow source", (...keys) => Layer.provide(Credentials.fromEnv, ConfigProvider.layer(slowly(named(keys)))))
contract("orElse, the first", (...keys) => Credentials.orElse(Credentials.memory({ acme: wrap(keys) }), Credentials.none))
contract("orElse, the second", (...keys) => Credentials.orElse(Credentials.memory({ another: wrap(["x".repeat(9)]) }), env(named(keys))))

const get = (layer: Layer.Layer<Credentials>, keys: ReadonlyArray<KeySource> = acme.keys) =>
  Effect.flatMap(Credentials, (credentials) => credentials.get({ name: "acme", keys })).pipe(Effect.provide(layer))
const text = (layer: Layer.Layer<Credentials>, keys?: ReadonlyArray<KeySource>) => Effect.map(get(layer, keys), (key) => key && Redacted.value(key))

describe("fromEnv, variables", () => {
  it.effect("the first that is set and not empty counts, without the line break of its file", () =>
    Effect.gen(function*() {
      expect(yield* text(env({ ACME_KEY: "one", ACME_TOKEN: "two" }))).toBe("one")
      expect(yield* text(env({ ACME_KEY: "", ACME_TOKEN: "two\n" }))).toBe("two")
      expect(yield* text(env({ ACME_KEY: "   " }))).toBe(undefined)
    }))

  it.effect("further keys stand beside the first, without a gap, and one that stands there twice counts once", () =>
    Effect.gen(function*() {
      const taken = (values: Record<string, string>) =>
        Effect.flatMap(Credentials, ({ get }) => Effect.all([1, 2, 3].map(() => Effect.map(get(acme), (key) => Redacted.value(key!))))).pipe(Effect.provide(env(values)))
      expect(yield* taken({ ACME_KEY: "one", ACME_KEY_2: "two", ACME_KEY_4: "four" })).toEqual(["one", "two", "one"])
      expect(yield* taken({ ACME_KEY: "one", ACME_KEY_2: "one", ACME_KEY_3: "three" })).toEqual(["one", "three", "one"])
      expect(yield* text(env({ ACME_KEY_2: "two" }))).toBe(undefined)
    }))

  it.effect("a key's label is the variable's name", () =>
    Effect.gen(function*() {
      const keys = yield* Effect.flatMap(Credentials, ({ get }) => Effect.all([get(acme), get(acme)])).pipe(Effect.provide(env({ ACME_KEY: "one", ACME_KEY_2: "two" })))
      expect(keys.map(String)).toEqual(["<redacted:ACME_KEY>", "<redacted:ACME_KEY_2>"])
    }))

  it.effect("a changed variable is a changed key, the same text the same wrapped value, an unreadable source an error", () =>
    Effect.gen(function*() {
      let value = "one"
      const changing = ConfigProvider.layer(ConfigProvider.make(() => Effect.succeed(ConfigProvider.makeValue(value))))
      const locked = ConfigProvider.layer(ConfigProvider.make(() => Effect.fail(new ConfigProvider.SourceError({ message: "locked" }))))
      const read = Effect.flatMap(Credentials, ({ get }) => get(acme))
      yield* Effect.gen(function*() {
        const first = yield* read
        expect([Redacted.value(first!), yield* read]).toEqual(["one", first])
        expect(yield* read).toBe(first)
        value = "two"
        expect(Redacted.value((yield* read)!)).toBe("two")
      }).pipe(Effect.provide(Layer.provide(Credentials.fromEnv, changing)))
      const error = yield* Effect.flip(Effect.provide(read, Layer.provide(Credentials.fromEnv, locked)))
      expect(error).toMatchObject({ provider: "acme", reason: { _tag: "Configuration", option: "ACME_KEY" } })
    }))
})

describe("fromEnv, fields", () => {
  const aws: KeySource = { fields: { id: "A_ID", secret: "A_SECRET", session: "A_SESSION" }, optional: ["session"] }

  it.effect("make up one credential where all that are needed are set", () =>
    Effect.gen(function*() {
      expect(JSON.parse((yield* text(env({ A_ID: "i", A_SECRET: "s" }), [aws]))!)).toEqual({ id: "i", secret: "s" })
      expect(JSON.parse((yield* text(env({ A_ID: "i", A_SECRET: "s", A_SESSION: "t" }), [aws]))!)).toEqual({ id: "i", secret: "s", session: "t" })
      expect(yield* text(env({ A_ID: "i", A_SESSION: "t" }), [aws])).toBe(undefined)
      expect(yield* text(env({ A_ID: "i", ACME_KEY: "one" }), [aws, "ACME_KEY"])).toBe("one")
      expect(yield* text(env({ A_ID: "i", A_SECRET: "s", ACME_KEY: "one" }), ["ACME_KEY", aws])).toBe("one")
    }))

  it.effect("are the same wrapped value as long as they stay the same", () =>
    Effect.gen(function*() {
      const twice = Effect.flatMap(Credentials, ({ get }) => Effect.all([get({ name: "acme", keys: [aws] }), get({ name: "acme", keys: [aws] })]))
      const [first, second] = yield* Effect.provide(twice, env({ A_ID: "i", A_SECRET: "s" }))
      expect(first).toBe(second)
      expect(String(first)).toBe("<redacted:A_ID+A_SECRET+A_SESSION>")
    }))
})

describe("fromEnv, files", () => {
  const folder = mkdtempSync(join(tmpdir(), "credentials-"))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file: KeySource = { file: "ACME_FILE" }
  const at = (name: string) => env({ ACME_FILE: join(folder, name), ACME_KEY: "one" })
  const write = (name: string, content: string, time?: number) => {
    writeFileSync(join(folder, name), content)
    if (time !== undefined) utimesSync(join(folder, name), time, time)
  }

  it.live("give their content, read again when they change", () =>
    Effect.gen(function*() {
      write("key", "first\n", 1_000)
      const read = Effect.flatMap(Credentials, ({ get }) => get({ name: "acme", keys: [file] }))
      yield* Effect.gen(function*() {
        const first = yield* read
        expect([Redacted.value(first!), String(first)]).toEqual(["first", "<redacted:ACME_FILE>"])
        expect(yield* read).toBe(first)
        write("key", "other\n", 2_000)
        expect(Redacted.value((yield* read)!)).toBe("other")
        write("key", "longer one", 2_000)
        expect(Redacted.value((yield* read)!)).toBe("longer one")
      }).pipe(Effect.provide(at("key")))
      symlinkSync(join(folder, "key"), join(folder, "link"))
      expect(yield* text(at("link"), [file])).toBe("longer one")
    }))

  it.live("a variable that is not set is no file", () =>
    Effect.gen(function*() {
      expect(yield* text(env({ ACME_KEY: "one" }), [file, "ACME_KEY"])).toBe("one")
    }))

  it.live("one that cannot be read is an error that names the variable, never a silent next source", () =>
    Effect.gen(function*() {
      write("empty", " \n")
      write("large", "canary".repeat(200_000))
      const missing = yield* Effect.flip(text(at("missing"), [file, "ACME_KEY"]))
      expect(missing.reason).toEqual({ _tag: "Configuration", option: "ACME_FILE", message: "the file that ACME_FILE names cannot be read (ENOENT)" })
      for (const name of ["empty", "large", "."]) {
        const error = yield* Effect.flip(text(at(name), [file, "ACME_KEY"]))
        expect(error).toMatchObject({ provider: "acme", reason: { _tag: "Configuration", option: "ACME_FILE" } })
        expect(JSON.stringify(error)).not.toContain("canary")
        expect(error.message).toContain(name === "empty" ? "is empty" : "no file of at most 1 MiB")
      }
    }))
})

describe("memory and orElse", () => {
  it.effect("a vault is asked at each call, and one that fails is an error", () =>
    Effect.gen(function*() {
      let asked = 0
      const vault = Credentials.memory({ acme: Effect.sync(() => Redacted.make(`key ${++asked}`)) })
      const twice = Effect.flatMap(Credentials, ({ get }) => Effect.all([get(acme), get(acme)]))
      expect((yield* Effect.provide(twice, vault)).map((key) => Redacted.value(key!))).toEqual(["key 1", "key 2"])
      const sealed = Credentials.memory({ acme: Effect.fail(LlmError.make({ _tag: "Network", message: "sealed" })) })
      for (const layer of [sealed, Credentials.orElse(sealed, env({ ACME_KEY: "one" }))]) {
        expect((yield* Effect.flip(get(layer))).reason).toMatchObject({ _tag: "Network" })
      }
    }))

  it.effect("a name of every object is no provider of the table", () =>
    Effect.gen(function*() {
      const credentials = yield* Effect.provide(Credentials, Credentials.memory({}))
      for (const name of ["constructor", "__proto__", "toString"]) expect(yield* credentials.get({ name, keys: [] })).toBe(undefined)
    }))

  it.effect("the first wins where both have a key, the second is asked where it has none, and none has none", () =>
    Effect.gen(function*() {
      const both = Credentials.orElse(Credentials.memory({ acme: Redacted.make("config") }), env({ ACME_KEY: "one" }))
      expect(yield* text(both)).toBe("config")
      expect(yield* text(Credentials.orElse(Credentials.memory({ acme: Redacted.make(" ") }), env({ ACME_KEY: "one" })))).toBe("one")
      expect(yield* text(Credentials.orElse(Credentials.none, Credentials.none))).toBe(undefined)
    }))

  it.effect("a key that a vault wraps anew at each call still rests", () =>
    Effect.gen(function*() {
      const vault = Credentials.from(() => Effect.sync(() => wrap(["one", "two"])))
      yield* Effect.gen(function*() {
        const { get, report } = yield* Credentials
        yield* report(acme, (yield* get(acme))!, LlmError.make({ _tag: "Authentication", message: "no" }))
        expect([yield* get(acme), yield* get(acme)].map((key) => Redacted.value(key!))).toEqual(["two", "two"])
      }).pipe(Effect.provide(vault))
    }))
})
