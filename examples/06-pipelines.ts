// Pipelines are plain arrays: compose them, look into them, edit them by name, and record what each plug did.
import { Effect } from "effect"
import { build, layer, Message, Pipeline, Plug, Request, Trace } from "plugline"
import { local } from "@plugline/providers/local"

const stamp = Plug.make("stamp", Request.putMetadata("team", "search"))
const count = Plug.after("count", (request) =>
  Request.putMetadata(request, "tokens", request.result?.type === "chat" ? request.result.usage.outputTokens.total ?? null : null))
const bySize = Plug.branch("by-size", (request) => Message.text(request.messages).length > 100, {
  yes: [Plug.make("careful", Request.mergeOptions({ temperature: 0 }))],
  no: [Plug.make("quick", Request.mergeOptions({ maxTokens: 40 }))]
})

// Lists of plugs, put together with nothing but brackets.
const before = [stamp, bySize]
const pipeline = [count, before, local.pipelines.chat]
console.log(Pipeline.render(pipeline))

// Edits go by name and say what was meant where the name is wrong.
const edited = Pipeline.replace(pipeline, "by-size", Plug.make("always-quick", Request.mergeOptions({ maxTokens: 10 })))
console.log(Pipeline.names(edited).join(" → "))
try {
  Pipeline.remove(pipeline, "stmap")
} catch (error) {
  console.log((error as Error).message)
}

// A recorded run: each plug, its time, and what it changed.
const builder = build("local", "What is 6 times 7?").withPipeline(pipeline)
const trace = await Effect.runPromise(Effect.provide(builder.trace(), layer))
for (const step of trace.steps) console.log(step.path, step.name, Trace.changes(step).added.map(({ path }) => path).join(", "))
console.log(trace.final?.metadata)

// Prints:
// count
// stamp
// by-size
//   yes:
//     careful
//   no:
//     quick
// validate {"provider":"local","operation":"chat"}
// respond {"provider":"local","operation":"chat"}
// count → stamp → always-quick → validate → respond
// unknown plug "stmap"; did you mean "stamp"? (Configuration)
// 0 count
// 1 stamp metadata.team
// 2 by-size options.maxTokens
// 2.no.0 quick options.maxTokens
// 3 validate
// 4 respond result
// { team: 'search', tokens: 9 }
