/**
 * What every service here has in common: what it is asked, what it says, and how it refuses what it cannot read.
 *
 * @module
 */

/** A body as it came. */
export type Fields = ReturnType<JSON["parse"]>

/** One request as it came. */
export interface Sent {
  /** Below the service's address. */
  readonly path: string
  readonly headers: { readonly [name: string]: string | ReadonlyArray<string> | undefined }
  readonly body: Fields
}

/** What is asked, whatever the words. */
export interface Asked {
  readonly operation: "chat" | "responses" | "completion" | "embeddings" | "moderations"
  readonly model: string
  readonly streams: boolean
  /** Whether vectors are asked for in base64. */
  readonly isPacked?: boolean
  /** What the user said last; of embeddings every text. */
  readonly texts: ReadonlyArray<string>
  /** Tools on offer, by name. */
  readonly tools: ReadonlyArray<string>
  /** What the tool answered, where the conversation ends with that. */
  readonly result?: string | undefined
  /** Whether the answer must be JSON of a form. */
  readonly isJson: boolean
  readonly thinks: boolean
}

/** What is said. */
export interface Said {
  readonly thinking?: string
  /** A text, in the pieces in which it is streamed. */
  readonly pieces: ReadonlyArray<string>
  readonly call?: { readonly id: string; readonly name: string; readonly args: object }
}

/** A service's words. */
export interface Service {
  readonly streamType: string
  /** Reads a request, and refuses what the service would. */
  readonly read: (sent: Sent) => Asked
  readonly whole: (said: Said, asked: Asked) => object
  /** A streamed answer: at least four pieces, of which the first two do not end it. */
  readonly events: (said: Said, asked: Asked) => ReadonlyArray<string | Buffer>
  readonly vectors: (asked: Asked) => object
  readonly error: (status: number, message: string) => object
}

/** Why a request is refused. */
export class Refusal extends Error {
  readonly status: number
  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

/** Refuses what does not hold. */
export const must: (holds: unknown, message: string) => asserts holds = (holds, message) => {
  if (holds === undefined || holds === null || holds === false || holds === "") throw new Refusal(message)
}

/** Holds results to the calls before them: each call has its own, in order. */
export const answersAll = (calls: ReadonlyArray<unknown>, results: ReadonlyArray<unknown>): void =>
  must(
    JSON.stringify(calls) === JSON.stringify(results),
    `calls ${JSON.stringify(calls)} were answered by ${JSON.stringify(results)}`
  )

/** The one vector of each text: numbers that single precision holds exactly. */
export const vectorOf = (text: string): ReadonlyArray<number> => [text.length, 0.5, -0.25]

/** What every call costs. */
export const tokens = { input: 10, output: 5, thinking: 3 } as const

/** How every answer begins where the service thinks, and what it is signed with. */
export const signature = "c2lnbmVkLWJ5LXRoZS1zZXJ2aWNl"

/** The answer to what is asked. */
export const answer = ({ isJson, result, thinks, tools }: Asked): Said => {
  if (result !== undefined) return { pieces: ["The tool weather ", "answered: ", result] }
  const thinking = thinks ? { thinking: "The rule is to multiply." } : {}
  if (tools.includes("weather")) return {
    ...thinking, pieces: [], call: { id: "call_abc123", name: "weather", args: { city: "Oslo" } }
  }
  return { ...thinking, pieces: isJson ? ["{\"city\":", "\"Oslo\",", "\"degrees\":4}"] : ["6 * 7 ", "= ", "42"] }
}

/** A text in two pieces. */
export const halves = (text: string): ReadonlyArray<string> => [
  text.slice(0, text.length >> 1), text.slice(text.length >> 1)
]

/** A server-sent event. */
export const sse = (value: unknown, name?: string): string =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(value)}\n\n`
