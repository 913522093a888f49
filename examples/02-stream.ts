// Read an answer while it is written, and stop when you have enough.
import { Effect, Stream } from "effect"
import { build, layer, plugline } from "plugline"

// With Promises: an async iterable. Leaving the loop closes the connection.
for await (const text of plugline.textStream("local", "What is 6 times 7?")) process.stdout.write(`${text}|`)
process.stdout.write("\n")

const controller = new AbortController()
try {
  for await (const part of plugline.stream("local", "What can you do?", { signal: controller.signal })) {
    if (part.type === "text-delta") controller.abort(new Error("enough"))
  }
} catch (error) {
  console.log(String(error))
}

// With Effect: a Stream of parts.
const kinds = build("local", "What is 6 times 7?").stream().pipe(
  Stream.map((part) => part.type),
  Stream.changes,
  Stream.runCollect
)
console.log((await Effect.runPromise(Effect.provide(kinds, layer))).join(" "))

await plugline.close()

// Prints:
// 6| |*| |7| |=| |42|
// Error: enough
// response-metadata text-start text-delta text-end finish
