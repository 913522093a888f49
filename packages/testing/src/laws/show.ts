/**
 * Prints values for people who read a failing test: what is empty is left out, what is long is cut, secrets are masked.
 *
 * @module
 */
import { Mask, Pipeline, Request } from "@plugline/core"

const longest = 1_500

/** A value as a few lines of text. */
export const show = (value: unknown): string => {
  if (typeof value === "string") return cut(value)
  if (value instanceof Request.Request) return cut(lines(request(value)))
  return cut(lines(Mask.content(value)))
}

/** A pipeline as the tree of its plugs. */
export const showPipeline = <R>(pipeline: Pipeline<R>): string => Pipeline.render(pipeline)

const request = (given: Request): object =>
  Object.fromEntries(Object.entries(Request.toJson(given)).filter(([name, value]) =>
    name === "halted"
      ? value === true
      : !(typeof value === "object" && value !== null && Object.keys(value).length === 0) && value !== ""))

const lines = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text === undefined ? String(value) : text.length <= 100 ? text : JSON.stringify(value, null, 2)
}

const cut = (text: string): string =>
  text.length <= longest ? text : `${text.slice(0, longest)}… (${text.length - longest} characters more)`
