/**
 * Laws about replies: how a stream is cut makes no difference, a stream is the whole answer in pieces, and a recorded
 * run can be run again.
 *
 * @module
 */
import { Pipeline, Result } from "@plugline/core"
import type { Parts } from "@plugline/core"
import { Exit } from "effect"
import fc from "fast-check"
import * as Arbitrary from "../Arbitrary.ts"
import * as Cut from "../Cut.ts"
import * as Mock from "../Mock.ts"
import { Replay } from "@plugline/replay"
import { type Bench, finalOf, foldOf, read, same, settle } from "./Bench.ts"
import { type Act, cases, describe, isOne, lineOf, mayFollow, provider, requests } from "./cases.ts"
import { differences } from "./compare.ts"
import { Breach, expect, type Law, law } from "./Law.ts"
import { loose } from "./plain.ts"

interface Cutting {
  readonly cut: ReadonlyArray<number>
  readonly chunks: ReadonlyArray<number>
}

const cutting = (): fc.Arbitrary<Cutting> => fc.record({ cut: Arbitrary.cuts(), chunks: Arbitrary.chunks() })

const streamed = (parts: Parts, { chunks, cut }: Cutting): Act => ({
  label: "",
  reply: Mock.parts(parts, { as: "stream", cut, chunks })
})

/** Before the provider, where the subject sees what is asked, or behind it. */
const sides = <R>(bench: Bench<R>): fc.Arbitrary<boolean> => mayFollow(bench.subject()) ? fc.boolean() : fc.constant(false)

const place = <R>(bench: Bench<R>, behind: boolean, act: Act): Pipeline<R> =>
  behind ? [provider(act), bench.subject()] : [bench.subject(), provider(act)]

/** However a stream is cut, the outcome is the same. */
export const chunking = <R>(bench: Bench<R>): Law =>
  law(
    "chunking",
    bench.name,
    "however the parts of a reply are cut and grouped, the reply they fold into and the final request are the same",
    fc.record({ request: requests(bench.options), parts: Arbitrary.parts(), one: cutting(), other: cutting(),
      behind: sides(bench) }),
    async ({ behind, one, other, parts, request }) => {
      const a = await finalOf(bench, place(bench, behind, streamed(parts, one)), request)
      const b = await finalOf(bench, place(bench, behind, streamed(parts, other)), request)
      same(bench, "the same stream cut in two ways ends in two requests:", a, b)
      const heardA = await read(bench, place(bench, behind, streamed(parts, one)), request)
      const heardB = await read(bench, place(bench, behind, streamed(parts, other)), request)
      const found = differences(foldOf(heardA.parts, request), foldOf(heardB.parts, request))
      expect(found === "", () => `the same stream cut in two ways reads as two replies:\n${found}`)
    },
    ({ behind, one, other, parts, request }) => ({
      request,
      "the stream": parts,
      "cut one way": one,
      "cut another way": other,
      ...(behind && { "it stands": "behind the provider" })
    }),
    bench.options
  )

/** Folding the streamed parts gives the whole reply. */
export const stream = <R>(bench: Bench<R>): Law =>
  law(
    "stream",
    bench.name,
    "the same answer, whole or streamed, ends in the same request, and the parts a reader gets fold into its result",
    fc.record({ request: requests(bench.options), result: Arbitrary.chatResult(), cutting: cutting(),
      behind: sides(bench) }),
    async ({ behind, cutting, request, result }) => {
      const whole: Act = { label: "", reply: Mock.result(result, { as: "whole" }) }
      const parts = Cut.recut(Result.parts(result), cutting.cut)
      const live: Act = { label: "", reply: Mock.parts(parts, { as: "stream", chunks: cutting.chunks }) }
      const a = await finalOf(bench, place(bench, behind, whole), request)
      const b = await finalOf(bench, place(bench, behind, live), request)
      if (a.state !== "error") same(bench, "streamed, the run ends in another request than whole:", a, b)
      else {
        // How much had arrived of an answer that was refused on its way depends on how it came. And of several plugs,
        // one may ask again where the refused answer was whole, and cannot where its parts have left.
        const ignore = [...bench.options.ignore ?? [], "result"]
        const lenient = { ...bench, options: { ...bench.options, ignore } }
        const alone = isOne(Pipeline.inspect(bench.subject()))
        if (alone) same(lenient, "streamed, the run fails in another way than whole:", a, b)
        expect(b.state === "error", () => `whole, the run fails; streamed, it ends in the state ${b.state}`)
      }
      for (const [how, act] of [["whole", whole], ["streamed", live]] as const) {
        const { parts } = await read(bench, place(bench, behind, act), request)
        if (a.state === "completed" && Result.isChat(a.result)) {
          const found = differences(a.result, foldOf(parts, request))
          expect(found === "", () =>
            `the parts a reader gets of the ${how} answer do not fold into the result of the request:\n${found}`)
        }
        if (a.state === "error") {
          expect(parts.at(-1)?.type === "error", () =>
            `the request has failed, but the parts a reader gets of the ${how} answer do not end in an error`)
        }
      }
    },
    ({ behind, cutting, request, result }) => ({
      request,
      "the answer": result,
      "cut": cutting,
      ...(behind && { "it stands": "behind the provider" })
    }),
    bench.options
  )

/** A recorded run, replayed, is equal step by step. */
export const replay = <R>(bench: Bench<R>): Law =>
  law(
    "replay",
    bench.name,
    "a recorded run, replayed with its times, its random numbers and its answers, goes the same way step by step",
    cases(bench.options),
    async (given) => {
      const recording = await done(settle(bench.options,
        Replay.record(lineOf(bench, given), loose(given.request), { edge: "provider" })))
      const again = await done(settle(bench.options,
        Replay.replay(lineOf(bench, given), recording, { edge: "provider" })))
      const found = Replay.equal(recording, again)
      expect(found.length === 0, () =>
        `replayed, the run went another way:\n${found.slice(0, 8).map(({ path, recorded, replayed }) =>
          `${path}: ${JSON.stringify(recorded)} ⇒ ${JSON.stringify(replayed)}`.slice(0, 300)).join("\n")}`)
    },
    describe,
    bench.options
  )

const done = async <A>(settled: Promise<Exit.Exit<A, unknown> | "never">): Promise<A> => {
  const exit = await settled
  if (exit === "never") throw new Breach("the run did not come to an end")
  if (Exit.isSuccess(exit)) return exit.value
  throw new Breach(`the run itself failed: ${String(exit.cause)}`)
}
