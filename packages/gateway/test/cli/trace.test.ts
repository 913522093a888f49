/** Recorded requests in the terminal: of a gateway over real services, and of files. */
import { jsonSchema, type Recorded } from "@plugline/inspector"
import { Cascade, Metrics } from "@plugline/plugs"
import { Effect, Fiber, Redacted } from "effect"
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { builtIn, layer, LlmError, Request } from "plugline"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as Credentials from "../../../inspector/src/model/credentials.ts"
import { attributesOf } from "../../../inspector/src/model/gen-ai.ts"
import type { Screen } from "../../src/cli/Screen.ts"
import { trace as askAndKeep } from "../../src/cli/trace/ask.ts"
import { diff } from "../../src/cli/trace/diff.ts"
import { exported } from "../../src/cli/trace/export.ts"
import { list } from "../../src/cli/trace/list.ts"
import { open, pageOf } from "../../src/cli/trace/open.ts"
import { here, inGateway, report } from "../../src/cli/trace/replay.ts"
import { show, type Shown } from "../../src/cli/trace/show.ts"
import { last, load, type Source } from "../../src/cli/trace/Source.ts"
import { type Stage, stage } from "../server/harness.ts"
import { ended, folder, screen } from "./support.ts"

const key = "pk-terminal-0123456789-0123456789"
const pipelines = [
  "  steady:",
  "    - metrics",
  "    - trackCost",
  "    - { plug: cache, ttl: 1 hour }",
  "    - { plug: fallback, steps: [{ provider: openai, model: well }] }",
  "    - { plug: retry, attempts: 2, base: 1 }"
].join("\n")

let place: Stage
let source: Source
const ids: Record<string, string> = {}

