/**
 * Finds the route of a request: a table of exact paths and of paths with one open place, nothing else. A path that is written
 * otherwise (`//`, `..`, an escaped slash, other case) is none of ours.
 *
 * @module
 */

/** Where a route is. `{name}` in its path is one open place, `{name+}` may hold slashes; text may stand around it. */
export interface Place {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly path: string
}

/** What was found. */
export type Found<R> =
  | { readonly route: R; readonly parameter: string | undefined }
  /** The path is there, for these methods. */
  | { readonly allowed: ReadonlyArray<string> }
  | undefined

/** A table that can be asked: `path` is without query. */
export interface Table<R extends Place> {
  readonly routes: ReadonlyArray<R>
  readonly find: (method: string, path: string) => Found<R>
}

interface Open<R> {
  readonly before: string
  readonly after: string
  readonly slashes: boolean
  readonly byMethod: Map<string, R>
}

/** A table of routes. Of two that fit, the exact one counts, then the one that is first in the list. */
export const table = <R extends Place>(routes: ReadonlyArray<R>): Table<R> => {
  const exact = new Map<string, Map<string, R>>()
  const open: Array<Open<R>> = []
  for (const route of routes) {
    const parts = /^(.*?)\{(\w+)(\+?)\}(.*)$/.exec(route.path)
    if (parts === null) {
      const known = exact.get(route.path)
      if (known === undefined) exact.set(route.path, new Map([[route.method, route]]))
      else known.set(route.method, route)
      continue
    }
    const [, before = "", , plus, after = ""] = parts
    const known = open.find((each) => each.before === before && each.after === after)
    if (known === undefined) open.push({ before, after, slashes: plus === "+", byMethod: new Map([[route.method, route]]) })
    else known.byMethod.set(route.method, route)
  }

  const among = (byMethod: Map<string, R>, method: string, parameter: string | undefined): Found<R> => {
    const route = byMethod.get(method)
    return route === undefined ? { allowed: [...byMethod.keys()] } : { route, parameter }
  }

  return {
    routes,
    find: (method, path) => {
      const known = exact.get(path)
      if (known !== undefined) return among(known, method, undefined)
      for (const { after, before, byMethod, slashes } of open) {
        if (path.length <= before.length + after.length || !path.startsWith(before) || !path.endsWith(after)) continue
        const parameter = unescaped(path.slice(before.length, path.length - after.length), slashes)
        if (parameter !== undefined) return among(byMethod, method, parameter)
      }
      return undefined
    }
  }
}

/** What stands in an open place; `undefined` where it is not to be taken for one. */
const unescaped = (given: string, slashes: boolean): string | undefined => {
  let text = given
  if (text.includes("%")) {
    try {
      text = decodeURIComponent(text)
    } catch {
      return undefined
    }
  }
  if (!slashes && text.includes("/")) return undefined
  if (text.startsWith("/") || text.endsWith("/") || text.includes("//")) return undefined
  if (/(^|\/)\.{1,2}(\/|$)/.test(text) || /[\u0000-\u001f\u007f\\]/.test(text) || !text.isWellFormed()) return undefined
  return text
}
