import { Providers } from "@plugline/plugs"
import { Mock } from "@plugline/testing"
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { builtIn, layer, Registry } from "plugline"
import { describe, expect, it } from "vitest"
import { batch, type Input } from "../../src/cli/batch.ts"
import { answeredBefore, isAsked, linesOf } from "../../src/cli/batchLines.ts"
import { bar, duration, money } from "../../src/cli/progress.ts"
import { ended, folder, screen } from "./support.ts"

const whom = { provider: "local", model: undefined }
const ask = (text: string, fields: object = {}) => JSON.stringify({ ...fields, messages: [{ role: "user", content: text }] })

const results = (path: string) =>
  readFileSync(path, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as {
    readonly custom_id: string
    readonly response: { readonly status_code: number; readonly body: { readonly choices: ReadonlyArray<{ readonly message: { readonly content: string } }> } } | null
    readonly error: { readonly code: string } | null
  })

const setUp = (lines: ReadonlyArray<string>, changes: Partial<Input> = {}): Input => {
  const dir = folder()
  const file = join(dir, "in.jsonl")
  writeFileSync(file, lines.join("\n"))
  return { file, out: join(dir, "out.jsonl"), provider: "local", model: undefined, concurrency: 2, resume: false, json: true, ...changes }
}

/** Runs a batch over a provider that counts. */
const run = async (input: Input, answer: (text: string) => string | ReturnType<typeof Mock.fail> = (text) => `answer to ${text}`, terminal = false) => {
  const asked: Array<string> = []
  const mock = Mock.make((request) => {
    const [message] = request.messages
    const text = message?.role === "user" && message.content[0]?.type === "text" ? message.content[0].text : ""
    asked.push(text)
    return answer(text)
  })
  const out = screen()
  let shown = ""
  const meter = { write: (more: string) => void (shown += more), columns: 80, terminal }
  const program = batch(input, Registry.make(builtIn), out, meter)
  const told = await ended(Effect.provide(Effect.provide(program, Providers.of({ local: mock.pipeline })), layer))
  return { told, asked: asked.toSorted(), text: out.text(), shown }
}

describe("batch", () => {
  it("asks OpenAI's lines and bare ones, and writes each result with its id", async () => {
    const input = setUp([
      JSON.stringify({ custom_id: "a", method: "POST", url: "/v1/chat/completions", body: JSON.parse(ask("one", { model: "m" })) }),
      "",
      ask("two"),
      ask("three", { custom_id: "c" })
    ])
    const { asked, text, told } = await run(input)
    expect(told).toBeUndefined()
    expect(asked).toEqual(["one", "three", "two"])
    expect(Object.fromEntries(results(input.out).map(({ custom_id, response }) =>
      [custom_id, response?.body.choices[0]!.message.content]))).toEqual({ a: "answer to one", "line-3": "answer to two", c: "answer to three" })
    expect(JSON.parse(text)).toMatchObject({ lines: 3, answered: 3, resumed: 0, failed: 0 })
  })

  it("writes down what failed and what could not be read, and fails in the end", async () => {
    const input = setUp([ask("good"), "{broken", ask("bad"), ask("x", { custom_id: "s", stream: true }), JSON.stringify({ custom_id: "t", messages: 3 })])
    const { told } = await run(input, (text) => text === "bad" ? Mock.fail({ _tag: "ContentPolicy", message: "no" }) : "fine")
    expect(told).toBe(`4 of 5 failed; ${input.out} says why, and --resume asks those again`)
    const found = new Map(results(input.out).map((each) => [each.custom_id, each]))
    expect(found.get("line-1")?.response?.status_code).toBe(200)
    expect(found.get("line-2")).toMatchObject({ response: null, error: { code: "invalid_json_line" } })
    expect(found.get("line-3")?.response?.status_code).toBe(400)
    expect(found.get("s")?.error?.code).toBe("invalid_body")
    expect(found.size).toBe(5)
  })

  it("goes on where it stood: asks what failed, what was cut off and what has changed, and nothing else", async () => {
    const input = setUp([ask("kept"), ask("failing"), ask("cut"), ask("old")])
    await run(input, (text) => text === "failing" ? Mock.fail({ _tag: "ContentPolicy", message: "no" }) : `first ${text}`)
    const lines = readFileSync(input.out, "utf8").split("\n").filter((line) => !line.includes("first cut"))
    writeFileSync(input.out, `${lines.join("\n")}{"id":"batch_req`)
    writeFileSync(input.file, [ask("kept"), ask("failing"), ask("cut"), ask("new")].join("\n"))
    const again = await run({ ...input, resume: true }, (text) => `second ${text}`)
    expect(again.asked).toEqual(["cut", "failing", "new"])
    expect(JSON.parse(again.text)).toMatchObject({ lines: 4, answered: 4, resumed: 1, failed: 0 })
    expect(results(input.out).map(({ custom_id, response }) => [custom_id, response?.body.choices[0]!.message.content]).toSorted()).toEqual([
      ["line-1", "first kept"], ["line-2", "second failing"], ["line-3", "second cut"], ["line-4", "second new"]
    ])
  })

  it("writes nothing over, and tells of files and providers that are not there", async () => {
    const input = setUp([ask("x")])
    writeFileSync(input.out, "mine")
    const { asked, told } = await run(input)
    expect([told, asked, readFileSync(input.out, "utf8")]).toEqual([expect.stringContaining("--resume"), [], "mine"])
    expect((await run({ ...input, file: "/no/such" })).told).toContain("/no/such cannot be used")
    expect((await run({ ...input, provider: "opnai" })).told).toContain('did you mean "openai"?')
  })

  it("shows progress on a terminal alone", async () => {
    expect((await run(setUp([ask("a"), ask("b")]), undefined, true)).shown).toMatch(/\r\[█+░+\] {2}1\/2 .*\r\[█+\] {2}2\/2 .*\r\u001b\[K$/s)
    expect((await run(setUp([ask("a")]))).shown).toBe("")
  })
})

it("a line keeps its id as long as it asks the same of the same", () => {
  const idOf = (text: string, given: { readonly provider: string; readonly model: string | undefined }) => {
    const [line] = linesOf(text, given)
    return isAsked(line!) ? line.id : undefined
  }
  const id = idOf(ask("x"), whom)
  expect(id).toMatch(/^batch_req_[0-9a-f]{32}$/)
  expect(idOf(`\ufeff${ask("x")}`, whom)).toBe(id)
  expect(idOf(ask("y"), whom)).not.toBe(id)
  expect(idOf(ask("x"), { ...whom, model: "m" })).not.toBe(id)
  expect(idOf(ask("x"), { ...whom, provider: "openai" })).not.toBe(id)
  expect(answeredBefore("null\n3\n{\"response\":null}\n").size).toBe(0)
})

it("progress is one line, whatever the width", () => {
  const progress = {
    done: 12, failed: 2, resumed: 4, total: 40, tokens: { input: 1, output: 1 }, cost: "0.001234", unknownCosts: 0, elapsed: 5_000, eta: 125_000
  }
  expect(bar(progress, 80)).toBe("[█████████░░░░░░░░░░░░░░░░░░]  14/40  2.0/s  2 min 5 s left  2 failed  $0.00123")
  for (const columns of [10, 30, 50, 80, 200]) expect(bar(progress, columns).length).toBeLessThan(columns)
  expect([duration(0), duration(1_500), duration(3_700_000)]).toEqual(["0 ms", "2 s", "1 h 1 min"])
  expect([money("0"), money("0.00001"), money("12.345")]).toEqual(["$0.00", "$0.00001", "$12.35"])
})
