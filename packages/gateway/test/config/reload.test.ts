/** A configuration that changes while requests go by it. */
import { Transport } from "@plugline/providers"
import { Cause, Context, Deferred, Effect, Exit, Fiber, Layer, Logger, Scope } from "effect"
import fc from "fast-check"
import { mkdtempSync, renameSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Cache, CacheStore } from "@plugline/plugs"
import { Credentials, type Services } from "plugline"
import { describe, expect, it } from "vitest"
import type { Auth } from "../../src/auth/Auth.ts"
import { Configuration, layer, needsRestart, type ReloadOptions } from "../../src/config/reload.ts"
import { parts } from "../../src/config/shared.ts"
import { loaded } from "./support.ts"

/** Everybody may ask: who may is not at stake here. */
const auth = () => Effect.succeed({} as Auth)

const quiet = Logger.layer([])
const good = (port: number, more = "") => `server:\n  port: ${port}\nproviders:\n  local: {}\n${more}`

/** A folder with a file, and a configuration kept from it. */
const kept = <A, E>(
  text: string,
  use: (configuration: Configuration["Service"], write: (text: string) => void) => Effect.Effect<A, E, Scope.Scope>,
  options: Pick<Partial<ReloadOptions>, "watch" | "signal"> = {},
  logger: Layer.Layer<never> = quiet
): Promise<A> => {
  const path = join(mkdtempSync(join(tmpdir(), "plugline-reload-")), "gateway.yaml")
  writeFileSync(path, text)
  const made = layer({ path, auth, env: { KEY: "sk-canary-reload-1" }, watch: false, signal: false, debounce: 20, ...options })
  return Effect.runPromise(Effect.scoped(Effect.provide(
    Effect.flatMap(Configuration, (configuration) => use(configuration, (text) => {
      // As editors do it: another file takes the name.
      writeFileSync(`${path}.new`, text)
      renameSync(`${path}.new`, path)
    })),
    Layer.provideMerge(Layer.provide(made, Transport.layer), logger)
  )))
}

const until = (holds: () => boolean) => Effect.timeout(Effect.repeat(Effect.sleep(10), { until: () => Effect.succeed(holds()) }), "8 seconds")

