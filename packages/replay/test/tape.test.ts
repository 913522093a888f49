/**
 * Runs that are recorded by hand: whole and streamed, left by whoever asked, too large to be kept, and side by side on one
 * pipeline that was compiled once.
 *
 * @module
 */
import { Key, Pipeline, Plug, Request, Result } from "@plugline/core"
import type { Compiled } from "@plugline/core"
import { Providers, Retry, TrackCost } from "@plugline/plugs"
import { Replay } from "@plugline/replay"
import { Mock } from "@plugline/testing"
import { Clock, Effect, Fiber, Random } from "effect"
import { describe, expect, it } from "vitest"
import { again, live, type Live, type Needs, stored, tape } from "./live.ts"

const chat = Request.make({ provider: "openai", messages: "Hi", options: { model: "gpt-5-mini" } })
const stream = Request.withOperation(chat, "stream")
const usual: Pipeline<Needs> = [TrackCost.plug(), Retry.plug({ attempts: 3 }), Providers.ask]

const services = (script: Mock.Script) => live(Providers.of({ openai: Mock.make(script).pipeline }))
const compile = (live: Live, line: Pipeline<Needs>) => live.run(Replay.taped(tape)(Pipeline.compile(line)))

const whole = (compiled: Compiled, request: Request, options?: Replay.Beginning) =>
  Effect.flatMap(Replay.begin(request, options), (taping) =>
    Effect.map(taping.during(() => Pipeline.runCompiled(compiled, request, { observer: taping.observer })), (outcome) =>
      ({ taping, recording: taping.recording(outcome) })))

/** Reads a stream until `most` parts have come, then goes away. */
const read = (compiled: Compiled, request: Request, most = Infinity) =>
  Effect.flatMap(Replay.begin(request), (taping) => {
    let seen = 0
    return Effect.map(
      taping.during(() =>
        Effect.scoped(Effect.flatMap(Pipeline.openCompiled(compiled, request, { observer: taping.observer }), (live) => {
          const step: Effect.Effect<Request | undefined> = Effect.flatMap(live.pull, (parts) => {
            seen += parts?.length ?? 0
            return parts === undefined ? Effect.succeed(live.final()) : seen >= most ? Effect.undefined : step
          })
          return step
        }))),
      (outcome) => taping.recording(outcome)
    )
  })

