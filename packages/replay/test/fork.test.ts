/**
 * A run goes on from any step with something changed, and what differs is what the change leads to.
 *
 * @module
 */
import { Key, LlmError, Pipeline, Plug, Request, Result } from "@plugline/core"
import type { PlugLike } from "@plugline/core"
import { Cache, Presets, Providers, Taped } from "@plugline/plugs"
import { Replay } from "@plugline/replay"
import { Mock } from "@plugline/testing"
import { Effect, Exit } from "effect"
import { describe, expect, it } from "vitest"
import { live, type Needs, record, stored, tape } from "./live.ts"

const chat = Request.make({ provider: "openai", messages: "Hi", options: { model: "gpt-5-mini", temperature: 1 } })
const mocked = { edge: "mock" }

const warmth = Key.make<number>("warmth")
const size = Key.make<number>("size")
const note = Plug.make("note", (request) => Request.assign(request, warmth, Number(request.options.temperature)))
const line = (script: Mock.Script = ({ options }) => `at ${options.temperature}`): ReadonlyArray<PlugLike> => [
  Plug.make("measure", (request) => Request.assign(request, size, JSON.stringify(request.messages).length)),
  note,
  Plug.after("after", (request) => Request.assign(request, Key.make("seen"), request.options.temperature ?? -1)),
  Mock.make(script).plug
]

const recordOf = (pipeline: Pipeline, request = chat) => Effect.runSync(Replay.record(pipeline, request, mocked))
const forkOf = (pipeline: Pipeline, recording: Replay.Recording, change: Replay.Change) =>
  Effect.runSync(Replay.fork(pipeline, recording, { ...mocked, ...change }))
const failureOf = (pipeline: Pipeline, recording: Replay.Recording, change: Replay.Change): LlmError => {
  const exit = Effect.runSyncExit(Effect.flip(Replay.fork(pipeline, recording, { ...mocked, ...change })))
  if (Exit.isFailure(exit)) throw new Error("it was not refused")
  return exit.value
}
const paths = (recording: Replay.Recording, forked: Replay.Recording) => Replay.equal(recording, forked).map(({ path }) => path)

