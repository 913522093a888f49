/** The laws, for every pipeline and provider that is shipped. */
import { Laws } from "@plugline/testing"
import { local } from "@plugline/providers/local"
import { openai } from "@plugline/providers/openai"
import { Effect, Layer, Redacted } from "effect"
import { Credentials, type Operation, Pipeline, Transport } from "plugline"
import { describe, expect, it } from "vitest"

const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, completion_tokens_details: { reasoning_tokens: 1 } }
const whole = JSON.stringify({
  id: "c1", object: "chat.completion", created: 1741569952, model: "m-1",
  choices: [{
    index: 0,
    finish_reason: "tool_calls",
    message: {
      role: "assistant", content: "Hé 😀 there", reasoning_content: "hm, hm",
      tool_calls: [{ id: "t1", type: "function", function: { name: "look", arguments: `{"at":"wörld"}` } }]
    }
  }],
  usage
})
const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: "c1", created: 1741569952, model: "m-1", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
const stream = [
  chunk({ role: "assistant", reasoning_content: "hm, " }), chunk({ reasoning_content: "hm" }), chunk({ content: "Hé 😀" }), chunk({ content: " there" }),
  chunk({ tool_calls: [{ index: 0, id: "t1", type: "function", function: { name: "look", arguments: "" } }] }),
  chunk({ tool_calls: [{ index: 0, function: { arguments: `{"at":` } }] }), chunk({ tool_calls: [{ index: 0, function: { arguments: `"wörld"}` } }] }),
  chunk({}, "tool_calls"), `data: ${JSON.stringify({ choices: [], usage })}\n\n`, "data: [DONE]\n\n"
].join("")

const services = Layer.merge(
  Transport.memory(({ stream: streams }) =>
    Effect.succeed({ status: 200, headers: {}, body: streams ? [new TextEncoder().encode(stream)] : whole })),
  Credentials.memory({ openai: Redacted.make("sk-canary0123456789") })
)

describe.each([["local", local], ["openai", openai]] as const)("the pipelines of %s", (_, provider) => {
  for (const operation of Object.keys(provider.pipelines) as ReadonlyArray<Operation>) {
    const pipeline: Pipeline<Transport | Credentials> = provider.pipelines[operation]!
    Laws.pipeline(pipeline, { services, numRuns: 12 }).forEach(({ check, law }) => it(`${operation}: ${law}`, check))
  }
})

describe("the wire of openai", () => {
  const laws = Laws.provider({ name: "openai", wire: openai.wires.chat!, exchanges: [{ whole, stream }], numRuns: 60 })
  it("has laws", () => expect(laws.length).toBeGreaterThan(3))
  laws.forEach(({ check, name }) => it(name, check))
})
