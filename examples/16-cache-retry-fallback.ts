// A call that is not paid for twice, is tried again, and is answered by rule when nobody answers.
import { Cache, Fallback } from "@plugline/plugs"
import { Mock } from "@plugline/testing"
import { Effect } from "effect"
import { build, layer, Pipeline, Request } from "plugline"

// A provider that is busy once, answers once, and then is down.
const busy = Mock.fail({ _tag: "Overloaded", message: "busy", status: 529 })
const provider = Mock.make([busy, "Because.", busy, busy])

const ask = (question: string) =>
  build("local", question).withPipeline(provider.pipeline)
    .withRetry({ attempts: 2, base: 1 })
    .withCache({ ttl: "1 minute" })
    .withFallback({ answer: "Nobody can say just now." })

console.log(Pipeline.names(ask("Why?").pipeline()).join(" → "))

await Effect.runPromise(Effect.gen(function*() {
  for (const question of ["Why?", "Why?", "Who?"]) {
    const answer = yield* ask(question).execute()
    const degraded = Request.get(answer.request, Fallback.report)?.degraded === true
    console.log(question, answer.text, `(${Cache.of(answer.request)?.status}${degraded ? ", degraded" : ""})`)
  }
}).pipe(Effect.provide(layer)))
console.log(`${provider.calls.length} calls to the provider`)

// Prints:
// cache → fallback → retry → mock
// Why? Because. (miss)
// Why? Because. (hit)
// Who? Nobody can say just now. (miss, degraded)
// 4 calls to the provider
