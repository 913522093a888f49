/**
 * A process that works on a queue until it is killed. What it asks of the provider, it first writes into a file: one line per call.
 *
 * @module
 */
import { Plug, Request } from "@plugline/core"
import { Mock } from "@plugline/testing"
import { Effect, Layer } from "effect"
import { appendFileSync } from "node:fs"
import { Queue } from "../../src/index.ts"
import { storeOf } from "./stores.ts"

const [kind, place, name, calls] = process.argv.slice(2) as [string, string, string, string]

const provider = Mock.make((request) => {
  appendFileSync(calls, `${Request.get(request, Queue.delivery)?.id}\n`)
  return Mock.text(JSON.stringify(request.messages), { delay: 15 })
})
// Between the provider's answer and the end of the job there is time to be killed.
const dawdle = Plug.around("dawdle", (request, next) => Effect.tap(next(request), () => Effect.sleep(15)))

const queue = Layer.provide(Queue.layer({ name, lease: 400, deliveries: 50, poll: 20 }), storeOf(kind, place))

process.stdout.write("ready\n")
await Effect.runPromise(Effect.provide(Queue.work([dawdle, Queue.once(), ...provider.pipeline], { concurrency: 4 }), queue))