const ask = async (name: string, body: object): Promise<void> => {
  const response = await fetch(`${place.address}/v1/chat/completions`, {
    method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${key}` }, body: JSON.stringify(body)
  })
  ids[name] = response.headers.get("x-request-id")!
  await response.text()
}

beforeAll(async () => {
  place = await stage({
    pipelines,
    yaml: `auth: { keys: [{ name: terminal, role: admin, key: ${key} }] }\nroutes: { default: steady }\nstores: { kind: memory }\ninspector: { sample: 1 }`
  })
  source = { url: place.address, key: Redacted.make(key) }
  const messages = [{ role: "user", content: "Hello\u001b[2J" }]
  await ask("first", { model: "openai/well", messages })
  await ask("hit", { model: "openai/well", messages })
  await ask("fallback", { model: "anthropic/529", messages, stream: true })
  await vi.waitFor(async () => expect(await Effect.runPromise(last(source))).toBe(ids.fallback))
})

afterAll(() => place.close())

const nothing: Shown = { step: undefined, explain: false, json: false }

const told = async <A>(effect: Effect.Effect<A, unknown>): Promise<A> => Effect.runPromise(effect)
const of = (name: string): Promise<Recorded> => told(load(ids[name]!, source, screen()))

const written = async (run: (screen: Screen) => Parameters<typeof ended>[0]) => {
  const out = screen()
  const failed = await ended(run(out))
  return { text: out.text(), failed }
}

describe("requests of a gateway", () => {
  it("are listed, newest first, and narrowed down", async () => {
    const { text } = await written((out) => list({ query: { limit: 20 }, json: false }, source, out))
    expect(text).toMatch(/^TIME +STATUS +TOOK +FIRST +TOKENS +COST +TRIES +CACHE +MODEL +PIPELINE +ID\n/)
    expect(text.split("\n").slice(1, 4).map((line) => line.split(/\s+/).at(-1))).toEqual([ids.fallback, ids.hit, ids.first])
    expect(text).toMatch(/200 .* hit +openai\/\S* +steady +req_/)
    const hits = await written((out) => list({ query: { limit: 20, cache: "hit" }, json: true }, source, out))
    expect((JSON.parse(hits.text) as { traces: ReadonlyArray<{ id: string }> }).traces.map(({ id }) => id)).toEqual([ids.hit])
    expect((await written((out) => list({ query: { status: "500" }, json: false }, source, out))).text).toContain("None of 3 requests is like that.")
    expect((await written((out) => list({ query: { status: "often" }, json: false }, source, out))).failed).toContain("429")
  })

  it("are shown plug by plug, back and forth, with the services that were asked", async () => {
    const recorded = await of("fallback")
    const { text } = await written((out) => show(recorded, nothing, out))
    expect(text).toMatch(/^req_\S+ {2}Answered by openai\/well in .*, after 2 tries that failed\.\n/)
    expect(text).toMatch(/^ *4 {2}fallback +[\d.]+ ms +(\d+ %)? +changed/m)
    expect(text).toMatch(/^ +attempt 1 +failed$/m)
    expect(text).toMatch(/send \(2\) .* failed +✗ .*\(Overloaded 529\)/)
    expect(text).toContain("On the way back\n")
    expect(text).toMatch(/At the end of the stream\n[^]*\d+ +trackCost +\+ assigns\["trackCost\.cost"\]/)
    expect(text.match(/^529 .*POST http/gm)?.length).toBe(2)
    expect(text).toMatch(/^Answer \d+ parts, from .*\n\S/m)
    expect(text).not.toContain("\u001b")
    expect(text).not.toContain("sk-test")
    for (const line of text.split("\n").slice(3)) expect(line.length).toBeLessThan(200)
  })

  it("have colours where there are any", async () => {
    const out = screen({ color: true })
    await told(show(await of("fallback"), nothing, out) as Effect.Effect<void>)
    expect(out.text()).toContain("\u001b[31m✗\u001b[39m")
    expect(out.text()).not.toContain("\u001b[2J")
  })

  it("are explained in sentences and one line that draws it", async () => {
    const recorded = await of("fallback")
    const { text: said } = await written((out) => show(recorded, { ...nothing, explain: true }, out))
    expect(said).toContain(" → anthropic/529 ×2 (529, 529) → openai/well (200) → answer (")
    expect(said).toMatch(/^model +The fallback was needed \(anthropic\/529: .* \(Overloaded 529\)\), so openai\/well answered\.$/m)
    const hit = await of("hit")
    expect((await written((out) => show(hit, { ...nothing, explain: true }, out))).text).toMatch(/^cache +The answer came from the cache, \S+ m?s old\.$/m)
  })

  it("show one step in full, and all of them to programs", async () => {
    const recorded = await of("first")
    const { text } = await written((out) => show(recorded, { ...nothing, json: true }, out))
    const { steps } = JSON.parse(text) as { steps: ReadonlyArray<{ step: number; plug: string; direction: string }> }
    const prepare = steps.find(({ direction, plug }) => plug === "prepare" && direction === "down")!
    const full = await written((out) => show(recorded, { ...nothing, step: prepare.step }, out))
    expect(full.text).toContain(`step ${prepare.step} of ${steps.length}, on the way down`)
    expect(full.text).toMatch(/^providerRequest\n {2}\+ \{\n {2}\+ {3}"method": "POST",$/m)
    expect(full.text).toMatch(/^ {2}"id": "req_/m)
    const one = await written((out) => show(recorded, { ...nothing, step: prepare.step, json: true }, out))
    expect(JSON.parse(one.text)).toMatchObject({ plug: "prepare", direction: "down", before: { id: ids.first }, after: { providerRequest: { method: "POST" } } })
    expect((await written((out) => show(recorded, { ...nothing, step: 99 }, out))).failed).toBe(`it has ${steps.length} steps, counted from 1: there is no step 99`)
  })

  it("go the same way again, and say so", async () => {
    for (const name of ["first", "fallback"]) {
      const outcome = await told(inGateway(ids[name]!, source))
      const { failed, text } = await written((out) => report(outcome, false, out))
      expect([text, failed]).toEqual(["Equal: it went the same way, step by step.\n", undefined])
    }
  })

  it("are compared: what each plug did another way, and nothing else", async () => {
    const [a, b] = [await of("first"), await of("fallback")]
    const same = await written((out) => diff(a, a, false, out))
    expect([same.text, same.failed]).toEqual(["The two went the same way, plug by plug.\n", undefined])
    const { failed, text } = await written((out) => diff(a, b, false, out))
    expect(text).toMatch(/^What was asked\n {2}~ operation: "chat" → "stream"\n {2}~ provider: "openai" → "anthropic"/)
    expect(text).toMatch(/^fallback 3\n {2}\S/m)
    expect(text).not.toMatch(/^metrics 0/m)
    expect(failed).toMatch(/^they differ at \d+ of \d+ plugs: the first is req_/)
    expect(JSON.parse((await written((out) => diff(a, b, true, out))).text)).toMatchObject({ same: false, request: { changed: expect.anything() } })
  })
})

describe("files", () => {
  it("hold all of it, for their owner alone, and the schema describes them", async () => {
    const recorded = await of("fallback")
    const path = join(folder(), "one.json")
    const { text } = await written((out) => exported(recorded, "json", path, out))
    expect(text).toBe(`it is in ${path}\n`)
    expect(statSync(path).mode & 0o077).toBe(0)
    expect(await told(load(path, source, screen()))).toEqual(recorded)
    expect(await told(load("-", source, screen({ piped: Effect.succeed(readFileSync(path, "utf8")) })))).toEqual(recorded)
    expect(Cascade.fits(recorded, jsonSchema)).toBe(true)
    expect(Cascade.fits({ ...recorded, summary: { ...recorded.summary, at: "now" } }, jsonSchema)).toBe(false)
    expect(readFileSync(path, "utf8")).not.toContain("sk-test")
  })

  it("go the same way in the pipeline of their configuration, and another way in another", async () => {
    const recorded = await of("fallback")
    const outcome = await told(here(recorded, place.path, { PATH: "" }))
    expect(outcome).toEqual({ equal: true, differences: [], pipelineChanged: false })
    const changed = join(folder(), "gateway.yaml")
    writeFileSync(changed, readFileSync(place.path, "utf8").replace("attempts: 2", "attempts: 1"))
    const other = await told(here(recorded, changed, { PATH: "" }))
    expect(other).toMatchObject({ equal: false, pipelineChanged: true })
    const { failed, text } = await written((out) => report(other, false, out))
    expect(text).toMatch(/^The configuration has another pipeline there by now\.\nsteps\[.*\n {2}recorded .*\n {2}replayed /)
    expect(failed).toMatch(/^it went another way in \d+ places?/)
    const { call: _, ...unknown } = recorded
    expect(await ended(here(unknown, place.path, {}) as never)).toContain("does not say which pipeline it was")
  })

  it("become HTTP archives, OpenTelemetry and commands", async () => {
    const [hit, recorded] = [await of("hit"), await of("first")]
    const has = (form: "har" | "otlp" | "curl", run = recorded) => written((out) => exported(run, form, undefined, out))
    expect(JSON.parse((await has("har")).text)).toMatchObject({ log: { version: "1.2", entries: [{ response: { status: 200 } }] } })
    expect(JSON.parse((await has("otlp")).text)).toMatchObject({ resourceSpans: [{ scopeSpans: [{ spans: expect.anything() }] }] })
    expect((await has("curl")).text).toMatch(/^# openai: 200\ncurl 'http:.*'authorization: Bearer '"\$OPENAI_API_KEY"/s)
    expect((await has("curl", hit)).failed).toContain("no service was asked")
    expect((await written((out) => exported(recorded, "json", "/no/such/folder/x.json", out))).failed).toMatch(/cannot be written: .*ENOENT/)
  })

  it("are written by one question, replayed, and hold no credential", async () => {
    const path = join(folder(), "asked.json")
    const question = { question: "my key is sk-abcdefghijklmnop123: what is 6 times 7?", provider: "local", model: undefined, system: undefined }
    const { failed, text } = await written((out) => Effect.provide(askAndKeep(question, path, out), layer))
    expect(failed).toBeUndefined()
    expect(text).toContain(`see it with \`plugline trace show ${path}\``)
    expect(readFileSync(path, "utf8")).not.toContain("sk-abc")
    const recorded = await told(load(path, source, screen()))
    expect(Cascade.fits(recorded, jsonSchema)).toBe(true)
    expect(recorded.pipeline.map(({ name }) => name)).toEqual(["validate", "respond"])
    expect(await told(here(recorded, undefined, {}))).toEqual({ equal: true, differences: [], pipelineChanged: false })
    const lost = join(folder(), "failed.json")
    const asked = await written((out) => Effect.provide(askAndKeep({ ...question, provider: "openai", model: "m" }, lost, out), layer))
    expect(asked.failed).toContain("OPENAI_API_KEY")
    expect((await told(load(lost, source, screen()))).summary.error?.reason).toBe("Authentication")
  })

  it("are opened on a page of their own, or on that of a gateway", async () => {
    const recorded = await of("first")
    const mine = screen()
    const running = Effect.runFork(open(recorded, { into: undefined, port: 0, env: { PATH: "" } }, mine))
    await expect.poll(() => mine.text(), { timeout: 20_000 }).toContain("until you press Ctrl-C")
    const [, address, id] = /^(http:\/\/127\.0\.0\.1:\d+)\/inspector\/#\/traces\/(file_\w+)\/walk\n/.exec(mine.text())!
    const kept = await told(load(id!, { url: address!, key: undefined }, screen()))
    expect(kept.trace).toEqual(recorded.trace)
    await Effect.runPromise(Fiber.interrupt(running))
    expect(await ended(load(id!, { url: address!, key: undefined }, screen()) as never)).toContain(`no gateway answers at ${address}`)
    const theirs = screen()
    await told(open(recorded, { into: source, port: 0, env: {} }, theirs) as Effect.Effect<void>)
    expect(theirs.text()).toMatch(new RegExp(`^${place.address}/inspector/#/traces/file_\\w+/walk\\n$`))
    expect(pageOf("https://gateway.example.com/", "a/b")).toBe("https://gateway.example.com/inspector/#/traces/a%2Fb/walk")
  })
})

