/**
 * Laws about how plugs stand in a line: what may be left out, grouped or nested without a difference, and who sees what
 * when.
 *
 * @module
 */
import { Pipeline, Plug, Request } from "@plugline/core"
import type { Compiled, Observer, PlugLike } from "@plugline/core"
import { Effect } from "effect"
import fc from "fast-check"
import * as Arbitrary from "../Arbitrary.ts"
import * as Mock from "../Mock.ts"
import { type Bench, finalOf, foldOf, read, requestOf, type Run, run, same, settle } from "./Bench.ts"
import { type Act, acts, type Case, cases, describe, lineOf, lonely, provider, requests } from "./cases.ts"
import { differences } from "./compare.ts"
import { expect, type Law, law } from "./Law.ts"

/** Runs lines that should be equal, whole and part by part, and compares them with the first. */
const equalRuns = async <R>(
  bench: Bench<R>,
  request: Request,
  first: () => Pipeline<R>,
  others: { readonly [what: string]: () => Pipeline<R> }
): Promise<void> => {
  const expected = await finalOf(bench, first(), request)
  same(bench, unsteady, expected, await finalOf(bench, first(), request))
  const heard = await read(bench, first(), request)
  for (const [what, line] of Object.entries(others)) {
    same(bench, `${what} makes a difference:`, expected, await finalOf(bench, line(), request))
    const found = differences(foldOf(heard.parts, request), foldOf((await read(bench, line(), request)).parts, request))
    expect(found === "", () => `${what} makes a difference to who reads the parts:\n${found}`)
  }
}

const unsteady = "already two equal runs differ, so the plug is not determined by what it is handed, "
  + "the clock, Random and its services:"

/** `identity`, lists around it and empty lists change nothing. */
export const identity = <R>(bench: Bench<R>): Law =>
  law(
    "identity",
    bench.name,
    "an empty pipeline answers with its request, and a plug that does nothing, or an empty list, makes no difference",
    lonely(bench.options),
    async ({ act, request }) => {
      const go = bench.options.run ?? (Pipeline.run as Run)
      const none = requestOf({ exit: await settle(bench.options, go([], request)) })
      expect(none === request, () => "an empty pipeline answers with another request")
      await equalRuns(bench, request, () => [bench.subject(), provider(act)], {
        "identity before it": () => [Plug.identity, bench.subject(), provider(act)],
        "identity behind it": () => [bench.subject(), Plug.identity, provider(act)],
        "an empty list around it": () => [[], [bench.subject(), []], provider(act)]
      })
    },
    describe,
    bench.options
  )

/** Grouping makes no difference. */
export const associativity = <R>(bench: Bench<R>): Law =>
  law(
    "associativity",
    bench.name,
    "(a ++ b) ++ c runs like a ++ (b ++ c): it makes no difference which plugs of a line are taken together",
    cases(bench.options),
    async (given) => {
      const parts = (): [Pipeline<R>, Pipeline<R>, Pipeline<R>, Plug] =>
        [given.before, bench.subject(), given.behind, provider(given.act)]
      await equalRuns(bench, given.request, () => parts(), {
        "taking it together with what is before it": () => {
          const [a, b, c, d] = parts()
          return [Plug.group<R>("group", [a, b]), c, d]
        },
        "taking it together with what is behind it": () => {
          const [a, b, c, d] = parts()
          return [a, Plug.group<R>("group", [b, c, d])]
        },
        "putting it in lists": () => {
          const [a, b, c, d] = parts()
          return [[a, [b]], [[c], d]]
        }
      })
    },
    describe,
    bench.options
  )

/** A list runs like the nesting of its plugs. */
export const list = <R>(bench: Bench<R>): Law =>
  law(
    "list",
    bench.name,
    "a list of plugs runs like each plug around the rest of the list, the first one outermost",
    cases(bench.options),
    async (given) => {
      const flat = await finalOf(bench, lineOf(bench, given), given.request)
      const nested = await settle(bench.options, Effect.flatMap(nest(spread(lineOf(bench, given))), (compiled) =>
        Pipeline.runCompiled(compiled, given.request)))
      same(bench, "the list runs differently from the nesting of its plugs:", requestOf({ exit: nested }), flat)
    },
    describe,
    bench.options
  )

