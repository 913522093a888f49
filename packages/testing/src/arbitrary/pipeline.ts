/**
 * Random plugs that keep every law, and random pipelines of them.
 *
 * @module
 */
import { Key, LlmError, Message, Pipeline, Plug, Request, Result } from "@plugline/core"
import type { Part, PlugLike } from "@plugline/core"
import { Effect } from "effect"
import fc from "fast-check"

const seen = Key.make<ReadonlyArray<string>>("seen")

/** Notes a word where every later plug can read it: plugs that do so do not commute. */
const see = (request: Request, word: string): Request =>
  Request.assign(request, seen, [...Request.get(request, seen) ?? [], word])

const letters = fc.constantFrom("a", "b", "c")

/** Plugs that take part on the way to the provider only. */
const linear = (): fc.Arbitrary<Plug> =>
  fc.oneof<fc.Arbitrary<Plug>[]>(
    letters.map((letter) => Plug.make(`see-${letter}`, (request) => see(request, letter))),
    letters.map((letter) => Plug.make(`see-later-${letter}`, (request) => Effect.sync(() => see(request, letter)))),
    letters.map((letter) =>
      Plug.make(`see-slowly-${letter}`, (request) => Effect.as(Effect.sleep(5), see(request, letter)))),
    fc.constantFrom(0, 0.5, 1).map((temperature) =>
      Plug.make("temperature", Request.mergeOptions({ temperature }), { options: { temperature } })),
    letters.map((letter) =>
      Plug.make(`say-${letter}`, Request.mapMessages((messages) => [...messages, Message.user(letter)]))),
    fc.constant(Plug.make("warn", Request.addError(LlmError.make({ _tag: "Server", message: "noted" }))))
  )

/** Plugs that wait for the answer. */
const waiting = (): fc.Arbitrary<Plug> =>
  fc.oneof<fc.Arbitrary<Plug>[]>(
    letters.map((letter) =>
      Plug.after(`measure-${letter}`, (request) =>
        Request.putMetadata(request, letter, [request.state, Result.text(request.result).length]))),
    letters.map((letter) =>
      Plug.after(`measure-later-${letter}`, (request) => Effect.sync(() => see(request, letter)))),
    letters.map((letter) =>
      Plug.around(`wrap-${letter}`, (request, next) =>
        Effect.map(next(see(request, letter)), Request.putMetadata(`wrapped-${letter}`, true)))),
    fc.integer({ min: 2, max: 3 }).map(retry),
    fc.constant(Plug.identity)
  )

/** Asks again while the answer is an error, and keeps what went wrong. */
const retry = (attempts: number): Plug => {
  return Plug.around("ask-again", (request, next) => {
    const ask = (request: Request, left: number): Effect.Effect<Request> =>
      Effect.flatMap(next(request), (answer) => {
        if (answer.state !== "error" || left === 1) return Effect.succeed(answer)
        const more = answer.errors.slice(request.errors.length)
        return ask(more.reduce((request, error) => Request.addError(request, error), request), left - 1)
      })
    return ask(request, attempts)
  }, { options: { attempts } })
}

const write = (part: Part, f: (text: string) => string): Part =>
  part.type === "text-delta" ? { ...part, delta: f(part.delta) } : part

/** Plugs that reach into the reply. */
const reaching = (): fc.Arbitrary<Plug> =>
  fc.oneof<fc.Arbitrary<Plug>[]>(
    fc.tuple(letters, letters).map(([from, to]) =>
      Plug.mapParts(`write-${to}-for-${from}`, (part) => write(part, (text) => text.replaceAll(from, to)))),
    letters.map((letter) =>
      Plug.mapParts(`double-${letter}`, (part) =>
        Effect.sync(() => write(part, (text) => text.replaceAll(letter, letter + letter))))),
    fc.constant(Plug.mapParts("no-warnings", (part) => part.type === "warning" ? [] : part)),
    fc.constant(Plug.mapParts("sign", (part): ReadonlyArray<Part> =>
      part.type === "finish" ? [{ type: "raw", provider: "test", value: "signed" }, part] : [part])),
    letters.map((letter) =>
      Plug.stream(`count-${letter}`, () => {
        let count = 0
        return {
          part: (part) => {
            if (part.type === "text-delta") count += part.delta.split(letter).length - 1
            return part
          },
          end: (request) => Request.putMetadata(request, `count-${letter}`, count)
        }
      })),
    fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 60 })).map(([every, most]) =>
      Plug.monitor("not-long", { every }, ({ length }) => length > most ? `longer than ${most}` : undefined))
  )

