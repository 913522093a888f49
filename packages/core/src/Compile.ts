/**
 * Turns a pipeline into the function that runs it. Compiling checks every plug's options and finds its services; it is cheap
 * and holds no state. For `Plug.ts` and `Pipeline.ts`; not exported from the package.
 *
 * @module
 */
import { Context, Effect, Exit } from "effect"
import * as Guard from "./Guard.ts"
import * as LlmError from "./LlmError.ts"
import * as Reply from "./Reply.ts"
import { addStage, isRequest, join, type Observer, Request, runOf, type StepInfo } from "./Request.ts"
import { After, type Answer, type Handler, Linear, type Made, type Next, type Order, type Pipeline, Plug, type PlugLike } from "./Step.ts"

/** A pipeline that is ready to run. */
export interface Compiled {
  /** Runs a request through the line; at its end goes on with `next`, where given. */
  readonly handle: (request: Request, next?: Next) => Guard.Now<Request>
}

/** A list's plugs, with the lists inside it spread out. */
export const flatten = <R>(pipeline: Pipeline<R>): ReadonlyArray<Plug<R>> => {
  const out: Array<Plug<R>> = []
  const visit = (plugs: ReadonlyArray<PlugLike<R>>): void => {
    for (const plug of plugs) {
      if (plug instanceof Plug) out.push(plug)
      else if (typeof plug === "function") out.push(bare(plug))
      else visit(plug)
    }
  }
  visit(pipeline)
  return out
}

const bares = new WeakMap<Handler, Plug>()

/** A bare function as a plug, named after itself. */
const bare = (f: Handler): Plug => {
  let plug = bares.get(f)
  if (plug === undefined) {
    plug = new Plug({
      name: f.name === "" ? "anonymous" : f.name,
      make: Effect.succeed(f.length >= 2 ? f : new Linear(f as (request: Request) => Request))
    })
    bares.set(f, plug)
  }
  return plug
}

/** Where the plug stands that is being compiled, for the pipelines it compiles in turn. */
const Place = Context.Reference<string>("@plugline/core/Place", { defaultValue: () => "" })

/** The names of the plugs that stand in front of the pipeline that is being compiled, from the outermost inwards. */
const InFront = Context.Reference<ReadonlyArray<string>>("@plugline/core/InFront", { defaultValue: () => [] })

/**
 * What stands in a plug's place when a pipeline is compiled, also in the pipelines inside plugs: the plug itself, unless a
 * replay or an experiment puts another there.
 */
export const Rewrite = Context.Reference<(plug: Plug<unknown>, path: string) => Plug<unknown>>("@plugline/core/Rewrite", {
  defaultValue: () => unchanged
})

const unchanged = (plug: Plug<unknown>): Plug<unknown> => plug

interface Memo {
  readonly plugs: ReadonlyArray<unknown>
  readonly context: Context.Context<never> | undefined
  readonly compiled: Compiled
}

const memo = new WeakMap<object, Memo>()

/**
 * A pipeline, ready to run, in the services that are at hand. The same array in the same services is compiled once.
 * `label` names it among the pipelines of the plug that compiles it.
 */