describe("a reload", () => {
  it("puts the new configuration in the place of the old at once", () =>
    kept(good(1), (configuration, write) => Effect.gen(function*() {
      const before = configuration.current()
      write(good(2))
      expect(configuration.current()).toBe(before)
      const after = yield* configuration.reload
      expect(configuration.current()).toBe(after)
      expect([before.loaded.config.server.port, after.loaded.config.server.port]).toEqual([1, 2])
      expect(after.generation).toBe(before.generation + 1)
    })))

  it("of a broken file leaves the old one, says why, and is forgotten when it is mended", () => {
    const lines: Array<string> = []
    const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
    return kept(good(1), (configuration, write) => Effect.gen(function*() {
      const before = configuration.current()
      for (const broken of ["server:\n  port: x\n", "a: &a 1\nb: *a\n", "pipelines:\n  p: [retry, cache]\n", "providers:\n  openai:\n    apiKey: env:NOPE\n", "stores:\n  kind: redis\n  url: redis://127.0.0.1:1\n"]) {
        write(broken)
        const error = yield* Effect.flip(configuration.reload)
        expect(configuration.current()).toBe(before)
        expect(configuration.lastError()?.error).toBe(error)
        expect(lines.some((line) => line.includes("the configuration stays as it was"))).toBe(true)
      }
      expect(configuration.lastError()?.at).toBeGreaterThan(0)
      write(good(3))
      yield* configuration.reload
      expect(configuration.lastError()).toBeUndefined()
      expect(lines.join("\n")).toContain("server.port")
      expect(lines.join("\n")).not.toContain("canary")
    }), {}, logger)
  })

  it("leaves requests in flight what they began with, and closes it behind the last of them", () =>
    kept(good(1, "stores:\n  kind: sqlite\n  path: ':memory:'\n"), (configuration, write) => Effect.gen(function*() {
      const before = configuration.current()
      const gate = yield* Deferred.make<void>()
      const ended = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const size = Effect.flatMap(CacheStore.CacheStore, (store) => {
        const answer = store.size()
        return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
      }) as Effect.Effect<unknown, unknown, Services>
      const another = before.hold()
      before.run(Effect.andThen(Deferred.await(gate), size), { onExit: (exit) => Deferred.doneUnsafe(ended, Effect.succeed(exit)) })
      write(good(2))
      yield* configuration.reload
      // Still open for the one in flight, which uses its store after the reload, and after another has ended.
      another()
      yield* Effect.sleep(20)
      yield* Deferred.succeed(gate, undefined)
      const exit = yield* Deferred.await(ended)
      expect(Exit.isSuccess(exit) ? "answered" : String(Cause.squash(exit.cause))).toBe("answered")
      yield* Effect.sleep(50)
      expect(Exit.isFailure(yield* Effect.exit(Effect.provideContext(size, before.context)))).toBe(true)
    })))

  it("keeps stores and keys open whose settings are the same, and only those", () =>
    kept(good(1), (configuration, write) => Effect.gen(function*() {
      const store = () => Context.get(configuration.current().context, CacheStore.CacheStore)
      const keys = () => Context.get(configuration.current().context, Credentials)
      const first = [store(), keys()]
      write(good(2, "models:\n  a: local/rules-1\n"))
      yield* configuration.reload
      expect([store(), keys()].map((each, index) => each === first[index])).toEqual([true, true])
      write(good(2, "  openai: {apiKey: env:KEY}\n"))
      yield* configuration.reload
      expect([store() === first[0], keys() === first[1]]).toEqual([true, false])
      write(good(2, "stores:\n  maxBytes: 1000\n"))
      yield* configuration.reload
      expect(store() === first[0]).toBe(false)
    })))

  it("is never seen half done, however reloads, failures and requests are mixed", () =>
    fc.assert(fc.asyncProperty(fc.array(fc.constantFrom("good", "broken", "request", "end"), { minLength: 1, maxLength: 12 }), (steps) =>
      kept(good(1), (configuration, write) => Effect.gen(function*() {
        let port = 1
        const held: Array<{ readonly port: number; readonly release: () => void; readonly live: ReturnType<typeof configuration.current> }> = []
        for (const step of steps) {
          if (step === "good") {
            write(good(++port, `stores:\n  maxBytes: ${port}\n`))
            yield* configuration.reload
          } else if (step === "broken") {
            write(`server:\n  port: ${port}x\n`)
            expect(Exit.isFailure(yield* Effect.exit(configuration.reload))).toBe(true)
          } else if (step === "request") {
            const live = configuration.current()
            held.push({ port, live, release: live.hold() })
          } else held.shift()?.release()
          expect(configuration.current().loaded.config.server.port).toBe(port)
          for (const { live, port } of held) expect(live.loaded.config.server.port).toBe(port)
        }
        for (const { release } of held) {
          release()
          release()
        }
      }))), { numRuns: 15 }), 60_000)

  it("happens when the file changes, and not for one that is broken", () =>
    kept(good(1), (configuration, write) => Effect.gen(function*() {
      write(good(2))
      yield* until(() => configuration.current().loaded.config.server.port === 2)
      write("server:\n  port: x\n")
      yield* until(() => configuration.lastError() !== undefined)
      expect(configuration.current().loaded.config.server.port).toBe(2)
      write(good(3))
      yield* until(() => configuration.current().loaded.config.server.port === 3)
      expect(configuration.lastError()).toBeUndefined()
    }), { watch: true }))

  it("happens on SIGHUP, and the process listens no longer than the layer lives", async () => {
    const before = process.listenerCount("SIGHUP")
    await kept(good(1), (configuration, write) => Effect.gen(function*() {
      write(good(2))
      process.emit("SIGHUP")
      yield* until(() => configuration.current().loaded.config.server.port === 2)
    }), { signal: true })
    expect(process.listenerCount("SIGHUP")).toBe(before)
  })

  it("of the environment alone finds it again", async () => {
    const made = layer({ auth, env: {}, watch: false, signal: false })
    const generation = await Effect.runPromise(Effect.scoped(Effect.provide(
      Effect.flatMap(Configuration, ({ reload }) => Effect.map(reload, ({ generation }) => generation)),
      Layer.provideMerge(Layer.provide(made, Transport.layer), quiet)
    )))
    expect(generation).toBe(2)
  })
})

it("a first configuration that is broken is no configuration", async () => {
  await expect(kept("server:\n  port: x\n", () => Effect.void)).rejects.toThrow("line 2: server.port")
})

it("a run ends when it is told to, and its services with it", () =>
  kept(good(1), (configuration) => Effect.gen(function*() {
    const ended = yield* Deferred.make<boolean>()
    const stop = configuration.current().run(Effect.never, { onExit: (exit) => Deferred.doneUnsafe(ended, Effect.succeed(Exit.hasInterrupts(exit))) })
    stop()
    expect(yield* Deferred.await(ended)).toBe(true)
  })))

it("what counts from the next start is told", async () => {
  const [a, b] = [await loaded(good(1)), await loaded("server:\n  port: 2\n  bodyLimit: 1mb\n  tls: {cert: a, key: b}\n")]
  expect(needsRestart(a.config, b.config)).toEqual(["server.port", "server.tls"])
  expect(needsRestart(a.config, a.config)).toEqual([])
})

it("a part that several use is closed by the last, once", async () => {
  const log: Array<string> = []
  const part = (name: string) => Layer.effect(Cache.Flights, Effect.acquireRelease(
    Effect.sync(() => {
      log.push(`open ${name}`)
      return {} as never
    }),
    () => Effect.sync(() => void log.push(`close ${name}`))
  ))
  await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const shared = parts<Cache.Flights>(yield* Effect.scope)
    const one = yield* shared.take("a", part("a"))
    const two = yield* shared.take("a", part("a"))
    expect(one.context).toBe(two.context)
    yield* one.release
    yield* one.release
    expect(log).toEqual(["open a"])
    yield* two.release
    expect(log).toEqual(["open a", "close a"])
    yield* shared.take("a", part("a"))
    yield* Fiber.join(yield* Effect.forkChild(Effect.void))
  })))
  expect(log).toEqual(["open a", "close a", "open a", "close a"])
})
