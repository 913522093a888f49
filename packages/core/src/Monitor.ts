/**
 * Reads along as a reply is written and can halt it, at the same places of the text however the provider cuts it. Reached
 * as `Plug.monitor`.
 *
 * @module
 */
import { Effect } from "effect"
import { misfit } from "./Configurable.ts"
import * as Guard from "./Guard.ts"
import * as LlmError from "./LlmError.ts"
import type { Part } from "./Part.ts"
import * as Reply from "./Reply.ts"
import type { PartHandler, Parts, Request } from "./Request.ts"
import { type Next, Plug } from "./Step.ts"

/** What a text monitor is shown. */
export interface Seen {
  readonly kind: "text" | "reasoning" | "tool-params"
  /** The end of what was written so far, at most `window` characters. */
  readonly text: string
  /** How many characters were written so far. */
  readonly length: number
}

/** Why a reply is to be halted; `undefined` lets it go on. */
export type Verdict = LlmError.LlmError | string | undefined

const allKinds: ReadonlyArray<Seen["kind"]> = ["text", "reasoning", "tool-params"]

/** How a text monitor looks. */
export interface MonitorOptions {
  /** Looks after every so many characters, and at the end. Default: 80. */
  readonly every?: number
  /** How many characters back it sees. Default: 4,000. */
  readonly window?: number
  /** What it looks at. Default: the visible text. */
  readonly of?: ReadonlyArray<Seen["kind"]>
}

/**
 * A plug that reads along as a reply is written and can halt it: by answering with an `LlmError`, or with a text, which
 * becomes a refusal with the reason `Halted`. It looks at the same places of the text however the provider cuts it.
 * A halted reply ends in an error part right where the look was taken, and the provider's stream is closed.
 */
export const monitor = (
  name: string,
  options: MonitorOptions,
  look: (seen: Seen, request: Request) => Verdict | Effect.Effect<Verdict, unknown>
): Plug => {
  const { every = 80, window = 4_000, of: kinds = ["text"] } = options
  return new Plug({
    name,
    options: { every, window, of: kinds },
    level: 1,
    make: !(Number.isSafeInteger(every) && every > 0)
      ? Effect.fail(misfit(name, "every", every, "a whole number of characters, at least 1"))
      : !(Number.isSafeInteger(window) && window > 0)
      ? Effect.fail(misfit(name, "window", window, "a whole number of characters, at least 1"))
      : !(Array.isArray(kinds) && kinds.every((kind) => allKinds.includes(kind)))
      ? Effect.fail(misfit(name, "of", kinds, `a list out of ${allKinds.map((kind) => JSON.stringify(kind)).join(", ")}`))
      : Effect.succeed((request: Request, next: Next) =>
        Guard.andThen(next(request), (answer) =>
          Reply.through(answer, {
            _tag: "Transform",
            plug: name,
            open: (request) => watch({ every, window, kinds, look: (seen) => look(seen, request) })
          })))
  })
}

interface Watch {
  readonly every: number
  readonly window: number
  readonly kinds: ReadonlyArray<Seen["kind"]>
  readonly look: (seen: Seen) => Verdict | Effect.Effect<Verdict, unknown>
}

interface Track {
  readonly kind: Seen["kind"]
  tail: string
  length: number
  looked: number
  nextAt: number
}

const watch = ({ every, kinds, look, window }: Watch): PartHandler => {
  const tracks = new Map<string, Track>()

  const lookAt = (track: Track) => {
    track.looked = track.length
    return look({ kind: track.kind, text: track.tail.slice(-window), length: track.length })
  }
  const write = (track: Track, text: string) => {
    track.tail = track.tail.length + text.length > 2 * window ? (track.tail + text).slice(-window) : track.tail + text
    track.length += text.length
  }

  /** Writes on to each place to look at and looks; where a look takes its time, goes on behind it later. */
  const advance = (track: Track, part: Part & { readonly delta: string }, from: number): ReturnType<PartHandler> => {
    const { delta } = part
    let at = from
    while (delta.length - at >= track.nextAt - track.length) {
      const next = at + track.nextAt - track.length
      write(track, delta.slice(at, next))
      at = next
      // Half of a surrogate pair is no text to look at: look one further.
      const last = track.tail.charCodeAt(track.tail.length - 1)
      if (last >= 0xd800 && last <= 0xdbff) {
        track.nextAt++
        continue
      }
      track.nextAt = track.length + every
      const verdict = lookAt(track)
      const halted = (verdict: Verdict & {}): Parts => [{ ...part, delta: delta.slice(0, at) } as Part, refusal(verdict)]
      if (Effect.isEffect(verdict)) {
        return Effect.flatMap(verdict, (verdict) => verdict === undefined ? asEffect(advance(track, part, at)) : Effect.succeed(halted(verdict)))
      }
      if (verdict !== undefined) return halted(verdict)
    }
    write(track, delta.slice(at))
    return part
  }

  /** Looks at what is new since the last look, when the reply is about to end. */
  const last = (part: Part, left: ReadonlyArray<Track>): ReturnType<PartHandler> => {
    const [track, ...rest] = left
    if (track === undefined) return part
    if (track.looked === track.length) return last(part, rest)
    const verdict = lookAt(track)
    const go = (verdict: Verdict): ReturnType<PartHandler> =>
      verdict === undefined ? last(part, rest) : [refusal(verdict)]
    return Effect.isEffect(verdict) ? Effect.flatMap(verdict, (verdict) => asEffect(go(verdict))) : go(verdict)
  }

  return (part) => {
    if (part.type === "finish") return last(part, [...tracks.values()])
    if (part.type !== "text-delta" && part.type !== "reasoning-delta" && part.type !== "tool-params-delta") return part
    const kind = part.type.slice(0, -"-delta".length) as Seen["kind"]
    if (!kinds.includes(kind)) return part
    // Tool arguments are texts of their own, call by call; text and reasoning are one text each.
    const key = `${kind} ${part.choice ?? 0} ${kind === "tool-params" ? part.id : ""}`
    let track = tracks.get(key)
    if (track === undefined) tracks.set(key, track = { kind, tail: "", length: 0, looked: 0, nextAt: every })
    return advance(track, part, 0)
  }
}

const refusal = (verdict: Verdict & {}): Part => ({
  type: "error",
  error: (typeof verdict === "string" ? LlmError.make({ _tag: "Halted", message: verdict }) : verdict).toJSON()
})

const asEffect = (parts: ReturnType<PartHandler>): Effect.Effect<Part | Parts, unknown> =>
  Effect.isEffect(parts) ? parts : Effect.succeed(parts)
