/**
 * A streamed reply, part by part, as it reached the reader; and what was there at any instant, to play it back.
 *
 * @module
 */
import { type ChatResult, Json, type LlmErrorJson, type Parts, Result, type ToolCallPart } from "@plugline/core"
import type { Recorded } from "../api.ts"
import { once, type SeenPart, view } from "./view.ts"

/** A part that reached the reader. */
export interface TimelinePart {
  readonly index: number
  /** In ms since the run began. */
  readonly at: number
  /** How long after the one before; of the first, since the run began. */
  readonly gap: number
  readonly part: Parts[number]
  /** What of it can be read: the text it adds, the arguments it writes. */
  readonly text: string
  /** The plugs that made it what it is, the innermost first. */
  readonly changedBy: ReadonlyArray<string>
}

/** A reply over time. */
export interface Timeline {
  readonly parts: ReadonlyArray<TimelinePart>
  /** Whether it came in parts at all. */
  readonly streamed: boolean
  /** When the first part was there, and the last. */
  readonly from: number
  readonly to: number
  /** How long the whole run took. */
  readonly total: number
  /** Where a plug broke it off. */
  readonly halt?: { readonly at: number; readonly index: number; readonly plug?: string; readonly error: LlmErrorJson }
  readonly type: ChatResult["type"]
  /** The answer as the run left it: plugs may still change it once the stream has ended. */
  readonly final?: Result
}

/** A tool call while it is written. */
export interface ToolCallSoFar {
  readonly id: string
  readonly name: string
  /** The arguments as far as they are written, as JSON text. */
  readonly params: string
  readonly done: boolean
}

/** What was there at an instant. */
export interface PlaybackState {
  /** The last part that was there; -1: none. */
  readonly index: number
  readonly text: string
  readonly reasoning: string
  /** Tools that are being called, with the arguments as far as they are written. */
  readonly toolCalls: ReadonlyArray<ToolCallSoFar>
  /** The answer so far. */
  readonly result: ChatResult
  /** Whether it has ended, and how. */
  readonly ended?: "finish" | "error" | "halted"
  readonly error?: LlmErrorJson
}

/** The reply of a run, part by part. */
export const timeline: (recorded: Recorded) => Timeline = once((recorded) => {
  const { final, parts: all, total } = view(recorded)
  const parts = partsOf(all)
  const end = parts.find(({ part }) => part.type === "error")
  const type = recorded.request.operation === "completion" ? "completion" : "chat"
  return {
    parts,
    streamed: parts.length > 0,
    from: parts[0]?.at ?? total,
    to: parts.at(-1)?.at ?? total,
    total,
    ...(end?.part.type === "error" && isRefusal(end.part.error) && {
      halt: {
        at: end.at,
        index: end.index,
        error: end.part.error,
        ...(end.part.error.plug !== undefined && { plug: end.part.error.plug })
      }
    }),
    type,
    ...(final?.result !== undefined && { final: final.result })
  }
})

/** A reply that somebody here broke off, in contrast to one that broke. */
const isRefusal = ({ reason: { _tag } }: LlmErrorJson): boolean => _tag === "Halted" || _tag === "ContentPolicy"

/**
 * Parts that reached the reader, each with the plugs that changed it: what a plug made of a part stands in front of the parts
 * that then came out.
 */
const partsOf = (all: ReadonlyArray<SeenPart>): ReadonlyArray<TimelinePart> => {
  const out: Array<TimelinePart> = []
  let made: Array<SeenPart & { readonly plug: string }> = []
  let before = 0
  for (let from = 0; from < all.length;) {
    const { at, part, plug } = all[from]!
    if (plug !== undefined) {
      made.push({ at, part, plug })
      from++
      continue
    }
    let to = from + 1
    while (to < all.length && all[to]!.plug === undefined && all[to]!.at === at) to++
    const alone = to === from + 1
    for (const { part } of all.slice(from, to)) {
      const own = made.filter((each) => alone || Json.equals(each.part, part)).map(({ plug }) => plug)
      out.push({ index: out.length, at, gap: at - before, part, text: textOf(part), changedBy: [...new Set(own)] })
      before = at
    }
    made = []
    from = to
  }
  return out
}

const textOf = (part: Parts[number]): string => {
  switch (part.type) {
    case "text-delta":
    case "reasoning-delta":
    case "tool-params-delta":
      return part.delta
    case "tool-call":
      return typeof part.params === "string" ? part.params : JSON.stringify(part.params) ?? ""
    case "error":
      return part.error.reason.message
    case "warning":
      return part.warning.message
    case "source":
      return part.sourceType === "url" ? part.url : part.title
    default:
      return ""
  }
}

// --- playing ----------------------------------------------------------------------------------------------------------

/** What was there at a time, in ms since the run began. */
export const stateAt = (timeline: Timeline, ms: number): PlaybackState => {
  const { parts } = timeline
  let low = 0
  let high = parts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (parts[middle]!.at <= ms) low = middle + 1
    else high = middle
  }
  return stateAtIndex(timeline, low - 1)
}

/** What was there once the part at this place had come; -1: before the first. */
export const stateAtIndex = (timeline: Timeline, index: number): PlaybackState => {
  const wanted = Math.min(Math.max(-1, Math.trunc(index)), timeline.parts.length - 1)
  let player = players.get(timeline)
  // Going back means beginning anew; going on takes only what is new.
  if (player === undefined || player.index > wanted) players.set(timeline, player = new Player(timeline))
  return player.until(wanted)
}

const players = new WeakMap<Timeline, Player>()

class Player {
  index = -1
  readonly #timeline: Timeline
  readonly #fold = new Result.Fold()
  readonly #calls = new Map<string, ToolCallSoFar>()
  #text = ""
  #reasoning = ""
  #end: Pick<PlaybackState, "ended" | "error"> = {}
  #state: PlaybackState | undefined

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  until(index: number): PlaybackState {
    while (this.index < index) {
      this.#take(this.#timeline.parts[++this.index]!.part)
      this.#state = undefined
    }
    return this.#state ??= {
      index: this.index,
      text: this.#text,
      reasoning: this.#reasoning,
      toolCalls: [...this.#calls.values()],
      result: this.#fold.result(this.#timeline.type),
      ...this.#end
    }
  }

  #take(part: Parts[number]): void {
    this.#fold.add(part)
    switch (part.type) {
      case "text-delta":
        if (part.choice === undefined || part.choice === 0) this.#text += part.delta
        return
      case "reasoning-delta":
        if (part.choice === undefined || part.choice === 0) this.#reasoning += part.delta
        return
      case "tool-params-start":
        return this.#call({ id: part.id, name: part.name, params: "", done: false })
      case "tool-params-delta": {
        const call = this.#calls.get(part.id) ?? { id: part.id, name: "", params: "", done: false }
        return this.#call({ ...call, params: call.params + part.delta })
      }
      case "tool-call":
        return this.#call(wholeCall(part))
      case "finish":
        this.#end = { ended: "finish" }
        return
      case "error":
        this.#end = { ended: isRefusal(part.error) ? "halted" : "error", error: part.error }
    }
  }

  #call(call: ToolCallSoFar): void {
    this.#calls.set(call.id, call)
  }
}

const wholeCall = ({ id, name, params }: ToolCallPart): ToolCallSoFar =>
  ({ id, name, params: typeof params === "string" ? params : JSON.stringify(params) ?? "", done: true })