const known = (request: Request, text: string): Result =>
  Result.fold([
    { type: "text-start", id: "0" },
    { type: "text-delta", id: "0", delta: text },
    { type: "finish", reason: "stop", usage: { inputTokens: {}, outputTokens: {} } }
  ], request.operation === "completion" ? "completion" : "chat")

/** Plugs that end the request, each in its way. */
const ending = (): fc.Arbitrary<Plug> =>
  fc.oneof<fc.Arbitrary<Plug>[]>(
    letters.map((letter) =>
      Plug.make(`known-${letter}`, (request) =>
        Message.text(request.messages).includes(letter) && request.state === "pending"
          ? Request.halt(request, known(request, `known ${letter}`))
          : request)),
    fc.constant(Plug.make("refuse", Request.refuse("not today"))),
    fc.constant(Plug.make("fail", () => Effect.fail(LlmError.make({ _tag: "Quota", message: "used up" })))),
    fc.constant(Plug.make("throw", () => {
      throw new Error("thrown on the way there")
    })),
    fc.constant(Plug.after("throw-back", () => {
      throw new Error("thrown on the way back")
    })),
    fc.constant(Plug.around("die", () => Effect.die("died")))
  )

const isShort = (request: Request): boolean => Message.text(request.messages).length < 10

/** Plugs that take pipelines, and lists in lists. */
const composed = (inner: fc.Arbitrary<ReadonlyArray<PlugLike>>): fc.Arbitrary<PlugLike> =>
  fc.oneof<fc.Arbitrary<PlugLike>[]>(
    inner.map((plugs) => Plug.group("group", plugs)),
    inner,
    fc.tuple(inner, inner).map(([yes, no]) => Plug.branch("branch", isShort, { yes, no })),
    inner.map((yes) => Plug.branch("branch-later", (request) => Effect.sync(() => isShort(request)), { yes })),
    fc.tuple(inner, inner).map(([left, right]) => Plug.parallel("parallel", { left, right })),
    fc.tuple(inner, inner).map(([left, right]) => Plug.race("race", { left, right }))
  )

type Lines = { plug: PlugLike; pipeline: ReadonlyArray<PlugLike> }

const { pipeline: anyPipeline, plug: anyPlug } = fc.letrec<Lines>((tie) => ({
  plug: fc.oneof(
    { maxDepth: 2, depthSize: "small" },
    { weight: 4, arbitrary: linear() },
    { weight: 3, arbitrary: waiting() },
    { weight: 3, arbitrary: reaching() },
    { weight: 1, arbitrary: ending() },
    { weight: 2, arbitrary: composed(tie("pipeline")) }
  ),
  pipeline: fc.array(tie("plug"), { maxLength: 3 })
}))

/** A plug that keeps every law: linear, waiting, reaching into the reply, ending the request, or made of pipelines. */
export const plug = (): fc.Arbitrary<PlugLike> => anyPlug

/** A pipeline of plugs that keep every law. A counterexample prints as the tree of its plugs. */
export const pipeline = (options: { readonly maxLength?: number } = {}): fc.Arbitrary<Pipeline> =>
  (options.maxLength === undefined ? anyPipeline : fc.array(anyPlug, { maxLength: options.maxLength })).map((plugs) =>
    Object.defineProperty([...plugs], fc.toStringMethod, { value: () => `[\n${Pipeline.render(plugs)}\n]` }))
