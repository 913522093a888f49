/**
 * Random cases to try laws on: what is asked, what the provider does, and which plugs stand around the subject.
 *
 * @module
 */
import { Pipeline } from "@plugline/core"
import type { Node, Parts, Plug, PlugLike, Request } from "@plugline/core"
import fc from "fast-check"
import * as Arbitrary from "../Arbitrary.ts"
import * as Mock from "../Mock.ts"
import type { Bench, Options } from "./Bench.ts"

/** What the provider does in a case. */
export interface Act {
  readonly label: string
  readonly reply: Mock.Reply
}

/** One random case: what is asked, what the provider does, and which plugs stand around the subject. */
export interface Case {
  readonly request: Request
  readonly act: Act
  readonly before: Pipeline
  readonly behind: Pipeline
}

/** A case for people. */
export const describe = ({ act, before, behind, request }: Case): object => ({
  request,
  provider: act.label,
  ...(before.length > 0 && { "before it": Pipeline.render(before) }),
  ...(behind.length > 0 && { "behind it": Pipeline.render(behind) })
})

const contentOperations = ["chat", "stream", "completion"] as const

/** Requests nobody has answered yet. */
export const requests = <R>({ requests }: Options<R>): fc.Arbitrary<Request> =>
  requests ?? Arbitrary.request({ states: ["pending", "executing"], operations: contentOperations })

/** A well-formed stream, cut and given out in any way. */
export const streams = (parts: fc.Arbitrary<Parts> = Arbitrary.parts()): fc.Arbitrary<Act> =>
  fc.tuple(parts, Arbitrary.cuts(), Arbitrary.chunks(), fc.constantFrom(0, 0, 7)).map(([parts, cut, chunks, between]) =>
    ({
    label: `streams ${JSON.stringify(parts)}, cut ${JSON.stringify(cut)}, ${JSON.stringify(chunks)} at a time`,
    reply: Mock.parts(parts, { as: "stream", cut, chunks, ...(between > 0 && { between }) })
  }))

/** A whole answer. */
export const wholes = (): fc.Arbitrary<Act> =>
  fc.tuple(Arbitrary.chatResult(), fc.constantFrom(0, 0, 7)).map(([result, delay]) => ({
    label: `answers ${JSON.stringify(result)}`,
    reply: Mock.result(result, { as: "whole", ...(delay > 0 && { delay }) })
  }))

/** Every way of failing that still comes to an end. */
export const failures = (): fc.Arbitrary<Act> =>
  fc.oneof<fc.Arbitrary<Act>[]>(
    Arbitrary.llmError().map((error) => ({ label: `fails with ${JSON.stringify(error)}`, reply: Mock.fail(error) })),
    Arbitrary.text().map((text) => ({ label: `throws ${JSON.stringify(text)}`, reply: Mock.throws(new Error(text)) })),
    Arbitrary.parts({ end: "finish" }).map((parts) => ({
      label: `streams ${JSON.stringify(parts.slice(0, -1))} and is cut off`,
      reply: Mock.cut(parts.slice(0, -1), { as: "stream" })
    }))
  )

/** Whatever a provider may do that comes to an end. */
export const acts = (): fc.Arbitrary<Act> =>
  fc.oneof({ weight: 3, arbitrary: streams() }, { weight: 3, arbitrary: wholes() },
    { weight: 2, arbitrary: failures() })

/** A case with plugs around the subject. */
export const cases = <R>(options: Options<R>, act: fc.Arbitrary<Act> = acts()): fc.Arbitrary<Case> =>
  fc.record({
    request: requests(options),
    act,
    before: Arbitrary.pipeline({ maxLength: 2 }),
    // The subject may bring a provider of its own.
    behind: Arbitrary.pipeline({ maxLength: 2 }).filter(mayFollow)
  })

/**
 * Whether plugs may stand behind a provider, where they see what was answered. Of a reply that is still arriving, some of
 * several plugs act at once and some at the end; so there they keep each other's order only if none reaches into it.
 */
export const mayFollow = <R>(pipeline: Pipeline<R>): boolean => {
  const plugs = Pipeline.inspect(pipeline)
  return isOne(plugs) || plugs.every(isCalm)
}

/** Whether there is one plug, and none inside it. */
export const isOne = ([first, ...others]: ReadonlyArray<Node>): boolean =>
  others.length === 0 && Object.keys(first?.children ?? {}).length === 0

const isCalm = ({ children, level }: Node): boolean =>
  level === 0 && Object.values(children).every((plugs) => plugs.every(isCalm))

/** A case with nothing around the subject. */
export const lonely = <R>(options: Options<R>, act: fc.Arbitrary<Act> = acts()): fc.Arbitrary<Case> =>
  fc.record({ request: requests(options), act, before: fc.constant([]), behind: fc.constant([]) })

/** The provider of a case. It answers each request in the same way. */
export const provider = ({ reply }: Act): Plug => Mock.make(() => reply, { name: "provider" }).plug

/** The line of a case: plugs, subject, plugs, provider. */
export const lineOf = <R>(bench: Bench<R>, given: Case): ReadonlyArray<PlugLike<R>> => [
  ...given.before,
  bench.subject(),
  ...given.behind,
  provider(given.act)
]
