import { Providers } from "@plugline/plugs"
import { Mock } from "@plugline/testing"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { builtIn, layer, LlmError, Registry } from "plugline"
import { describe, expect, it } from "vitest"
import { evaluate } from "../../src/cli/eval.ts"
import { casesOf, fault } from "../../src/cli/evalCases.ts"
import { ended, folder, screen } from "./support.ts"

const refusal = (text: string): string => {
  try {
    casesOf(text, "c.yaml")
  } catch (thrown) {
    return LlmError.fromUnknown(thrown).reason.message
  }
  throw new Error("nothing was refused")
}

describe("what an answer has to be", () => {
  it("is equal, contains, lacks, matches, or is JSON of a form", () => {
    expect(fault(" 42\n", { equals: "42" })).toBeUndefined()
    expect(fault("43", { equals: "42" })).toBe('is not "42"')
    expect(fault("It is Paris.", { contains: ["paris", "is"], lacks: "London" })).toBeUndefined()
    expect(fault("It is Paris.", { contains: ["paris", "Rome"] })).toBe('does not contain "Rome"')
    expect(fault("London, not Paris", { contains: "paris", lacks: "london" })).toBe('contains "london"')
    expect(fault("a1", { matches: "^[a-z]\\d$" })).toBeUndefined()
    expect(fault("1a", { matches: "^[a-z]\\d$" })).toContain("does not match")
    const schema = { type: "object", required: ["n"], properties: { n: { type: "integer" } } }
    expect(fault("```json\n{\"n\": 1}\n```", { schema })).toBeUndefined()
    expect(fault('{"n":"1"}', { schema })).toContain("another form")
    expect(fault("n = 1", { schema })).toBe("is no JSON")
  })

  it("is said in a file without mistakes", () => {
    expect(refusal("cases:\n  - question: x\n    expct: {}\n")).toContain("c.yaml, line 3: cases.0.expct")
    expect(refusal("cases: []\n")).toContain("cases")
    expect(refusal("cases:\n  - question: x\n    expect: {}\n")).toContain("line 2: cases.0: expects nothing")
    expect(refusal("cases:\n  - question: x\n    expect: { matches: '(' }\n")).toContain("is no regular expression")
    const twice = "  - { name: a, question: x, expect: { equals: y } }\n"
    expect(refusal(`cases:\n${twice}${twice}`)).toContain("line 3: cases.1: \"a\" is the name of another case")
  })
})

describe("eval", () => {
  const file = (text: string): string => {
    const path = join(folder(), "cases.yaml")
    writeFileSync(path, text)
    return path
  }
  const cases = "targets: [local, openai/gpt-5-mini]\ncases:\n  - { name: sums, question: 6 * 7, expect: { contains: '42' } }\n"
  const run = async (path: string, answers: Parameters<typeof Mock.make>[0], json = false, targets: ReadonlyArray<string> = []) => {
    const out = screen()
    const mock = Mock.make(["42"])
    const other = Mock.make(answers)
    const program = evaluate({ file: path, targets, concurrency: 1, json }, Registry.make(builtIn), out)
    const told = await ended(Effect.provide(Effect.provide(program, Providers.of({ local: mock.pipeline, openai: other.pipeline })), layer))
    return { told, text: out.text() }
  }

  it("asks all targets side by side, and fails where one answer is not as expected", async () => {
    const { text, told } = await run(file(cases), ["41"])
    expect(told).toBe("1 of 2 failed")
    expect(text).toMatch(/^CASE +local +openai\/gpt-5-mini\nsums +passed \d+ m?s +FAILED \d+ m?s\nPASSED +1 of 1 +0 of 1\nCOST /)
    expect(text).toContain('sums, openai/gpt-5-mini: the answer does not contain "42"\n  "41"\n')
  })

  it("passes, with targets of its own, for programs", async () => {
    const { text, told } = await run(file(cases), ["42"], true, ["openai/gpt-5-mini"])
    expect(told).toBeUndefined()
    expect(JSON.parse(text)).toMatchObject([{ case: "sums", target: "openai/gpt-5-mini", passed: true, answer: "42" }])
  })

  it("counts an error as a failure, and tells of targets and files that are not there", async () => {
    const { text, told } = await run(file(cases), () => Mock.fail({ _tag: "ContentPolicy", message: "no" }))
    expect([told, text]).toEqual(["1 of 2 failed", expect.stringContaining("(ContentPolicy")])
    expect((await run(file(cases), ["42"], false, ["opnai"])).told).toContain('did you mean "openai"?')
    expect((await run("/no/such.yaml", ["42"])).told).toContain("/no/such.yaml cannot be read")
  })
})
