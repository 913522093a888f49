/**
 * One of several processes that share a circuit: on a word it makes 40 calls at once, and says how many of them got through.
 *
 * @module
 */
import { Pipeline, Request } from "@plugline/core"
import { CircuitBreaker } from "@plugline/plugs"
import { redis } from "@plugline/plugs/redis"
import { Mock } from "@plugline/testing"
import { Effect, Layer } from "effect"

const [url = "", prefix = "", name = "", probes = ""] = process.argv.slice(2)
const mock = Mock.make(() => Mock.text("fine", { delay: 1_500 }))
const plug = CircuitBreaker.plug({ probes: Number(probes), key: () => name, storeTimeout: "5 seconds" })
const request = Request.make({ provider: "mock", messages: "Hi" })

await Effect.runPromise(Effect.provide(
  Effect.gen(function*() {
    yield* CircuitBreaker.state(name)
    yield* Effect.callback<void>((resume) => {
      process.once("message", () => resume(Effect.void))
      process.send!("ready")
    })
    const calls = Array.from({ length: 40 }, () => Pipeline.run([plug, ...mock.pipeline], request))
    const ended = yield* Effect.all(calls, { concurrency: "unbounded" })
    const refused = ended.filter(({ errors }) => errors[0]?.reason._tag === "Overloaded").length
    yield* Effect.promise(() => new Promise<void>((done) => process.send!({ asked: mock.calls.length, refused }, undefined, {}, () => done())))
  }),
  CircuitBreaker.redis({ prefix }).pipe(Layer.provide(redis({ url })))
))
process.disconnect()
