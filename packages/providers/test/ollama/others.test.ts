/**
 * Completion and embeddings in Ollama's words, and where Ollama is.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { Message, Pipeline } from "@plugline/core"
import { ConfigProvider, Effect, Layer } from "effect"
import { describe, expect } from "vitest"
import { Credentials } from "../../src/Credentials.ts"
import { ollama } from "../../src/ollama.ts"
import { type Outgoing, Transport } from "../../src/Transport.ts"
import { answer, failure, prepared, request } from "./support.ts"

const image = "iVBORw0KGgoAAAANSUhEUg=="

describe("completion and embeddings", () => {
  it("go on from a text, with rules, images and what generate alone knows", () => {
    const sent = prepared({
      operation: "completion",
      config: { stream: true },
      messages: [
        Message.system("Be brief."),
        {
          role: "user",
          content: [{ type: "text", text: "def f(" }, { type: "file", mediaType: "image/*", data: image }]
        }
      ],
      options: { maxTokens: 5, providerOptions: { ollama: { suffix: "return", raw: true } } }
    })
    expect(sent.request.body).toStrictEqual({
      model: "m", prompt: "def f(", system: "Be brief.", images: [image], options: { num_predict: 5 }, suffix: "return", raw: true, stream: true
    })
    expect(
      failure(() => prepared({ operation: "completion", messages: [Message.assistant("a")] })).reason._tag
    ).toBe("Unsupported")
  })

  it("make a vector of each message", () => {
    const messages = [Message.user("a"), Message.user("b")]
    expect(
      prepared({
        operation: "embeddings",
        messages,
        options: { dimensions: 8, providerOptions: { ollama: { truncate: false } } }
      }).request.body
    )
      .toStrictEqual({ model: "m", input: ["a", "b"], dimensions: 8, truncate: false })
    expect(
      prepared({ operation: "embeddings", config: { api: "legacy" } }).request.body
    ).toStrictEqual({ model: "m", prompt: "Hello" })
    expect(
      failure(() => prepared({ operation: "embeddings", config: { api: "legacy" }, messages })).reason._tag
    ).toBe("Unsupported")
    expect(
      failure(
        () => prepared({ operation: "embeddings", config: { api: "legacy" }, options: { dimensions: 8 } })
      ).reason._tag
    ).toBe("Unsupported")
    expect(
      failure(
        () => prepared({
          operation: "embeddings",
          messages: [{ role: "user", content: [{ type: "file", mediaType: "image/png", data: image }] }]
        })
      ).reason._tag
    ).toBe("Unsupported")
  })
})

describe("OLLAMA_HOST", () => {
  const read = ollama.settings!.host!.read!

  it.each([
    ["http://10.0.0.5:1234", "http://10.0.0.5:1234"],
    ["https://ollama.example", "https://ollama.example"],
    ["https://ollama.example/base", "https://ollama.example/base"],
    ["10.0.0.5", "http://10.0.0.5:11434"],
    ["10.0.0.5:80", "http://10.0.0.5:80"],
    ["localhost", "http://localhost:11434"],
    ["0.0.0.0", "http://127.0.0.1:11434"],
    ["0.0.0.0:80", "http://127.0.0.1:80"],
    [":80", "http://127.0.0.1:80"],
    ["[::1]:80", "http://[::1]:80"],
    ["[::1]", "http://[::1]:11434"],
    ["::1", "http://[::1]:11434"],
    ["[::]", "http://127.0.0.1:11434"],
    ["http://0.0.0.0:11434", "http://127.0.0.1:11434"]
  ])("%s is %s", (said, address) => {
    expect(read(said)).toBe(address)
    expect(URL.parse(address)).not.toBeNull()
  })

  it.effect("says where a call goes, and the key from the environment with it", () =>
    Effect.gen(function*() {
      const sent: Array<Outgoing> = []
      const transport = Transport.memory((outgoing) => {
        sent.push(outgoing)
        return Effect.succeed({ status: 200, headers: {}, body: JSON.stringify(answer({ content: "Hi" })) })
      })
      const env = ConfigProvider.layer(ConfigProvider.fromEnv({ env: { OLLAMA_HOST: "10.0.0.5", OLLAMA_API_KEY: "k-1" } }))
      const layer = Layer.provideMerge(Layer.mergeAll(transport, Credentials.fromEnv), env)
      const final = yield* Effect.provide(Pipeline.run(ollama.pipelines.chat, request()), layer)
      expect(final.errors).toEqual([])
      expect(sent[0]?.url).toBe("http://10.0.0.5:11434/api/chat")
      expect(Transport.headersOf(sent[0]!)).toMatchObject({ authorization: "Bearer k-1" })
    }))
})
