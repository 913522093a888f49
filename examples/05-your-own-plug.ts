// Write a plug, put it into a call, and test it against the laws with one line.
import { Laws } from "@plugline/testing"
import { Effect, Schema } from "effect"
import { build, layer, Message, Plug, Request } from "plugline"

/** Refuses questions that are too long. Default: 200 characters. */
const limit = Plug.configurable(
  "limit",
  Schema.Struct({ characters: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(200))) }),
  ({ characters }) =>
    Plug.make("limit", (request) =>
      Message.text(request.messages).length <= characters ? request : Request.refuse(request, `longer than ${characters} characters`))
)

/**
 * Shouts: the text of a reply in capitals, whole or streamed. Only the letters a to z: others may be cut in two by the provider,
 * and then `delta.toUpperCase()` does not know them. The law of streams found that.
 */
const shout = Plug.mapParts("shout", (part) =>
  part.type === "text-delta" ? { ...part, delta: part.delta.replace(/[a-z]/g, (letter) => letter.toUpperCase()) } : part)

const program = Effect.gen(function*() {
  const answer = yield* build("local", "Hello").withPlug(limit({ characters: 100 })).withPlug(shout).execute()
  console.log(answer.text)

  const refused = yield* build("local", "What is 6 times 7?").withPlug(limit({ characters: 5 })).run()
  console.log(refused.errors.map((error) => error.message).join())

  const misfit = yield* Effect.flip(build("local", "Hi").withPlug(limit({ characters: "many" as never })).execute())
  console.log(misfit.message)
})
await Effect.runPromise(Effect.provide(program, layer))

// In a test file: Laws.plug(limit()).forEach(({ name, check }) => it(name, check))
for (const plug of [limit(), shout]) {
  const laws = Laws.plug(plug, { numRuns: 20 })
  for (const law of laws) await law.check()
  console.log(`${plug.name} keeps ${laws.length} laws`)
}

// Prints:
// HELLO! I AM THE LOCAL RESPONDER OF PLUGLINE: A SMALL SET OF RULES, NOT A LANGUAGE MODEL. ASK ME WHAT I CAN DO.
// local, plug "limit": longer than 5 characters (Halted)
// plug "limit": option characters must be number, not "many" (Configuration)
// limit keeps 13 laws
// shout keeps 13 laws
