/**
 * `trace export`: a recorded request in a form that other tools read.
 *
 * @module
 */
import { curl, exchanges, har, otlp, type Recorded } from "@plugline/inspector"
import { Effect } from "effect"
import { writeFile } from "node:fs/promises"
import { Failed } from "../Failed.ts"
import { json, painter, type Screen } from "../Screen.ts"
import { oneLine } from "./lines.ts"

/** The forms there are. */
export const forms = ["json", "har", "otlp", "curl"] as const

/** One of them. */
export type Form = typeof forms[number]

/** Writes it, into a file that only its owner can read where one is named. */
export const exported = (recorded: Recorded, form: Form, out: string | undefined, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.gen(function*() {
    const text = yield* textOf(recorded, form)
    if (out === undefined) return screen.write(text)
    yield* written(text, out)
    screen.write(`${painter(screen)("dim", `it is in ${out}`)}\n`)
  })

/** Writes a file that only its owner can read: what was asked and answered is in it. */
export const written = (text: string, out: string): Effect.Effect<void, Failed> =>
  Effect.tryPromise({
    try: () => writeFile(out, text, { mode: 0o600 }),
    catch: (thrown) => new Failed(`${out} cannot be written: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  })

const textOf = (recorded: Recorded, form: Form): Effect.Effect<string, Failed> => {
  switch (form) {
    case "json":
      return Effect.succeed(json(recorded))
    case "har":
      return Effect.succeed(json(har(recorded)))
    case "otlp":
      return Effect.succeed(json(otlp(recorded)))
    case "curl": {
      const commands = exchanges(recorded).flatMap((exchange) => {
        if (exchange.request === undefined) return []
        const status = exchange.response?.status ?? exchange.error?.reason._tag ?? exchange.outcome
        return [`# ${oneLine(exchange.provider, 100)}: ${status}\n${curl(exchange)}\n`]
      })
      return commands.length === 0
        ? Effect.fail(new Failed("no service was asked by HTTP in this request, so there is nothing to repeat with curl"))
        : Effect.succeed(commands.join("\n"))
    }
  }
}
