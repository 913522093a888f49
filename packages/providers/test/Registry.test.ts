import { LlmError, type Operation } from "@plugline/core"
import { compatible, Registry } from "@plugline/providers"
import { local } from "@plugline/providers/local"
import { openai } from "@plugline/providers/openai"
import { describe, expect, it } from "vitest"

const reasonOf = (f: () => unknown): LlmError["reason"] => {
  try {
    f()
  } catch (thrown) {
    if (LlmError.isLlmError(thrown)) return thrown.reason
  }
  throw new Error("expected an LlmError")
}

describe("Registry", () => {
  const chatty = compatible({ name: "chatty", baseUrl: "https://chatty.test/v1", keys: ["CHATTY_KEY"], operations: ["chat", "stream"] })
  const registry = Registry.make([local, openai]).add(chatty)

  it("finds providers and their pipelines", () => {
    expect(registry.names).toEqual(["local", "openai", "chatty"])
    expect(registry.get("openai")).toBe(openai)
    expect(registry.pipeline("local", "chat")).toBe(local.pipelines.chat)
    expect([registry.has("local"), registry.has("toString")]).toEqual([true, false])
  })

  it("says what was meant by a name it does not know", () => {
    expect(reasonOf(() => registry.get("opnai"))).toMatchObject({ _tag: "Configuration", option: "provider", message: "unknown provider \"opnai\"; did you mean \"openai\"?" })
    expect(reasonOf(() => registry.get("__proto__"))._tag).toBe("Configuration")
  })

  it("names who has an operation that a provider has not", () => {
    expect(reasonOf(() => registry.pipeline("chatty", "embeddings"))).toMatchObject({
      _tag: "Unsupported",
      alternatives: ["local", "openai"],
      message: "chatty has no operation \"embeddings\"; these have: local, openai"
    })
  })

  it("takes no word of the language for an operation", () => {
    for (const word of ["constructor", "toString", "__proto__"]) {
      expect(reasonOf(() => registry.pipeline("local", word as Operation))._tag).toBe("Unsupported")
    }
  })

  it("a provider of the same name takes the place of the one before, in a registry of its own", () => {
    const other = compatible({ name: "chatty", baseUrl: "https://other.test", keys: [] })
    const changed = registry.add(other)
    expect([changed.names, changed.get("chatty"), registry.get("chatty")]).toEqual([["local", "openai", "chatty"], other, chatty])
  })
})

describe("compatible", () => {
  it("is a provider from a few lines, with the operations that were named", () => {
    const chatty = compatible({ name: "chatty", baseUrl: "https://chatty.test/v1/", keys: ["CHATTY_KEY"], operations: ["chat", "stream"] })
    expect(chatty).toMatchObject({ name: "chatty", title: "chatty", baseUrl: "https://chatty.test/v1", needsKey: true })
    expect(Object.keys(chatty.pipelines)).toEqual(["chat", "stream"])
    expect(chatty.authorize("k")).toEqual({ authorization: "Bearer k" })
  })

  it("refuses an address that is none", () => {
    expect(reasonOf(() => compatible({ name: "x", baseUrl: "nowhere", keys: [] }))).toMatchObject({ _tag: "Configuration", option: "baseUrl" })
  })
})