export const compile = <R = never>(pipeline: Pipeline<R>, label?: string): Effect.Effect<Compiled, LlmError.LlmError, R> =>
  Effect.withFiber((fiber) => {
    const place = Context.get(fiber.context, Place)
    const rewrite = Context.get(fiber.context, Rewrite)
    const lasting = label === undefined && place === "" && rewrite === unchanged
    const known = lasting ? memo.get(pipeline) : undefined
    if (known !== undefined && (known.context === undefined || known.context === fiber.context) && same(known.plugs, pipeline)) {
      return Effect.succeed(known.compiled)
    }
    const prefix = `${place}${place === "" || label === undefined ? "" : "."}${label ?? ""}`
    const steps: Array<Step> = []
    let needsContext = false
    const line = flatten<unknown>(pipeline)
    const outside = Context.get(fiber.context, InFront)
    for (const [index, given] of line.entries()) {
      const path = prefix === "" ? String(index) : `${prefix}.${index}`
      const plug = rewrite === unchanged ? given : rewrite(given, path)
      const misplaced = plug.order === undefined ? undefined : misplacement(plug.name, plug.order, outside, line, index)
      if (misplaced !== undefined) return Effect.fail(misplaced)
      const { make } = plug
      if (Exit.isExit(make) && Exit.isSuccess(make)) steps.push(step(plug, path, make.value as Made))
      else {
        needsContext = true
        steps.push(step(plug, path, make))
      }
    }
    const remember = (compiled: Compiled): Compiled => {
      if (lasting) {
        memo.set(pipeline, { plugs: [...pipeline], context: needsContext ? fiber.context : undefined, compiled })
      }
      return compiled
    }
    if (!needsContext) return Effect.succeed(remember(ready(steps as ReadonlyArray<MadeStep>)))
    const names = line.map(({ name }) => name)
    return Effect.map(
      Effect.forEach(steps, (step, index) =>
        Effect.isEffect(step.made)
          ? Effect.map(
            Effect.provideService(Effect.provideService(step.made, Place, step.path), InFront, [...outside, ...names.slice(0, index)]),
            (made): MadeStep => ({ ...step, made })
          )
          : Effect.succeed(step as MadeStep)),
      (steps) => remember(ready(steps))
    )
  })

/** Why a plug may not stand where it stands, if it may not. */
const misplacement = (
  name: string,
  { after = {}, before = {} }: Order,
  outside: ReadonlyArray<string>,
  line: ReadonlyArray<Plug<unknown>>,
  at: number
): LlmError.LlmError | undefined => {
  for (const [index, { name: other }] of line.entries()) {
    const reason = index < at && Object.hasOwn(before, other)
      ? [`must stand in front of ${JSON.stringify(other)}`, before[other]]
      : index > at && Object.hasOwn(after, other)
      ? [`must stand behind ${JSON.stringify(other)}`, after[other]]
      : undefined
    if (reason !== undefined) return disorder(name, other, reason)
  }
  const around = outside.find((other) => Object.hasOwn(before, other))
  return around === undefined ? undefined : disorder(name, around, [`must not stand inside or behind ${JSON.stringify(around)}`, before[around]])
}

const disorder = (name: string, other: string, [what, why]: ReadonlyArray<string | undefined>): LlmError.LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option: other,
    message: `plug ${JSON.stringify(name)} ${what}, because ${why}; where this order is meant, use Plug.anywhere`
  }, { plug: name })

interface Step extends StepInfo {
  /** How deep it or a plug inside it reaches into a stream. */
  readonly reach: number
  readonly made: Made | Effect.Effect<Made, LlmError.LlmError, never>
}

interface ReadyStep extends Step {
  readonly made: Made
  /** The handler of a linear step. */
  readonly linear: ((request: Request) => Answer) | undefined
  /** Whether it can wait for the end of a stream together with all that stands behind it. */
  readonly waits: boolean
}

const step = (plug: Plug<unknown>, path: string, made: Made | Plug<unknown>["make"]): Step => ({
  name: plug.name,
  path,
  level: plug.level,
  reach: reach(plug),
  // What a plug needs is in the type of the pipeline, and so of the Effect that compiles it.
  made: made as Step["made"]
})

/** How deep a plug, or one inside it, reaches into a stream. */
export const reach = (plug: Plug<unknown>): number =>
  Math.max(plug.level, ...Object.values(plug.children).flatMap((pipeline) => flatten(pipeline).map(reach)))

const same = (a: ReadonlyArray<unknown>, b: ReadonlyArray<unknown>): boolean =>
  a.length === b.length && a.every((plug, index) => plug === b[index] && !Array.isArray(plug))

