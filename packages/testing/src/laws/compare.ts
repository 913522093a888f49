/**
 * Says where two values differ.
 *
 * @module
 */
import { Diff, Request } from "@plugline/core"

/** A request as data that can be compared, without what may differ. */
export const plain = (request: Request, ignore: ReadonlyArray<string> = []): object =>
  ignore.reduce((json, path) => without(json, path.split(".")), Request.toJson(request) as object)

const without = (value: object, [name, ...rest]: ReadonlyArray<string>): object => {
  if (name === undefined || !Object.hasOwn(value, name)) return value
  const { [name]: inside, ...others } = value as Record<string, unknown>
  return rest.length === 0 || typeof inside !== "object" || inside === null
    ? others
    : { ...others, [name]: without(inside, rest) }
}

/** Where two values differ, one line each; the empty text where they do not. */
export const differences = (a: unknown, b: unknown): string => {
  const { added, changed, removed } = Diff.between(a, b)
  return [
    ...changed.map(({ after, before, path }) => `${path}: ${short(before)} ⇒ ${short(after)}`),
    ...added.map(({ path, value }) => `+ ${path}: ${short(value)}`),
    ...removed.map(({ path, value }) => `- ${path}: ${short(value)}`)
  ].slice(0, 12).join("\n")
}

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
