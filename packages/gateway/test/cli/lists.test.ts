import { join } from "node:path"
import { builtIn } from "plugline"
import { expect, it } from "vitest"
import * as models from "../../src/cli/models.ts"
import * as pipelines from "../../src/cli/pipelines.ts"
import * as providers from "../../src/cli/providers.ts"
import { table } from "../../src/cli/Screen.ts"
import { ended, screen } from "./support.ts"

const config = join(import.meta.dirname, "../../../../examples/gateway.yaml")
const canary = "sk-canary-aaaaaaaaaaaaaaaaaaaaaaaa"
const env = { OPENAI_API_KEY: canary }

it("a table keeps its columns, wraps the last one, and lets no text move the cursor", () => {
  const columns = [{ title: "A" }, { title: "NUMBER", right: true }, { title: "REST" }]
  const out = table(columns, [["x\u001b[2Jyz", "1", "one two three four five six"], ["b", "22", ""]], { columns: 36, color: false })
  expect(out.split("\n")).toEqual([
    "A       NUMBER  REST",
    "x[2Jyz       1  one two three four",
    "                five six",
    "b           22",
    ""
  ])
})

it("providers says which key is set and never what it is", async () => {
  const out = screen()
  expect(await ended(providers.list({ env, ready: false, name: undefined, json: false }, out))).toBeUndefined()
  expect(out.text()).toMatch(/^openai +OPENAI_API_KEY +set +chat stream/m)
  expect(out.text()).toMatch(/^anthropic +ANTHROPIC_API_KEY +not set/m)
  expect(out.text()).toMatch(/^local +none +not needed/m)
  expect(out.text()).toContain("Can be asked with what the environment holds: local, openai.")
  expect(out.text()).not.toContain(canary)
  const facts = providers.facts(builtIn, { ...env, ANTHROPIC_API_KEY: "  " })
  expect(facts.filter(({ ready }) => ready).map(({ name }) => name)).toEqual(["local", "openai"])
  expect(facts.find(({ name }) => name === "anthropic")?.keys).toContainEqual({ variables: ["ANTHROPIC_API_KEY"], set: false })
  const machine = screen()
  await ended(providers.list({ env, ready: true, name: "openai", json: true }, machine))
  expect(JSON.parse(machine.text())).toMatchObject([{ name: "openai", ready: true, keys: [{ variables: ["OPENAI_API_KEY"], set: true }] }])
  expect(await ended(providers.list({ env, ready: false, name: "opnai", json: false }, screen()))).toContain('did you mean "openai"?')
})

const asked = { config: undefined, env, provider: undefined, all: false, holds: undefined, json: false }

it("models lists what is offered, with what it holds and costs", async () => {
  const out = screen()
  expect(await ended(models.list({ ...asked, holds: "GPT-5-mini" }, out))).toBeUndefined()
  expect(out.text()).toMatch(/^openai\/gpt-5-mini +400,000 +128,000 +\$0\.25 +\$2$/m)
  expect(out.text()).not.toContain("anthropic")
  const aliases = screen()
  await ended(models.list({ ...asked, config, json: true }, aliases))
  expect(JSON.parse(aliases.text())).toContainEqual({
    id: "fast", provider: "openai", target: "openai/gpt-5-mini", context: 400000, maxOutput: 128000, input: "0.25", output: "2"
  })
})

it("models says what to do where nothing is set up, and knows the whole catalog", async () => {
  const bare = screen()
  await ended(models.list({ ...asked, env: {} }, bare))
  expect(bare.text()).toContain("No service is set up")
  expect(await ended(models.list({ ...asked, env: {}, provider: "openai" }, screen()))).toContain("--all")
  expect(await ended(models.list({ ...asked, provider: "opnai" }, screen()))).toContain('did you mean "openai"?')
  const all = screen()
  await ended(models.list({ ...asked, env: {}, all: true, provider: "anthropic" }, all))
  expect(all.text()).toMatch(/^anthropic\/claude-/m)
  const none = screen()
  await ended(models.list({ ...asked, holds: "no-such-model" }, none))
  expect(none.text()).toBe('No model\'s name holds "no-such-model".\n')
})

it("pipelines shows each line with what goes through it", async () => {
  const bare = screen()
  await ended(pipelines.list({ config: undefined, env, name: undefined, json: false }, bare))
  expect(bare.text()).toMatch(/^default \(chat, stream, .*which is built in\)\n {2}metrics\n/)
  const file = screen()
  await ended(pipelines.list({ config, env, name: undefined, json: false }, file))
  expect(file.text()).toContain("steady (model careful, tenant acme)\n  metrics\n")
  expect(file.text()).toContain("vectors (embeddings)\n")
  const one = screen()
  await ended(pipelines.list({ config, env, name: "steady", json: true }, one))
  const [steady] = JSON.parse(one.text()) as [{ readonly plugs: ReadonlyArray<{ readonly name: string; readonly options: unknown }> }]
  expect(steady.plugs.map(({ name }) => name).at(-1)).toBe("ask")
  expect(steady.plugs.find(({ name }) => name === "cache")?.options).toEqual({ ttl: "1 hour" })
  expect(await ended(pipelines.list({ config, env, name: "stedy", json: false }, screen()))).toContain('did you mean "steady"?')
})