type MadeStep = Step & { readonly made: Made }

const ready = (made: ReadonlyArray<MadeStep>): Compiled => {
  let waits = true
  const steps = made.toReversed().map((step): ReadyStep => {
    waits &&= step.reach === 0
    return { ...step, linear: step.made instanceof Linear ? step.made.run : undefined, waits: waits && !(step.made instanceof Linear) && !(step.made instanceof After) }
  }).reverse()
  return { handle: (request, next) => advance(steps, 0, request, next) }
}

/**
 * Walks a request down the line from one step on. One loop as long as plugs are linear and answer at once; what waits for
 * the answer takes the rest of the line as a call.
 */
const advance = (steps: ReadonlyArray<ReadyStep>, from: number, given: Request, end: Next | undefined): Guard.Now<Request> => {
  const run = runOf(given)
  let request = given
  let index = from
  if (run === undefined || !run.watched) {
    const stop = steps.length
    while (index < stop && !request.halted) {
      const { linear } = steps[index]!
      if (linear === undefined || request.state === "streaming") break
      let answer: unknown
      try {
        answer = linear(request)
      } catch (thrown) {
        answer = Exit.die(thrown)
      }
      // What plugs mostly answer with is taken here; anything else, and all that needs a second look, is settled.
      if (!(answer instanceof Request)) {
        if (!(Exit.isExit(answer) && answer._tag === "Success" && answer.value instanceof Request)) {
          return settled(steps, index, undefined, request, answer, end)
        }
        answer = answer.value
      }
      if ((answer as Request).errors !== request.errors || runOf(answer as Request) !== run) {
        return settled(steps, index, undefined, request, answer, end)
      }
      request = answer as Request
      index++
    }
  }
  if (request.halted) return request
  if (index < steps.length) return visit(steps, index, request, end)
  if (end === undefined) return request
  const rest = end(request)
  return rest instanceof Guard.Rest ? rest.run() : rest
}

/** One step that the loop does not take: it is watched, it waits for the answer, or the answer is arriving already. */
const visit = (steps: ReadonlyArray<ReadyStep>, index: number, request: Request, end: Next | undefined): Guard.Now<Request> => {
  const step = steps[index]!
  const { made } = step
  const run = runOf(request)
  const observer = run?.observer
  const spans = run?.spans === true
  if (made instanceof Linear) {
    if (request.state === "streaming") {
      const finisher = { _tag: "Finisher", plug: step.name, content: true, always: false, done: made.run } as const
      return advance(steps, index + 1, addStage(request, finisher), end)
    }
    const seen = observer?.enter(step, request)
    const answer = spans ? spanned(step, request, () => made.run(request)) : attempt(made.run, request)
    return settled(steps, index, seen, request, answer, end)
  }
  if (made instanceof After) return after(steps, index, step, made, request, end, observer, spans)
  if (step.waits && request.state === "streaming") {
    // It stands behind the provider: like a linear plug there it sees the answer, and so when the stream has ended.
    return addStage(request, {
      _tag: "Finisher",
      plug: step.name,
      content: true,
      always: false,
      done: (request) => advance(steps, index, request, end)
    })
  }
  return around(steps, index, step, made, request, end, observer, spans)
}

/** Goes on behind a linear step with whatever it answered. */
const settled = (
  steps: ReadonlyArray<ReadyStep>,
  index: number,
  seen: object | undefined,
  before: Request,
  answer: unknown,
  end: Next | undefined
): Guard.Now<Request> =>
  Guard.andThen(Guard.settle(steps[index]!.name, before, answer), (request) => {
    if (seen !== undefined) runOf(before)!.observer!.leave(seen, request)
    return advance(steps, index + 1, request, end)
  })