const spread = <R>(pipeline: Pipeline<R>): ReadonlyArray<PlugLike<R>> =>
  pipeline.flatMap((plug) => Array.isArray(plug) ? spread(plug as Pipeline<R>) : [plug])

/** Each plug compiled alone, and given the rest as what comes next. */
const nest = <R>(plugs: ReadonlyArray<PlugLike<R>>): Effect.Effect<Compiled, unknown, R> =>
  Effect.map(Effect.forEach(plugs, (plug) => Pipeline.compile([plug])), (alone): Compiled =>
    alone.reduceRight<Compiled>((rest, outer) => ({
      handle: (request) =>
        outer.handle(request, (request) => {
          const answer = rest.handle(request)
          return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
        })
    }), { handle: (request) => request }))

/** After a halt no later plug runs. */
export const halt = <R>(bench: Bench<R>): Law =>
  law(
    "halt",
    bench.name,
    "no plug is run with a halted request: one that arrives halted comes back as it came; behind a halt nothing runs",
    fc.tuple(cases(bench.options), Arbitrary.request({ states: ["completed", "error"] })).map(([given, ended]) => ({
      ...given,
      ended: ended.halted ? ended : Request.halt(ended)
    })),
    async (given) => {
      const arrived = await run(bench, lineOf(bench, given), given.ended)
      same(bench, "a request that arrived halted did not come back as it came:", given.ended, requestOf(arrived))
      expect(arrived.trace.steps.length === 0, () =>
        `a request that arrived halted was handed to plug "${arrived.trace.steps[0]?.name}"`)
      const ends = (request: Request): Request =>
        given.ended.state === "error" ? Request.refuse(request, "halted") : Request.halt(request, given.ended.result)
      const halter = Plug.make("halter", ends)
      const halted = await run(bench, [halter, bench.subject(), Plug.identity, provider(given.act)], given.request)
      const late = halted.trace.steps.find(({ name }) => name !== "halter")
      expect(late === undefined, () => `behind a plug that halts, plug "${late?.name}" was run`)
      const expected = await finalOf(bench, [halter], given.request)
      same(bench, "what a plug halted with did not come back as it was:", expected, requestOf(halted))
      const ran = await run(bench, lineOf(bench, given), given.request)
      requestOf(ran)
      const wrong = ran.trace.steps.find((step) => step.in.halted)
      expect(wrong === undefined, () => `plug "${wrong?.name}" was run with a request that is halted`)
    },
    (given: Case & { readonly ended: Request }) => ({ ...describe(given), "a halted request": given.ended }),
    bench.options
  )

// --- onion
// ------------------------------------------------------------------------------------------------------------

/** How a run of the onion law ends. */
type Ending =
  | { readonly _tag: "End" }
  | { readonly _tag: "Interrupt" }
  | { readonly _tag: "Leave"; readonly pulls: number }

interface OnionCase {
  readonly request: Request
  readonly act: Act
  readonly ending: Ending
}

const waiting: ReadonlyArray<Act> = [
  { label: "never answers", reply: Mock.never() },
  {
    label: "stops in the middle of a stream",
    reply: Mock.stall([{ type: "text-delta", id: "0", delta: "Hel" }], { as: "stream" })
  }
]

const onions = <R>(bench: Bench<R>): fc.Arbitrary<OnionCase> =>
  fc.tuple(
    requests(bench.options),
    fc.oneof<fc.Arbitrary<Omit<OnionCase, "request">>[]>(
      acts().map((act) => ({ act, ending: { _tag: "End" } })),
      acts().map((act) => ({ act, ending: { _tag: "End" } })),
      fc.constantFrom(...waiting).map((act) => ({ act, ending: { _tag: "Interrupt" } })),
      fc.tuple(acts(), fc.nat(4)).map(([act, pulls]) => ({ act, ending: { _tag: "Leave", pulls } }))
    )
  ).map(([request, rest]) => ({ request, ...rest }))

