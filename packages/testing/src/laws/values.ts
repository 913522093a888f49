/**
 * Laws about what a request is at every step: unchanged where it was, an entry for whatever goes wrong, in a legal
 * state, and fit to be stored.
 *
 * @module
 */
import { Request } from "@plugline/core"
import { Exit } from "effect"
import fc from "fast-check"
import * as Arbitrary from "../Arbitrary.ts"
import { type Bench, type Ran, requestOf, run, same } from "./Bench.ts"
import { type Act, acts, cases, describe, lineOf, lonely, provider, streams } from "./cases.ts"
import { differences } from "./compare.ts"
import { expect, type Law, law } from "./Law.ts"
import { copy, freeze, freezeRequest, memory, watch } from "./plain.ts"

/** The request handed in is deeply unchanged. */
export const immutability = <R>(bench: Bench<R>): Law =>
  law(
    "immutability",
    bench.name,
    "what a plug is handed stays as it is; to change something is to make a new request with the functions of Request",
    lonely(bench.options),
    async ({ act, request }) => {
      const line = (act: Act, look: (where: string, request: Request) => void) =>
        [...watch("before", look), bench.subject(), ...watch("behind", look), provider(act)]
      // What is written into a part must not be written into the case, or no smaller one could be told from it.
      const own = (): Act => ({ ...act, reply: copy(act.reply) as Act["reply"] })
      const { changed, look } = memory()
      const free = requestOf(await run(bench, line(own(), look), request))
      const found = changed()
      expect(found === "", () => found)
      // What is changed and put back, or changed where nobody looks, fails on frozen data.
      const frozen = own()
      freeze(frozen.reply)
      same(bench, "it answers differently once all it is handed is frozen, so it tries to change that in place:",
        free, requestOf(await run(bench, line(frozen, freezeRequest), request)))
    },
    describe,
    bench.options
  )

/** No request makes a plug throw out of the runner. */
export const totality = <R>(bench: Bench<R>): Law =>
  law(
    "totality",
    bench.name,
    "no request and no reply, however odd, makes a run throw or keeps it from ending: what goes wrong is an entry",
    fc.record({
      request: fc.oneof(Arbitrary.oddRequest(), Arbitrary.request()),
      act: fc.oneof(acts(), streams(Arbitrary.oddParts())),
      before: fc.constant([]),
      behind: fc.constant([])
    }),
    async (given) => {
      const final = requestOf(await run(bench, lineOf(bench, given), given.request))
      namedErrors(given.request, final)
    },
    describe,
    bench.options
  )

/** Errors only grow, and each names its plug. */
export const errors = <R>(bench: Bench<R>): Law =>
  law(
    "errors",
    bench.name,
    "an entry in errors stays there, also where a failed attempt is followed by one that succeeds, and names its plug",
    cases(bench.options),
    async (given) => {
      const ran = await run(bench, lineOf(bench, given), given.request)
      const final = requestOf(ran)
      grown("the run", given.request, final)
      namedErrors(given.request, final)
      for (const { calls, in: handed, name, out } of ran.trace.steps) {
        for (const { passed } of calls) grown(`what plug "${name}" hands on`, handed, passed)
        if (out === undefined) continue
        grown(`plug "${name}"`, handed, out)
        for (const { received } of calls) {
          const lost = received?.errors.find(({ reason }) => !out.errors.some((error) => error.reason === reason))
          expect(lost === undefined, () => `plug "${name}" drops an error of the answer it received: ${lost?.message}`)
        }
      }
      for (const { after, before, plug } of ran.trace.ends) {
        grown(`plug "${plug}" at the end of the stream`, before, after)
      }
    },
    describe,
    bench.options
  )

const grown = (what: string, before: Request, after: Request): void => {
  before.errors.forEach((error, index) => {
    const now = after.errors[index]
    expect(now === error || now?.reason === error.reason, () =>
      `${what} drops or moves the entry errors[${index}]: ${error.message}\nnow there: ${now?.message ?? "nothing"}`)
  })
}

const namedErrors = (before: Request, after: Request): void => {
  const nameless = after.errors.slice(before.errors.length).find(({ plug }) => plug === undefined)
  expect(nameless === undefined, () => `an entry names no plug: ${nameless?.message}`)
}

/** Only legal transitions, and `state` and `halted` agree. */
export const state = <R>(bench: Bench<R>): Law =>
  law(
    "state",
    bench.name,
    "a request moves only along the edges of its state machine; state, halted, reply and result agree at every step",
    cases(bench.options),
    async (given) => {
      const ran = await run(bench, lineOf(bench, given), given.request)
      const final = requestOf(ran)
      for (const { calls, in: handed, name, out } of ran.trace.steps) {
        for (const { passed, received } of calls) {
          moved(`plug "${name}" hands on`, handed, passed)
          if (received !== undefined) moved(`what plug "${name}" received`, passed, received)
        }
        if (out !== undefined) moved(`plug "${name}"`, handed, out)
      }
      for (const { after, before, plug } of ran.trace.ends) {
        moved(`plug "${plug}" at the end of the stream`, before, after)
      }
      moved("the run", given.request, final)
    },
    describe,
    bench.options
  )

const moved = (what: string, before: Request, after: Request): void => {
  expect(before.state === after.state || Request.isLegal(before.state, after.state), () =>
    `${what}: from ${before.state} to ${after.state}, which is no edge of the state machine`)
  const wrong = disagreement(after)
  expect(wrong === undefined, () => `${what}: ${wrong}`)
}

const disagreement = ({ halted, reply, result, state }: Request): string | undefined => {
  if (state === "error" && !halted) return "the state is error, but halted is false"
  if (halted && (state === "pending" || state === "executing")) {
    return `halted, but the state is still ${state}: neither answer nor error`
  }
  if ((state === "streaming") !== (reply !== undefined)) {
    return `the state is ${state}, but there is ${reply === undefined ? "no" : "a"} reply arriving`
  }
  if (state === "completed" && result === undefined) return "completed, but without a result"
  return undefined
}

/** Any request that can be recorded survives encode and decode. */
export const json = <R>(bench: Bench<R>): Law =>
  law(
    "json",
    bench.name,
    "every request of a run can be stored as JSON and read back, and what is read back is stored as the same JSON",
    cases(bench.options),
    async (given) => {
      const ran = await run(bench, lineOf(bench, given), given.request)
      for (const request of requestsOf(ran)) {
        const first = JSON.stringify(Request.toJson(request))
        const again = readBack(first)
        expect(first === JSON.stringify(again), () =>
          `a request is not the same after it was stored and read back:\n${differences(JSON.parse(first), again)}`)
      }
    },
    describe,
    bench.options
  )

const readBack = (text: string): object => {
  try {
    return Request.toJson(Request.fromJson(JSON.parse(text)))
  } catch (thrown) {
    return { "cannot be read back": String(thrown) }
  }
}

const requestsOf = ({ exit, trace }: Ran): ReadonlySet<Request> => {
  const all = trace.steps.flatMap(({ calls, in: handed, out }) =>
    [handed, out, ...calls.flatMap(({ passed, received }) => [passed, received])])
  if (exit !== "never" && Exit.isSuccess(exit)) all.push(exit.value)
  return new Set(all.filter((request) => request !== undefined))
}