describe("a fork", () => {
  it("changes nothing where nothing is changed", () => {
    const recording = recordOf(line())
    expect(paths(recording, forkOf(line(), recording, {}))).toEqual([])
    expect(paths(recording, forkOf(line(), recording, { at: { path: "1" } }))).toEqual([])
  })

  it("shows what one value leads to, from that step on and nowhere else", () => {
    const recording = recordOf(line())
    for (const [step, where] of [["0", 0], ["1", 1], ["2", 2], ["3", 3]] as const) {
      const forked = forkOf(line(), recording, { at: { path: step }, set: [{ path: "options.temperature", value: 0.5 }] })
      const found = paths(recording, forked)
      expect(found.length).toBeGreaterThan(0)
      for (const path of found) {
        const at = /^steps\["(\d)/.exec(path)?.[1]
        // On the way down nothing in front of the step changes; on the way back a plug that waits for the answer sees it.
        if (at !== undefined && Number(at) < where) expect(path).toMatch(/\.(out|received)\./)
        expect(path).toMatch(/temperature|warmth|seen/)
      }
      expect(forked.trace.steps[where]?.in.options.temperature).toBe(0.5)
      expect(forked.trace.steps.slice(0, where).map(({ in: { options } }) => options.temperature)).toEqual(Array(where).fill(1))
      expect(forked.outcome?.assigns.warmth).toBe(where <= 1 ? 0.5 : 1)
      expect(forked.outcome?.assigns.seen).toBe(0.5)
    }
  })

  it("reaches one visit of a plug, and plugs inside others", () => {
    const busy = Mock.fail({ _tag: "Overloaded", message: "busy", retryAfter: 1 })
    const branch = Plug.branch("inner", () => true, { yes: [note] })
    const twice: Plug = Plug.around("twice", (request, next) =>
      Effect.flatMap(next(request), (first) => first.state === "error" ? next(request) : Effect.succeed(first)))
    const pipeline: Pipeline = [twice, branch, Mock.make([busy, "Hello"]).plug]
    const recording = recordOf(pipeline)
    const at = { path: "1.yes.0", attempt: 2 }
    const forked = forkOf(pipeline, recording, { at, set: [{ path: "options.temperature", value: 0 }] })
    const visits = forked.trace.steps.filter(({ path }) => path === "1.yes.0")
    expect(visits.map(({ in: { options } }) => options.temperature)).toEqual([1, 0])
    expect(forked.outcome?.assigns.warmth).toBe(0)
    const first = paths(recording, forked).filter((path) => path.includes("#1") && !path.startsWith("steps[\"0#1\"]"))
    expect(first).toEqual([])
  })

  it("can begin with another request, run through another pipeline, and have plugs made anew", () => {
    const recording = recordOf(line())
    const asked = forkOf(line(), recording, { set: [{ path: "messages[0].content", value: "Bye" }] })
    expect(asked.request.messages).toEqual([{ role: "user", content: [{ type: "text", text: "Bye" }] }])
    expect(Result.text(asked.outcome?.result)).toBe("at 1")
    const shorter = [line()[1]!, line()[3]!]
    expect(forkOf(shorter, recording, {}).trace.steps.map(({ name }) => name)).toEqual(["note", "mock"])

    const make = (plug: Plug<unknown>, options: unknown): Plug => {
      expect(plug.name).toBe("note")
      return Plug.make("note", (request) => Request.assign(request, warmth, (options as { readonly fixed: number }).fixed))
    }
    const other = forkOf(line(), recording, { options: [{ path: "1", options: { fixed: 7 } }], make })
    expect(other.outcome?.assigns.warmth).toBe(7)
    for (const path of paths(recording, other)) expect(path).toContain("warmth")
  })

  it("asks the services where it is live, and they answer what is asked now", () => {
    const script: Mock.Script = ({ options }) => `at ${options.temperature}`
    const recording = recordOf(line(script))
    const change: Replay.Change = { at: { path: "3" }, set: [{ path: "options.temperature", value: 0 }] }
    expect(Result.text(forkOf(line(script), recording, change).outcome?.result)).toBe("at 1")
    const mock = Mock.make(script)
    const pipeline = [...line(script).slice(0, 3), mock.plug]
    const forked = forkOf(pipeline, recording, { ...change, upstream: "live" })
    expect(Result.text(forked.outcome?.result)).toBe("at 0")
    expect(mock.calls.map(({ request }) => request.options.temperature)).toEqual([0])
    // What it was handed and answered is a recording of its own.
    expect(forked.world.exchanges[0]?.request.options).toEqual({ model: "gpt-5-mini", temperature: 0 })
    const again = Effect.runSync(Replay.replay(line(script), forked, mocked))
    expect(Result.text(again.outcome?.result)).toBe("at 0")
  })

  it("does not send what was masked", () => {
    const config = { headers: { authorization: "Bearer canary-0123456789" } }
    const secret = Request.make({ provider: "openai", messages: "Hi", config })
    const recording = stored(recordOf(line(() => "Hello"), secret))
    expect(failureOf(line(), recording, { upstream: "live" }).message).toContain("config.headers")
    const sent = forkOf(line(() => "Hello"), recording, { upstream: "live", unset: ["config.headers"] })
    expect(sent.outcome?.state).toBe("completed")
    expect(forkOf(line(), recording, {}).outcome?.state).toBe("completed")
  })

  it("is refused where the change does not fit, before anybody is asked", () => {
    const mock = Mock.make(() => "Hello")
    const pipeline = [...line().slice(0, 3), mock.plug]
    const recording = recordOf(pipeline)
    const calls = mock.calls.length
    const refused = (change: Replay.Change) => failureOf(pipeline, recording, { upstream: "live", ...change })
    expect(refused({ at: { path: "9" } }).message).toContain("unknown place of a plug \"9\"")
    expect(refused({ options: [{ path: "0", options: {} }] }).message).toContain("cannot make plugs again")
    const set = (path: string) => refused({ at: { path: "1" }, set: [{ path, value: 0 }] }).message
    expect(set("options.temprature")).toContain("did you mean \"temperature\"?")
    expect(set("result.type")).toContain("has no result here")
    expect(refused({ options: [{ path: "0", options: {} }], make: () => {
      throw LlmError.make({ _tag: "Configuration", option: "x", message: "no such option" })
    } }).reason._tag).toBe("Configuration")
    expect(mock.calls.length).toBe(calls)
    expect(failureOf(pipeline, recording, { at: { path: "1", attempt: 2 } }).message).toContain("visited once")
  })

  it("is refused before a first attempt is paid for, where what does not fit is the second", () => {
    const busy = Mock.fail({ _tag: "Overloaded", message: "busy" })
    const twice = Plug.around("twice", (request, next) =>
      Effect.flatMap(next(request), (first) => first.state === "error" ? next(request) : Effect.succeed(first)))
    const recording = recordOf([twice, note, Mock.make([busy, "Hello"]).plug])
    const mock = Mock.make([busy, "Hello"])
    const change = { at: { path: "1", attempt: 2 }, set: [{ path: "options.temprature", value: 0 }], upstream: "live" } as const
    expect(failureOf([twice, note, mock.plug], recording, change).message).toContain("did you mean \"temperature\"?")
    expect(mock.calls).toEqual([])
  })

  it("goes on in the resilient preset: from a later attempt of a retry, from a step of a fallback", async () => {
    const failing = Mock.fail({ _tag: "Server", message: "down", status: 503 })
    const used = await live(Providers.of({
      openai: Mock.make(({ id }, call) => call === 1 || id === "dead" ? failing : Mock.text("Hello", { cut: 2 })).pipeline,
      anthropic: Mock.make(() => Mock.text("other", { cut: 2 }), { name: "other" }).pipeline
    }))
    const fallback = [{ provider: "anthropic", model: "claude-haiku-4-5" }]
    const resilient: Pipeline<Needs> = [...Presets.resilient({ fallback }), Providers.ask]
    const apart = (recording: Replay.Recording, change: Replay.Change) =>
      used.run(Taped.apart(Replay.fork(resilient, stored(recording), { ...tape, ...change })))
    const retried = await record(used, resilient, Request.withOperation(chat, "stream"))
    const last = retried.trace.steps.at(-1)!
    const at = { path: last.path, attempt: 2 }
    const forked = await apart(retried, { at, set: [{ path: "options.temperature", value: 0 }] })
    expect(forked.outcome?.state).toBe("completed")
    const steps = Replay.equal(stored(retried), forked).flatMap(({ path }) => /^steps\["([^"]+)"\]\.in/.exec(path)?.[1] ?? [])
    expect(new Set(steps)).toEqual(new Set([`${last.path}#2`]))

    const fallen = await record(used, resilient, Request.patch(chat, { id: "dead" }))
    const other = fallen.trace.steps.find(({ name }) => name === "other")!
    const changed = await apart(fallen, { at: { path: other.path }, set: [{ path: "metadata.note", value: "here" }] })
    expect(changed.outcome?.metadata.note).toBe("here")
    for (const { path } of Replay.equal(stored(fallen), changed)) expect(path).toContain("note")
  })

  it("takes a hit for a miss where the question is another", async () => {
    const used = await live(Providers.of({ openai: Mock.make(() => "Hello").pipeline }))
    const cached: Pipeline<Needs> = [Cache.plug(), Providers.ask]
    await record(used, cached, chat)
    const hit = await record(used, cached, chat)
    const miss = await record(used, cached, Request.mergeOptions(chat, { temperature: 0.2 }))
    expect([hit, miss].map(({ outcome }) => Request.get(outcome, Cache.status)?.status)).toEqual(["hit", "miss"])
    const fork = (recording: Replay.Recording, change: Replay.Change) =>
      used.run(Taped.apart(Replay.fork(cached, recording, { ...tape, ...change })))
    const same = await fork(hit, { set: [{ path: "metadata.note", value: 1 }] })
    expect(Request.get(same.outcome!, Cache.status)?.status).toBe("hit")
    const other = await fork(hit, { set: [{ path: "options.temperature", value: 0.7 }] })
    expect(Request.get(other.outcome!, Cache.status)?.status).toBe("miss")
  })
})
