/**
 * What somebody changed in a JSON, as the edits a fork takes. Pure.
 *
 * @module
 */
import type { JsonValue as Json } from "@plugline/core"
import type { Fork, PlugNode, ShippedPlug } from "../../../../api.ts"

export interface Edits {
  readonly set: ReadonlyArray<{ readonly path: string; readonly value: Json }>
  readonly unset: ReadonlyArray<string>
}

/** From one JSON to another: values to be set, and fields to be taken out. A list of another length is set as a whole. */
export const editsOf = (before: Json, after: Json): Edits => {
  const set: Array<{ readonly path: string; readonly value: Json }> = []
  const unset: Array<string> = []
  const visit = (a: Json, b: Json, path: string): void => {
    if (Array.isArray(a) && Array.isArray(b) && a.length === b.length) {
      a.forEach((item, index) => visit(item as Json, b[index] as Json, `${path}[${index}]`))
    } else if (isRecord(a) && isRecord(b)) {
      for (const key of Object.keys(b)) {
        const here = field(path, key)
        if (Object.hasOwn(a, key)) visit(a[key]!, b[key]!, here)
        else set.push({ path: here, value: b[key]! })
      }
      for (const key of Object.keys(a)) if (!Object.hasOwn(b, key)) unset.push(field(path, key))
    } else if (JSON.stringify(a) !== JSON.stringify(b)) set.push({ path, value: b })
  }
  visit(before, after, "")
  return { set, unset }
}

const isRecord = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Paths read like code, as those of a diff. */
const field = (path: string, key: string): string =>
  /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? (path === "" ? key : `${path}.${key}`) : `${path}[${JSON.stringify(key)}]`

/** The fields of a request that may be changed, in the order in which one looks for them. */
const open = [
  "provider",
  "operation",
  "messages",
  "options",
  "config",
  "assigns",
  "metadata",
  "providerRequest",
  "response",
  "result"
] as const

/** Those that may be changed where services are asked. */
const openLive = ["provider", "messages", "options", "metadata"]

/** Of a request, what may be changed; empty fields are left out, but for options. */
export const editable = (request: object, live: boolean): { readonly [field: string]: Json } =>
  Object.fromEntries(
    open.flatMap((name) => {
      const value = (request as { readonly [field: string]: Json | undefined })[name]
      if (value === undefined || (live && !openLive.includes(name))) return []
      const empty = name !== "options" && typeof value === "object" && value !== null && Object.keys(value).length === 0
      return empty ? [] : [[name, value]]
    })
  )

/** A plug in the line that somebody writes. */
export interface Entry {
  readonly id: number
  readonly name: string
  readonly options: Json
}

/** The line of a recorded run, as far as its plugs are shipped ones: what asks the provider stays where it is anyway. */
export const lineOf = (pipeline: ReadonlyArray<PlugNode>, shipped: ReadonlyArray<ShippedPlug>): ReadonlyArray<Entry> => {
  const known = new Set(shipped.map(({ name }) => name))
  return pipeline.filter(({ name }) => known.has(name)).map(({ name, options }, id) => ({ id, name, options }))
}

/** An entry one place up or down. */
export const moved = (line: ReadonlyArray<Entry>, id: number, by: -1 | 1): ReadonlyArray<Entry> => {
  const at = line.findIndex((entry) => entry.id === id)
  const to = at + by
  if (at < 0 || to < 0 || to >= line.length) return line
  const out = [...line]
  out.splice(to, 0, ...out.splice(at, 1))
  return out
}

/** Whether two lines say the same. */
export const sameLine = (a: ReadonlyArray<Entry>, b: ReadonlyArray<Entry>): boolean =>
  a.length === b.length
  && a.every(
    ({ name, options }, index) => name === b[index]!.name && JSON.stringify(options) === JSON.stringify(b[index]!.options)
  )

/** Every plug of a pipeline with its path, for whose options are to be changed. */
export const placesOf = (
  nodes: ReadonlyArray<PlugNode>,
  prefix = ""
): ReadonlyArray<{ readonly path: string; readonly node: PlugNode }> =>
  nodes.flatMap((node, index) => {
    const path = prefix === "" ? String(index) : `${prefix}.${index}`
    return [{ path, node }, ...Object.entries(node.children).flatMap(([label, inside]) => placesOf(inside, `${path}.${label}`))]
  })

/** What is sent; what nobody changed is left out. */
export const forkOf = (wanted: {
  readonly at: Fork["at"]
  readonly edits: Edits
  readonly options: ReadonlyArray<{ readonly path: string; readonly options: { readonly [name: string]: Json } }>
  readonly line: ReadonlyArray<Entry> | undefined
  readonly upstream: "recorded" | "live"
}): Fork => ({
  ...(wanted.at !== undefined && { at: wanted.at }),
  ...(wanted.edits.set.length > 0 && { set: wanted.edits.set }),
  ...(wanted.edits.unset.length > 0 && { unset: wanted.edits.unset }),
  ...(wanted.options.length > 0 && { options: wanted.options }),
  ...(wanted.line !== undefined && {
    line: wanted.line.map(({ name, options }) => ({ name, ...(options !== null && { options }) }))
  }),
  upstream: wanted.upstream
})

/** Whether a fork would run the very same again. */
export const isIdle = ({ line, options, set, unset, upstream }: Fork): boolean =>
  line === undefined && options === undefined && set === undefined && unset === undefined && upstream !== "live"
