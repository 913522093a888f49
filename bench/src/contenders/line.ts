/**
 * Ten plugs in a line, in the forms plugs come in, and the same ten functions called by a bare loop.
 *
 * @module
 */
import { Key, Pipeline, Plug, Request, Trace } from "@plugline/core"
import { Effect } from "effect"
import type { Contender, Contenders } from "../worker.ts"

const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

/** The work itself, the same for all: each writes a value under a key of its own. */
const functions = numbers.map((number) => {
  const key = Key.make<number>(`bench.${number}`)
  return (request: Request): Request => Request.assign(request, key, number)
})

const given = Request.make({
  id: "req_bench",
  provider: "openai",
  messages: "Hello",
  options: { model: "gpt-5-mini", temperature: 0.2 }
})

/** Every run must have done all of the work. */
const check = (last: Request, written = numbers.length): void => {
  const found = Object.keys(last.assigns).length
  if (last.state === "error" || found !== written) throw new Error("the line lost a plug's work")
}

const bare: Contender = (count) => {
  let last = given
  for (let run = 0; run < count; run++) {
    last = given
    for (const f of functions) last = f(last)
  }
  check(last)
}

const compiled = (pipeline: Pipeline, written?: number): Contender => {
  const line = Effect.runSync(Pipeline.compile(pipeline))
  return (count) => {
    let last = given
    for (let run = 0; run < count; run++) last = Effect.runSync(Pipeline.runCompiled(line, given))
    check(last, written)
  }
}

const recorded = (pipeline: Pipeline): Contender => {
  const line = Effect.runSync(Pipeline.compile(pipeline))
  return (count) => {
    let last = given
    for (let run = 0; run < count; run++) {
      const { observer, trace } = Trace.recorder({ now: () => performance.now() })
      last = trace(Effect.runSync(Pipeline.runCompiled(line, given, { observer }))).final!
    }
    check(last)
  }
}

const whole = (pipeline: Pipeline): Contender => (count) => {
  let last = given
  for (let run = 0; run < count; run++) last = Effect.runSync(Pipeline.run(pipeline, given))
  check(last)
}

const ten = (plug: (name: string, f: (request: Request) => Request, index: number) => Plug): Pipeline =>
  functions.map((f, index) => plug(`plug-${index}`, f, index))

const synchronous = ten((name, f) => Plug.make(name, f))
const passing = ten((name) => Plug.make(name, (request) => request))
const succeeding = ten((name, f) => Plug.make(name, (request) => Effect.succeed(f(request))))
const around = ten((name, f, index) =>
  index % 2 === 0 ? Plug.make(name, f) : Plug.around(name, (request, next) => next(f(request))))
const after = ten((name, f) => Plug.after(name, f))
const oneEffect = ten((name, f, index) => Plug.make(name, index === 5 ? (request) => Effect.sync(() => f(request)) : f))

export const contenders: Contenders<null> = {
  bare: () => bare,
  synchronous: () => compiled(synchronous),
  passing: () => compiled(passing, 0),
  succeeding: () => compiled(succeeding),
  around: () => compiled(around),
  after: () => compiled(after),
  oneEffect: () => compiled(oneEffect),
  recorded: () => recorded(synchronous),
  whole: () => whole(synchronous)
}
