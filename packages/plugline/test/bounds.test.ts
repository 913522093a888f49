/** However long a line or an event of a stream is, no wire keeps more of it than its bound. */
import { type Config, type Part, Request } from "@plugline/core"
import { all } from "@plugline/providers/all"
import { describe, expect, it } from "vitest"

const mebi = Buffer.alloc(1024 * 1024, "x")
const request = (provider: string, config: Config) =>
  Request.make({ provider, operation: "stream", messages: "Hi", options: { model: "m" }, config })

/** The beginning of what each kind of stream is made of. Bedrock's is binary, and has its own test. */
const beginnings = [`data: {"text":"`, `event: message\ndata: "`, `{"text":"`]

/** Those of OpenAI's wire share one reader. */
const providers: ReadonlyArray<readonly [string, Config]> = [
  ["openai", {}], ["openai", { api: "responses" }], ["anthropic", {}], ["google", {}], ["vertex", {}], ["cohere", {}],
  ["cohere", { api: "v1" }], ["ollama", {}], ["mistral", {}], ["azure", {}]
]

describe.each(providers)("the stream of %s %j", (name, config) => {
  const wire = all.find((provider) => provider.name === name)!.wires.chat!

  it.each(beginnings)("that begins with %j and has no end is given up", (beginning) => {
    const decoder = wire.parts!(request(name, config))
    const parts: Array<Part> = [...decoder.push(Buffer.from(beginning))]
    let pushed = 0
    while (pushed < 80 && !parts.some(({ type }) => type === "error")) {
      parts.push(...decoder.push(mebi))
      pushed++
    }
    expect(parts.map(({ type }) => type)).toEqual(["error"])
    expect(parts[0]).toMatchObject({ error: { reason: { _tag: "MalformedResponse" } } })
    expect(decoder.push(mebi)).toEqual([])
  })
})
