/**
 * What changed between two values, by path. Values are compared by identity first: where nothing was touched, immutable
 * values are shared, and whole branches cost one comparison.
 *
 * @module
 */
import { isRecord } from "./Json.ts"

/** What is there now and was not before, what was and is not, and what is another value now. */
export interface Diff {
  readonly added: ReadonlyArray<{ readonly path: string; readonly value: unknown }>
  readonly removed: ReadonlyArray<{ readonly path: string; readonly value: unknown }>
  readonly changed: ReadonlyArray<{ readonly path: string; readonly before: unknown; readonly after: unknown }>
}

/**
 * Compares two plain values. Paths read like code: `messages[1].content[0].text`.
 *
 * @example
 * ```ts
 * import { Diff } from "@plugline/core"
 *
 * const diff = Diff.between({ a: 1, b: [1, 2] }, { b: [1, 3, 4] })
 * diff.removed // => [{ path: "a", value: 1 }]
 * diff.changed // => [{ path: "b[1]", before: 2, after: 3 }]
 * diff.added // => [{ path: "b[2]", value: 4 }]
 * ```
 */
export const between = (before: unknown, after: unknown, path = ""): Diff => {
  const out = { added: [], removed: [], changed: [] } as {
    [Field in keyof Diff]: Array<Diff[Field][number]>
  }
  const visit = (a: unknown, b: unknown, path: string, depth: number): void => {
    if (Object.is(a, b)) return
    if (depth < 200 && Array.isArray(a) && Array.isArray(b)) {
      for (let index = 0; index < Math.max(a.length, b.length); index++) {
        const here = `${path}[${index}]`
        if (index >= a.length) out.added.push({ path: here, value: b[index] })
        else if (index >= b.length) out.removed.push({ path: here, value: a[index] })
        else visit(a[index], b[index], here, depth + 1)
      }
    } else if (depth < 200 && isRecord(a) && isRecord(b)) {
      for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
        const here = field(path, key)
        const was = Object.hasOwn(a, key) ? a[key] : undefined
        const is = Object.hasOwn(b, key) ? b[key] : undefined
        if (was === undefined && is !== undefined) out.added.push({ path: here, value: is })
        else if (was !== undefined && is === undefined) out.removed.push({ path: here, value: was })
        else visit(was, is, here, depth + 1)
      }
    } else out.changed.push({ path, before: a, after: b })
  }
  visit(before, after, path, 0)
  return out
}

/** Whether nothing changed. */
export const isEmpty = ({ added, changed, removed }: Diff): boolean =>
  added.length === 0 && removed.length === 0 && changed.length === 0

const field = (path: string, key: string): string =>
  /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? (path === "" ? key : `${path}.${key}`) : `${path}[${JSON.stringify(key)}]`
