/**
 * `serve`: starts the gateway, says where it is and how to ask it, and stays until it is told to stop.
 *
 * @module
 */
import { Effect } from "effect"
import { styleText } from "node:util"
import type { LlmError } from "plugline"
import { type Gateway, type GatewayOptions, start } from "../Gateway.ts"

/** Where `serve` writes. */
export interface Out {
  readonly write: (text: string) => void
  readonly terminal: boolean
}

/** Starts a gateway and keeps it until the Effect is interrupted; then it ends in order, which is no failure of the process. */
export const run = (options: GatewayOptions, out: Out): Effect.Effect<never, LlmError> => {
  let runs = false
  const kept = Effect.scoped(Effect.gen(function*() {
    const gateway = yield* start({ ...options, write: out.write, terminal: out.terminal })
    runs = true
    out.write(greeting(gateway, out.terminal))
    return yield* Effect.never
  }))
  return Effect.onInterrupt(kept, () => Effect.sync(() => {
    if (runs) process.exitCode = 0
  }))
}

/** What is said at the start: the address, who can be asked, and one line that works when it is pasted. */
export const greeting = ({ configuration, server }: Gateway, color: boolean): string => {
  const paint = (style: Parameters<typeof styleText>[0], text: string) => color ? styleText(style, text, { validateStream: false }) : text
  const { auth, loaded } = configuration.current()
  const { names } = loaded.registry
  const model = loaded.models[0]?.id ?? names[0]
  const key = auth.isOpen ? "" : " -H 'authorization: Bearer YOUR_KEY'"
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "What is 6 times 7?" }] })
  const missing = names.length === 1 && names[0] === "local"
    ? paint("dim", "  local answers by rules. Set OPENAI_API_KEY, ANTHROPIC_API_KEY, … to ask services.\n")
    : ""
  return [
    `\n${paint("bold", "Plugline")} listens on ${paint("cyan", server.address)}`,
    `  asks ${names.join(", ")}${auth.isOpen ? ", for everybody on this machine" : ", for those who have a key"}`,
    `${missing}\nTry it:\n`,
    `  curl ${server.address}/v1/chat/completions${key} -H 'content-type: application/json' -d '${body}'\n`,
    ...loaded.config.inspector.enabled ? [`See what happened to it, plug by plug: ${paint("cyan", `${server.address}/inspector/`)}\n\n`] : ["\n"]
  ].join("\n")
}