/** Requests in list order, replies in reverse, each exactly once. */
export const onion = <R>(bench: Bench<R>): Law =>
  law(
    "onion",
    bench.name,
    "plugs see requests in list order and replies in reverse, and each that saw a request sees its reply exactly once, "
      + "also on error, halt and interruption",
    onions(bench),
    async ({ act, ending, request }) => {
      const log: Array<string> = []
      const tracer = (name: string): Plug =>
        Plug.after(name, (request) => {
          log.push(`${name} reply`)
          return request
        }, { content: false })
      const observer: Observer = {
        ...deaf,
        enter: ({ name }) => {
          if (/^tracer [abcd]$/.test(name)) log.push(`${name} request`)
          return {}
        }
      }
      const mock = Mock.make(() => act.reply, { name: "provider" })
      const [a, b, c, d] = ["a", "b", "c", "d"].map((letter) => tracer(`tracer ${letter}`)) as [Plug, Plug, Plug, Plug]
      const line: Pipeline<R> = [a, b, bench.subject(), c, d, mock.plug]
      if (ending._tag === "Leave") await read(bench, line, request, { take: ending.pulls, observer })
      else {
        const waits = () => mock.calls.some((call) => act.reply._tag === "Never" || call.parts > 0)
        const ran = await run(bench, line, request, { observer, ...(ending._tag === "Interrupt"
          && { interruptWhen: waits }) })
        if (ending._tag === "End") requestOf(ran)
        expect(ran.exit !== "never", () =>
          `the run did not come to an end${ending._tag === "Interrupt" ? " when it was interrupted" : ""}`)
      }
      await stragglers()
      const wrong = unbalanced(log)
      expect(wrong === undefined, () =>
        `${wrong}; tracers a and b stand before it, c and d behind it:\n${log.join("\n")}`)
    },
    ({ act, ending, request }) => ({
      request,
      provider: act.label,
      "the run": ending._tag === "End"
        ? "goes to its end"
        : ending._tag === "Interrupt" ? "is interrupted" : `is left by its reader after ${ending.pulls} pulls`
    }),
    bench.options
  )

/** Lets what a plug has left running go on for a while, to see whether it still touches the line. */
const stragglers = async (): Promise<void> => {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const unbalanced = (log: ReadonlyArray<string>): string | undefined => {
  const count = new Map<string, number>()
  const of = (name: string, what: "request" | "reply"): number => count.get(`tracer ${name} ${what}`) ?? 0
  for (const entry of log) {
    count.set(entry, (count.get(entry) ?? 0) + 1)
    for (const [outer, inner] of [["a", "b"], ["c", "d"]] as const) {
      if (of(inner, "request") > of(outer, "request")) return `tracer ${inner} saw a request before ${outer}`
      if (of(outer, "reply") > of(inner, "reply")) return `tracer ${outer} saw a reply before ${inner}`
    }
    if (of("b", "reply") > 0 && /^tracer [cd]/.test(entry)) {
      return `${entry.replace(/ (?=re)/, " saw a ")} after the reply had passed b`
    }
  }
  for (const name of ["a", "b", "c", "d"]) {
    const requests = of(name, "request")
    const replies = of(name, "reply")
    if (requests !== replies) {
      return `tracer ${name} saw ${requests} ${requests === 1 ? "request" : "requests"} and `
        + `${replies} ${replies === 1 ? "reply" : "replies"}`
    }
    if ((name === "a" || name === "b") && requests !== 1) return `tracer ${name} saw ${requests} requests`
  }
  return undefined
}

const deaf: Observer = {
  enter: () => ({}),
  pass: () => undefined,
  receive: () => undefined,
  leave: () => undefined,
  finish: () => undefined,
  parts: () => undefined
}
