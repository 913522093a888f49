/** The cast of these tests: plugs that answer, count, throw, halt, wait and lie, and a source that can be watched. */
import { type Part, type Parts, Plug, Request, Result, type Source } from "@plugline/core"
import { Effect } from "effect"

export const usage = { inputTokens: { total: 3 }, outputTokens: { total: 2 } }

export const request = (text = "hello") => Request.make({ id: "r1", provider: "mock", messages: text })

/** A text as the parts of a reply, one delta a word. */
export const parts = (text: string): ReadonlyArray<Part> => [
  { type: "response-metadata", id: "x1", modelId: "mock-1" },
  { type: "text-start", id: "0" },
  ...(text.match(/\s*\S+|\s+$/g) ?? []).map((delta): Part => ({ type: "text-delta", id: "0", delta })),
  { type: "text-end", id: "0" },
  { type: "finish", reason: "stop", usage }
]

export const result = (text: string) => Result.fold(parts(text))

/** Answers whole. */
export const answerer = (text = "hello world") => Plug.make("answerer", (r) => Request.complete(r, result(text)))

export interface Watched extends Source {
  pulls: number
  closes: number
}

/** A source that gives one batch a pull and counts what happens to it. */
export const source = (batches: ReadonlyArray<Parts>, wait: Effect.Effect<void> = Effect.void): Watched => {
  const watched: Watched = {
    pulls: 0,
    closes: 0,
    pull: Effect.andThen(wait, Effect.sync(() => batches[watched.pulls++])),
    close: Effect.sync(() => {
      watched.closes++
    })
  }
  return watched
}

/** Answers as a stream. */
export const streamer = (watched: Source) => Plug.make("streamer", (r) => Request.stream(r, watched))

/** Writes down each time it is passed. */
export const tracer = (log: Array<string>, name: string) =>
  Plug.around(name, (r, next) => {
    log.push(`> ${name}`)
    return Effect.map(next(r), (answer) => {
      log.push(`< ${name}`)
      return answer
    })
  })

export const thrower = Plug.make("thrower", () => {
  throw new Error("boom")
})

export const halter = Plug.make("halter", Request.refuse("no"))

export const never = Plug.around("never", () => Effect.never)
