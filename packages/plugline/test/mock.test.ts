/** The scripted provider is registered and asked like any other. */
import { LlmError } from "@plugline/core"
import { Registry } from "@plugline/providers"
import { Mock } from "@plugline/testing"
import { make, plugline } from "plugline"
import { describe, expect, it } from "vitest"

describe("Mock.provider", () => {
  it("answers every operation by its name", async () => {
    const mock = Mock.provider([
      "Hello",
      "streamed",
      "and so on",
      Mock.result({ type: "embeddings", embeddings: [[1, 2]], usage: { inputTokens: { total: 1 }, outputTokens: {} } }),
      Mock.result({ type: "list_models", models: [{ id: "m" }] }),
      Mock.result({ type: "validate", usable: true })
    ], { name: "actor" })
    const face = plugline.register(mock)
    expect((await face.chat("actor", "Hi")).text).toBe("Hello")
    let text = ""
    for await (const piece of face.textStream("actor", "Hi")) text += piece
    expect(text).toBe("streamed")
    expect((await face.complete("actor", "Once")).text).toBe("and so on")
    expect((await face.embed("actor", "Hi")).embeddings).toEqual([[1, 2]])
    expect((await face.listModels("actor")).models).toEqual([{ id: "m" }])
    expect(await face.validate("actor")).toMatchObject({ usable: true })
    expect(mock.calls.map(({ request }) => [request.provider, request.operation])).toEqual(
      ["chat", "stream", "completion", "embeddings", "list_models", "validate"].map((operation) => ["actor", operation])
    )
    expect(mock.left()).toBe(0)
    await expect(face.chat("actor", "Hi")).rejects.toMatchObject({ reason: { _tag: "Configuration" } })
    mock.reset()
    expect((await face.chat("actor", "Hi")).text).toBe("Hello")
    await face.close()
  })

  it("is an ordinary member of a registry, needs no key, and says so when the script does not fit", async () => {
    const mock = Mock.provider(() => "always")
    const registry = Registry.make([mock])
    expect(registry.names).toEqual(["mock"])
    expect(registry.pipeline("mock", "embeddings")).toBe(mock.pipeline)
    const { embed, stream, close } = make({ providers: [mock] })
    await expect(embed(mock, "Hi")).rejects.toBeInstanceOf(LlmError.LlmError)
    const types: Array<string> = []
    for await (const { type } of stream(mock, "Hi")) types.push(type)
    expect(types).toEqual(["text-start", "text-delta", "text-end", "finish"])
    await close()
  })
})