const after = (
  steps: ReadonlyArray<ReadyStep>,
  index: number,
  step: ReadyStep,
  made: After,
  request: Request,
  end: Next | undefined,
  observer: Observer | undefined,
  spans: boolean
): Guard.Now<Request> => {
  const visit = observer?.enter(step, request)
  if (visit !== undefined) observer!.pass(visit, request)
  const back = (answer: Request): Guard.Now<Request> => {
    if (visit !== undefined) observer!.receive(visit, answer)
    const seen = Reply.atEnd(answer, {
      _tag: "Finisher",
      plug: step.name,
      content: made.content,
      always: true,
      done: spans ? (request) => spanned(step, request, () => made.run(request)) : made.run
    })
    return visit === undefined ? seen : Guard.andThen(seen, (out) => {
      observer!.leave(visit, out)
      return out
    })
  }
  const rest = advance(steps, index + 1, request, end)
  if (isRequest(rest)) return back(rest)
  // The rest of the line takes its time and may be interrupted: then this plug hears of it here, and only then.
  return Effect.flatMap(
    Effect.onInterrupt(rest, () => Effect.ignoreCause(Effect.suspend(() => Guard.effect(Guard.settle(step.name, request, attempt(made.run, request)))))),
    (answer) => Guard.effect(back(answer))
  )
}

const around = (
  steps: ReadonlyArray<ReadyStep>,
  index: number,
  step: ReadyStep,
  handler: Handler,
  request: Request,
  end: Next | undefined,
  observer: Observer | undefined,
  spans: boolean
): Guard.Now<Request> => {
  const visit = observer?.enter(step, request)
  // Replies the plug was given; those it does not hand on are left.
  let given: Array<Request> | undefined
  const next: Next = (passed) => new Guard.Rest(() => {
    if (!isRequest(passed)) return Guard.crash(step.name, request, new TypeError("next must be called with a Request"))
    const member = runOf(passed) === runOf(request) ? passed : join(passed, runOf(request))
    if (visit !== undefined) observer!.pass(visit, member)
    return Guard.andThen(advance(steps, index + 1, member, end), (answer) => {
      if (visit !== undefined) observer!.receive(visit, answer)
      if (answer.state === "streaming") (given ??= []).push(answer)
      return answer
    })
  })
  const answer = spans
    ? spanned(step, request, () => handler(request, next))
    : attempt2(handler, request, next)
  return Guard.andThen(Guard.settle(step.name, request, answer), (out) => {
    if (visit !== undefined) observer!.leave(visit, out)
    const dropped = given?.filter(({ reply }) => reply!.source !== out.reply?.source) ?? none
    return dropped.length === 0 ? out : Effect.as(Effect.forEach(dropped, Reply.abandon, { discard: true }), out)
  })
}

const none: ReadonlyArray<Request> = []

const attempt = (f: (request: Request) => unknown, request: Request): unknown => {
  try {
    return f(request)
  } catch (thrown) {
    return Exit.die(thrown)
  }
}

const attempt2 = (f: Handler, request: Request, next: Next): unknown => {
  try {
    return f(request, next)
  } catch (thrown) {
    return Exit.die(thrown)
  }
}

/** What is no conversation, and is called what it is called here. */
const others: ReadonlySet<string> = new Set(["embeddings", "moderations"])

/** One span per plug, in OpenTelemetry's words for generative AI. */
const spanned = (step: StepInfo, request: Request, f: () => unknown): Effect.Effect<Request, unknown> =>
  Effect.withSpan(
    Effect.suspend(() => {
      const answer = attempt(f, request)
      return (Effect.isEffect(answer) ? answer : Effect.succeed(answer)) as Effect.Effect<Request, unknown>
    }),
    `plug ${step.name}`,
    {
      attributes: {
        "gen_ai.operation.name": others.has(request.operation) ? request.operation : "chat",
        "gen_ai.provider.name": request.provider,
        ...(request.options.model !== undefined && { "gen_ai.request.model": request.options.model }),
        "plugline.plug.path": step.path,
        "plugline.request.id": request.id
      }
    }
  )
