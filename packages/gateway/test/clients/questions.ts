/**
 * What every client asks, and what it has to read: the services and the built-in rules say the same.
 *
 * @module
 */
import { expect } from "vitest"
import type { At } from "./setting.ts"
import { tokens, vectorOf } from "./services/words.ts"

export const question = "What is 6 * 7?"
export const said = "6 * 7 = 42"

export const toolQuestion = "What is the weather in Oslo?"
export const tool = {
  name: "weather",
  description: "Tells the weather of a city.",
  parameters: {
    type: "object" as const, properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false
  }
}
export const toolArgs = { city: "Oslo" }
export const toolResult = "4 degrees"
/** What is said after the tool has answered. */
export const toolSaid = /The tool weather answered: .*4 degrees/

export const jsonQuestion = "city: Oslo, degrees: 4"
export const schema = {
  type: "object" as const,
  properties: { city: { type: "string" }, degrees: { type: "number" } },
  required: ["city", "degrees"],
  additionalProperties: false
}
export const jsonSaid = { city: "Oslo", degrees: 4 }

export const thought = /^The rule /

export const failing = (status: number): string => `fail with ${status}`

/** The tokens of an answer: those the service counted, and of the rules some. */
export const expectTokens = ({ upstream }: At, input: unknown, output: unknown): void => {
  if (upstream !== "local") expect({ input, output }).toEqual({ input: tokens.input, output: tokens.output })
  else for (const count of [input, output]) expect(count).toBeGreaterThan(0)
}

export const texts = ["one", "three"]

/** The vectors of some texts: those the service made, and of the rules some that differ. */
export const expectVectors = (
  { upstream }: At, vectors: ReadonlyArray<ReadonlyArray<number>>, of: ReadonlyArray<string>
): void => {
  if (upstream !== "local") return expect(vectors).toEqual(of.map(vectorOf))
  expect(vectors.length).toBe(of.length)
  for (const vector of vectors) expect(vector.length > 100 && vector.every(Number.isFinite)).toBe(true)
  expect(new Set(vectors.map((vector) => vector.join())).size).toBe(of.length)
}

/** Pieces of a stream: more than one, and together what was to be said. */
export const expectPieces = (pieces: ReadonlyArray<string>, whole: string | RegExp): void => {
  expect(pieces.length).toBeGreaterThan(1)
  if (typeof whole === "string") expect(pieces.join("")).toBe(whole)
  else expect(pieces.join("")).toMatch(whole)
}
