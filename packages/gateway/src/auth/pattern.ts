/**
 * Names with `*` for any characters, as they stand in lists of what is allowed. Pure; the time a match takes grows no
 * faster than pattern and name together, whatever they hold.
 *
 * @module
 */

/** Whether a name is what a pattern says. Capital and small letters differ. */
export const matches = (pattern: string, name: string): boolean => {
  const pieces = pattern.split("*")
  const [first = "", last = ""] = [pieces[0], pieces.at(-1)]
  if (pieces.length === 1) return pattern === name
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false
  let at = first.length
  const end = name.length - last.length
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at)
    if (found < 0 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}

/** A model as it is asked for. */
export interface Asked {
  /** What the client called it. */
  readonly alias?: string
  /** What its provider calls it. */
  readonly model?: string
  readonly provider?: string
}

/**
 * Whether a list of patterns names a model. A pattern with a slash is about `provider/model`, so that `openai/*`
 * means a provider and no model of another that is called alike; one without is about the name alone. A name of the
 * configuration may also stand there as it is.
 */
export const namesModel = (patterns: ReadonlyArray<string>, { alias, model, provider }: Asked): boolean =>
  patterns.some((pattern) => {
    if (pattern === "*" || pattern === alias) return true
    if (pattern.includes("/")) {
      return provider !== undefined && model !== undefined && matches(pattern, `${provider}/${model}`)
    }
    return (alias !== undefined && matches(pattern, alias)) || (model !== undefined && matches(pattern, model))
  })

const odd = /\/\/|\/\.{1,2}(?:\/|$)|[\\;?#\p{Cc}]|%2e|%2f|%5c|%25|%00/iu

/**
 * Whether a list of patterns names a route. A path that could be read as another one, through `//`, `..`, `%2f` and the
 * like, is named by none.
 */
export const namesRoute = (patterns: ReadonlyArray<string>, route: string): boolean =>
  route.startsWith("/") && !odd.test(route) && patterns.some((pattern) => matches(pattern, route))
