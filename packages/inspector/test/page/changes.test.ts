import { Diff } from "@plugline/core"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { align, words } from "../../src/page/ui/align.ts"
import { part } from "../../src/page/ui/changes.ts"
import type { Said } from "../../src/page/ui/said.ts"

const say = (role: string, text: string): Said => ({ role, content: [{ type: "text", text }] })

const between = (before: object, after: object) => part(Diff.between(before, after), { before, after })

describe("conversations", () => {
  const [rules, hi, hello, bye] = [say("system", "Be brief."), say("user", "Hi"), say("assistant", "Hello"), say("user", "Bye")]

  it("one message more at the front is one message more", () => {
    expect(align([hi, hello], [rules, hi, hello]).map(({ kind }) => kind)).toEqual(["added", "same", "same"])
  })

  it("messages that went are gone, and those behind stay", () => {
    expect(align([rules, hi, hello, bye], [rules, bye]).map(({ kind }) => kind)).toEqual(["same", "removed", "removed", "same"])
  })

  it("a message of the same role in its place was changed", () => {
    const changed = align([rules, hi], [say("system", "Be brief. Be kind."), hi])
    expect(changed[0]).toMatchObject({ kind: "changed", before: 0, after: 0, from: rules })
  })

  it("loses no message, whatever changes", () => {
    const messages = fc.array(
      fc.record({ role: fc.constantFrom("user", "assistant"), content: fc.constantFrom("a", "b", "c") }),
      { maxLength: 6 }
    )
    fc.assert(
      fc.property(messages, messages, (before, after) => {
        const aligned = align(before, after)
        const was = aligned.flatMap((each) => (each.kind === "added" ? [] : [each.kind === "changed" ? each.from : each.message]))
        const is = aligned.flatMap((each) => (each.kind === "removed" ? [] : [each.kind === "changed" ? each.to : each.message]))
        expect(was).toEqual(before)
        expect(is).toEqual(after)
      })
    )
  })
})

describe("words", () => {
  it("tells what came and what went, and keeps every character", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const found = words(before, after)
        expect(
          found
            .filter(({ kind }) => kind !== "added")
            .map(({ text }) => text)
            .join("")
        ).toBe(before)
        expect(
          found
            .filter(({ kind }) => kind !== "removed")
            .map(({ text }) => text)
            .join("")
        ).toBe(after)
      })
    )
    expect(words("You are kind.", "You are very kind.").filter(({ kind }) => kind === "added")).toEqual([
      { kind: "added", text: "very " }
    ])
  })

  it("gives up on texts that are far too long, without losing one", () => {
    const long = "x".repeat(150_000)
    expect(words(long, `${long}y`)).toEqual([
      { kind: "removed", text: long },
      { kind: "added", text: `${long}y` }
    ])
  })
})

describe("what is shown of a diff", () => {
  const base = { messages: [say("user", "Hi")], options: { temperature: 1 } }

  it("counts what a person sees, not every path", () => {
    const after = { messages: [say("system", "Be brief."), say("user", "Hi")], options: { temperature: 0 } }
    const { count, rest, talk } = between(base, after)
    expect(talk?.map(({ kind }) => kind)).toEqual(["added", "same"])
    expect(rest.map(({ path }) => path)).toEqual(["options.temperature"])
    expect(count).toBe(2)
  })

  it("shows an answer as an answer", () => {
    const after = { ...base, result: { content: [{ type: "text", text: "Hello" }], usage: {} } }
    const shown = between(base, after)
    expect(shown.answer).toEqual({ before: undefined, after: after.result.content })
    expect(shown.count).toBe(1)
    const changed = between(after, { ...base, result: { content: [{ type: "text", text: "Hello there" }], usage: {} } })
    expect(changed.rest).toEqual([])
    expect(changed.count).toBe(1)
  })

  it("says nothing where nothing changed", () => {
    expect(between(base, base)).toEqual({ rest: [], count: 0 })
  })
})
