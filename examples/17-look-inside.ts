// See what each plug made of a request, in code; and write a file that `plugline trace open` shows.
import { explain, recordedOf, steps, walk } from "@plugline/inspector"
import { Mock } from "@plugline/testing"
import { Effect } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { build, layer, Trace } from "plugline"

// A provider that is busy once.
const busy = Mock.fail({ _tag: "Overloaded", message: "busy", status: 529 })
const provider = Mock.make([busy, "Because."])
const call = build("local", "Why?").withPipeline(provider.pipeline).withRetry({ attempts: 2, base: 1 }).withCache({ ttl: "1 minute" })

const pipeline = call.pipeline()
const trace = await Effect.runPromise(
  Effect.provide(Effect.flatMap(call.request("call-1"), (request) => Trace.run(pipeline, request)), layer)
)
const recorded = recordedOf(trace, { pipeline })

// The order in which a person steps through it: down to the provider, and back.
for (const { diff, direction, visit } of steps(walk(recorded))) {
  const changed = [...diff.added, ...diff.changed].map(({ path }) => path).filter((path) => path.startsWith("metadata"))
  console.log(`${direction === "down" ? "↓" : "↑"} ${visit.name} ${visit.outcome}${changed.length > 0 ? ` (${changed.join(", ")})` : ""}`)
}
const why = explain(recorded).sentences.find(({ about }) => about === "cache")
console.log(why?.text)

const folder = mkdtempSync(join(tmpdir(), "plugline-example-"))
const file = join(folder, "call-1.trace.json")
writeFileSync(file, JSON.stringify(recorded))
console.log(`plugline trace open ${file.slice(folder.length + 1)}`)
rmSync(folder, { recursive: true })

// Prints:
// ↓ cache changed (metadata.cache)
// ↓ retry changed
// ↓ mock failed
// ↓ mock answered
// ↑ retry changed (metadata.retry)
// ↑ cache changed (metadata.cache.stored)
// The question was not in the cache; the answer is kept for the next time.
// plugline trace open call-1.trace.json