describe("a run that is recorded by hand", () => {
  it("replays equal, whole and read piece by piece, on one compiled pipeline", async () => {
    const used = await services((_, call) => call % 3 === 1
      ? Mock.fail({ _tag: "Overloaded", message: "busy" })
      : Mock.text(`answer ${call}`, { cut: 3, between: 1 }))
    const compiled = await compile(used, usual)
    const recordings = [
      (await used.run(whole(compiled, chat))).recording,
      (await used.run(whole(compiled, stream))).recording,
      await used.run(read(compiled, stream))
    ]
    for (const recording of recordings) {
      expect(recording.outcome?.state).toBe("completed")
      expect(recording.world.exchanges.length).toBeGreaterThan(0)
      await again(used, usual, recording)
    }
  })

  it("keeps to itself what belongs to another run at the same time", async () => {
    const timed = Plug.of({
      name: "timed",
      make: Effect.map(Clock.Clock, (clock) =>
        new Plug.Linear((request) => Request.assign(request, Key.make("at"), clock.currentTimeMillisUnsafe())))
    })
    const rolled = Plug.make("rolled", (request) =>
      Effect.map(Random.nextInt, (number) => Request.assign(request, Key.make("rolled"), number)))
    const used = await services((request) => Mock.text(Result.text(request.result) + request.id, { delay: 5 }))
    const line: Pipeline<Needs> = [timed, rolled, ...usual]
    const compiled = await compile(used, line)
    const asked = ["a", "b", "c"].map((id) => Request.patch(chat, { id }))
    const [unrecorded, ...recorded] = await Promise.all([
      used.run(Effect.suspend(() => Pipeline.runCompiled(compiled, asked[0]!))),
      ...asked.map((request) => used.run(whole(compiled, request)))
    ])
    expect(unrecorded!.state).toBe("completed")
    for (const [index, { recording }] of (recorded as ReadonlyArray<{ readonly recording: Replay.Recording }>).entries()) {
      expect(recording.world.exchanges.map(({ request }) => request.id)).toEqual([asked[index]!.id])
      expect(recording.world.clock.millis[0]).toBe(recording.outcome?.assigns.at)
      expect(recording.world.random.integers).toEqual([recording.outcome?.assigns.rolled])
      await again(used, line, recording)
    }
  })

  it("keeps its numbers to itself also where plugs keep the context in which they were made", async () => {
    const keeping = Plug.of({
      name: "keeping",
      make: Effect.map(Effect.context<never>(), (context) =>
        new Plug.Linear((request) =>
          Effect.map(Effect.provideContext(Random.nextInt, context), (number) =>
            Request.assign(request, Key.make("drawn"), number))))
    })
    const { plug } = Mock.make(() => "Hello")
    const inside = [...usual.slice(0, -1), Providers.ask]
    for (const [line, pipeline] of [[[keeping, ...usual], [plug]], [inside, [keeping, plug]]] as const) {
      const used = await live(Providers.of({ openai: pipeline }))
      // Made while a run is being recorded, as the pipelines of providers are in any case.
      const compiled = await used.run(Effect.flatMap(Replay.begin(chat), ({ during }) =>
        during(() => Replay.taped(tape)(Pipeline.compile<Pipeline<Needs>>(line)))))
      for (const request of [chat, chat]) {
        const { recording } = await used.run(whole(compiled, request))
        expect(recording.world.random.integers).toContain(recording.outcome?.assigns.drawn)
        await again(used, line, recording)
      }
    }
  })

  it("goes in the order in which things happened, on a machine that was busy", async () => {
    const busy = Plug.make("busy", (request) => {
      const until = performance.now() + 20
      while (performance.now() < until) { /* the machine is busy */ }
      return request
    })
    const order = Key.make<ReadonlyArray<string>>("order")
    const both = Plug.around("both", (request, next) =>
      Effect.suspend(() => {
        const seen: Array<string> = []
        const slept = Effect.map(Effect.sleep(23), () => seen.push("slept"))
        const answered = Effect.tap(next(request), () => Effect.sync(() => seen.push("answered")))
        return Effect.map(Effect.all([slept, answered], { concurrency: "unbounded" }), ([, answer]) =>
          Request.assign(answer, order, seen))
      }))
    const used = await services(() => Mock.text("Hello", { delay: 12 }))
    const line: Pipeline<Needs> = [both, busy, ...usual]
    const { recording } = await used.run(whole(await compile(used, line), chat))
    expect(Request.get(recording.outcome!, order)).toEqual(["slept", "answered"])
    await again(used, line, recording)
  })

  it("of which nobody asks costs its plugs nothing: they are as they were", async () => {
    const used = await services(() => "Hello")
    const compiled = await compile(used, usual)
    const final = await used.run(Effect.suspend(() => Pipeline.runCompiled(compiled, chat)))
    expect(Result.text(final.result)).toBe("Hello")
  })

  it("may have plugs with spans, which read the clock too", async () => {
    const used = await services(() => Mock.text("Hello", { delay: 2 }))
    const compiled = await compile(used, usual)
    const recording = await used.run(Effect.flatMap(Replay.begin(chat, { spans: true }), (taping) =>
      Effect.map(
        taping.during(() => Pipeline.runCompiled(compiled, chat, { observer: taping.observer, spans: true })),
        (outcome) => taping.recording(outcome)
      )))
    expect(recording.world.clock.nanos.length).toBeGreaterThan(0)
    expect((await again(used, usual, recording)).world.spans).toBe(true)
  })

  it("is given up where it would hold too much", async () => {
    const used = await services(() => Mock.text("word ".repeat(2_000), { cut: 5 }))
    const compiled = await compile(used, usual)
    const { recording, taping } = await used.run(whole(compiled, stream, { limit: 50_000 }))
    expect(taping.isOver()).toBe(true)
    expect(recording.outcome?.state).toBe("completed")
    expect(Result.text(recording.outcome!.result).length).toBe(10_000)
    expect(recording.trace.steps).toEqual([])
    expect(recording.world).toEqual({
      clock: { millis: [], nanos: [], monotonic: [] },
      random: { integers: [], doubles: [] },
      exchanges: []
    })
    expect((await used.run(whole(compiled, stream, { limit: 50_000_000 }))).taping.isOver()).toBe(false)
  })
})