describe("what is not there", () => {
  const refused = (reference: string, from: Partial<Source> = {}) => ended(load(reference, { ...source, ...from }, screen()) as never)

  it("is said in one sentence", async () => {
    const broken = join(folder(), "broken.json")
    writeFileSync(broken, "{")
    expect(await refused(broken)).toMatch(/broken\.json is not JSON: /)
    writeFileSync(broken, "{\"version\":1}")
    expect(await refused(broken)).toMatch(/broken\.json cannot be shown: this JSON is no recorded run: trace must be an object/)
    expect(await refused("no-such.json")).toBe('there is no file "no-such.json"')
    expect(await refused("req_none")).toContain("req_none")
    expect(await refused("last", { key: undefined })).toBe(`the gateway at ${place.address} wants a key: set PLUGLINE_API_KEY to one that may inspect`)
    expect(await refused("last", { key: Redacted.make("wrong") })).toBe(`the gateway at ${place.address} does not take the key in PLUGLINE_API_KEY`)
    expect(await refused("last", { url: "http://127.0.0.1:1" })).toBe("no gateway answers at http://127.0.0.1:1: start one with `plugline serve`, or name another with --url")
    expect(await refused("last", { url: "ftp://x" })).toContain("--url must be the address of a gateway")
    expect(await refused("last", { url: "http://user:secret@127.0.0.1" })).not.toContain("secret")
  })

  it("a key goes to no other machine unencrypted, and to no other address", async () => {
    expect(await refused("last", { url: "http://gateway.example.com" })).toBe("the key in PLUGLINE_API_KEY is not sent to gateway.example.com unencrypted: use https")
    const heard: Array<string | undefined> = []
    const elsewhere = createServer((request, response) => {
      heard.push(request.headers.authorization)
      response.end("{}")
    }).listen(0, "127.0.0.1")
    const sends = createServer((_, response) => response.writeHead(307, { location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/` }).end()).listen(0, "127.0.0.1")
    await expect.poll(() => sends.address() !== null && elsewhere.address() !== null).toBe(true)
    expect(await refused("last", { url: `http://127.0.0.1:${(sends.address() as AddressInfo).port}` })).toContain("answered 307")
    expect(heard).toEqual([])
    elsewhere.close()
    sends.close()
  })

  it("something else that answers there is told from a gateway", async () => {
    const other = createServer((_, response) => response.end("<html>")).listen(0, "127.0.0.1")
    await expect.poll(() => other.address() !== null).toBe(true)
    expect(await refused("last", { url: `http://127.0.0.1:${(other.address() as AddressInfo).port}` })).toContain("is no gateway of Plugline")
    other.close()
  })
})

describe("what the model knows of services", () => {
  it("is what their providers say of themselves", () => {
    for (const { authorize, keys, name } of builtIn) {
      const variable = keys.find((each) => typeof each === "string")
      expect([name, Credentials.variables[name]]).toEqual([name, variable])
      const [header] = Object.keys(authorize("key"))
      if (variable !== undefined) expect([name, Credentials.headers[name] ?? "authorization"]).toEqual([name, header])
    }
    for (const name of Object.keys(Credentials.variables)) expect(builtIn.map((each) => each.name)).toContain(name)
  })

  it("and OpenTelemetry's words are those of Metrics", async () => {
    const recorded = await of("first")
    const { final } = recorded.trace
    const request = Request.fromJson(Object.fromEntries(Object.entries(recorded.trace.requests[final!]!).map(([name, value]) =>
      [name, Array.isArray(value) ? recorded.trace.values[value[0] as number] : value])))
    expect(attributesOf(Request.toJson(request))).toEqual(Metrics.attributes(request))
    const odd = Request.fail(Request.make({
      provider: "bedrock", messages: "x", options: { model: "m", temperature: 1, maxTokens: 5, n: 2, seed: 1, responseFormat: { type: "json" } }
    }), LlmError.make({ _tag: "RateLimit", message: "slow", status: 429 }))
    expect(attributesOf(Request.toJson(odd))).toEqual(Metrics.attributes(odd))
  })
})