describe("a run that was left", () => {
  it("is left at the same point again: in the middle of a stream", async () => {
    for (const most of [1, 2, 5]) {
      const used = await services(() => Mock.text("Hello, dear reader", { cut: 2, between: 4 }))
      const compiled = await compile(used, usual)
      const recording = await used.run(read(compiled, stream, most))
      expect(recording.outcome).toBeUndefined()
      expect(recording.trace.parts.filter(({ plug }) => plug === undefined).length).toBeGreaterThanOrEqual(most)
      expect(stored(recording).outcome).toBeUndefined()
      const replayed = await again(used, usual, recording)
      expect(replayed.outcome).toBeUndefined()
      expect(replayed.world.left).toBe(recording.world.left)
    }
  })

  it("is left at the same point again: before anything was answered, between attempts, within a pull", async () => {
    const parts = Result.parts(Result.fold([{ type: "text-delta", id: "0", delta: "half" }, Mock.finish]))
    const scripts: ReadonlyArray<readonly [Mock.Script, Request]> = [
      [() => Mock.never(), chat],
      [() => Mock.fail({ _tag: "Overloaded", message: "busy", retryAfter: 10_000 }), chat],
      [() => Mock.stall(parts.slice(0, -1)), stream]
    ]
    for (const [script, request] of scripts) {
      const used = await services(script)
      const compiled = await compile(used, usual)
      const recording = await used.run(Effect.gen(function*() {
        const taping = yield* Replay.begin(request)
        const { observer } = taping
        const fiber = yield* Effect.forkChild(taping.during(() =>
          Effect.scoped(Effect.flatMap(Pipeline.openCompiled(compiled, request, { observer }), ({ pull }) => {
            const step: Effect.Effect<void> = Effect.flatMap(pull, (parts) => parts === undefined ? Effect.void : step)
            return step
          }))))
        yield* Effect.sleep(30)
        yield* Fiber.interrupt(fiber)
        return taping.recording()
      }))
      expect(recording.trace.steps.length).toBeGreaterThan(0)
      await again(used, usual, recording)
    }
  })

  it("was left when it was, however late the recording is looked at", async () => {
    const line: Pipeline<Needs> = [Retry.plug({ attempts: 3, base: 40, cap: 40 }), Providers.ask]
    const used = await services(() => Mock.fail({ _tag: "Overloaded", message: "busy" }))
    const compiled = await compile(used, line)
    for (const ms of [3, 6, 9]) {
      const recording = await used.run(Effect.gen(function*() {
        const taping = yield* Replay.begin(chat)
        const { observer } = taping
        const fiber = yield* Effect.forkChild(taping.during(() => Pipeline.runCompiled(compiled, chat, { observer })))
        yield* Effect.sleep(ms)
        yield* Fiber.interrupt(fiber)
        yield* Effect.sleep(90)
        return taping.recording()
      }))
      expect(recording.world.left).toBeLessThan(90)
      const replayed = await again(used, line, recording)
      expect(replayed.trace.steps.length).toBe(recording.trace.steps.length)
    }
  })
})
