/**
 * Puts together the arguments of a call that arrive value by value, each with the path of its place (`$.city`,
 * `$.stops[0].name`), as a value and, meanwhile, as the JSON text that grows with it.
 *
 * @module
 */
import type { JsonObject, JsonValue } from "@plugline/core"
import { type Fields, object, put } from "../wire/read.ts"

type Step = string | number
type Tree = { [name: string]: JsonValue } | Array<JsonValue>

/** The arguments gathered so far. Functions throw an `Error` where a path or its place does not fit. */
export class PartialArgs {
  #root: Tree | undefined
  /** The JSON text so far. */
  text = ""
  /** What it is growing by. Kept apart, so that the whole is never copied for a piece of it. */
  #grown = ""
  /** The place of the last value, whose containers are still open in the text. */
  #path: ReadonlyArray<Step> = []
  #openString = false
  /** Whether the values came in the order of a text. If not, the text stays behind, and only the value is right. */
  #ordered = true

  get value(): JsonValue {
    return this.#root ?? {}
  }

  /** Takes some values. Answers with what the text has grown by. */
  add(fragments: ReadonlyArray<JsonValue>): string {
    for (const fragment of fragments) {
      const fields = object(fragment)
      const value = fields === undefined ? undefined : valueOf(fields)
      if (fields === undefined || value === undefined) continue
      this.#put(pathOf(fields.jsonPath), value, fields.willContinue === true)
    }
    return this.#grow()
  }

  /** Takes arguments that come whole after all. */
  all(args: JsonObject): string {
    if (this.#root === undefined) this.#grown += JSON.stringify(args)
    this.#root = args as Tree
    this.#ordered = false
    return this.#grow()
  }

  /** The arguments are complete. Answers with what the text has grown by. */
  end(): string {
    if (this.#root === undefined) this.#grown += "{}"
    else if (this.#ordered) this.#closeTo(-1)
    return this.#grow()
  }

  #grow(): string {
    const grown = this.#grown
    this.#grown = ""
    this.text += grown
    return grown
  }

  #put(path: ReadonlyArray<Step>, value: JsonValue, continues: boolean): void {
    if (this.#openString && typeof value === "string" && same(path, this.#path)) {
      const [container, step] = this.#containerOf(path)
      set(container, step, String(get(container, step)) + value)
      const more = JSON.stringify(value).slice(1, -1)
      this.#write(continues ? more : `${more}"`)
      this.#openString = continues
      return
    }
    const shared = this.#shared(path)
    const opened = this.#ordered && this.#fits(path, shared)
    const [container, step] = this.#containerOf(path)
    set(container, step, value)
    if (opened) this.#open(path, shared)
    else if (this.#openString || this.#ordered) this.#ordered = false
    this.#path = path
    const isOpen = continues && typeof value === "string"
    const written = JSON.stringify(value)
    this.#write(isOpen ? written.slice(0, -1) : written)
    this.#openString = isOpen
  }

  /** How many steps lead to the same container. */
  #shared(path: ReadonlyArray<Step>): number {
    let shared = 0
    while (shared < path.length - 1 && shared < this.#path.length - 1 && path[shared] === this.#path[shared]) shared++
    return shared
  }

  /** Whether a value can be written behind the last one. */
  #fits(path: ReadonlyArray<Step>, shared: number): boolean {
    if (this.#root === undefined) return true
    const [container, step] = this.#containerOf(path.slice(0, shared + 1))
    return get(container, step) === undefined
  }

  #open(path: ReadonlyArray<Step>, shared: number): void {
    if (this.#path.length === 0) this.#grown += opening(path[0]!)
    else {
      this.#closeTo(shared)
      this.#grown += ","
    }
    for (let depth = shared; depth < path.length; depth++) {
      const step = path[depth]!
      if (typeof step === "string") this.#grown += `${JSON.stringify(step)}:`
      if (depth < path.length - 1) this.#grown += opening(path[depth + 1]!)
    }
  }

  #closeTo(shared: number): void {
    if (this.#openString) this.#grown += "\""
    this.#openString = false
    for (let depth = this.#path.length - 1; depth > shared; depth--) {
      this.#grown += typeof this.#path[depth] === "string" ? "}" : "]"
    }
  }

  #write(text: string): void {
    if (this.#ordered) this.#grown += text
  }

  /** The object or list that holds the place, made where it is missing. */
  #containerOf(path: ReadonlyArray<Step>): readonly [container: Tree, step: Step] {
    let at: Tree = this.#root ??= typeof path[0] === "number" ? [] : {}
    for (let depth = 0; depth < path.length - 1; depth++) {
      const step = path[depth]!
      let next = get(at, step)
      if (next === undefined) set(at, step, next = typeof path[depth + 1] === "number" ? [] : {})
      if (typeof next !== "object" || next === null) throw new Error("a value stands where its container should be")
      at = next as Tree
    }
    return [at, path.at(-1)!]
  }
}

const opening = (step: Step): string => typeof step === "string" ? "{" : "["

const same = (a: ReadonlyArray<Step>, b: ReadonlyArray<Step>): boolean =>
  a.length === b.length && a.every((step, index) => step === b[index])

const get = (tree: Tree, step: Step): JsonValue | undefined => {
  if (Array.isArray(tree)) return typeof step === "number" ? tree[step] : undefined
  return typeof step === "string" && Object.hasOwn(tree, step) ? tree[step] : undefined
}

const set = (tree: Tree, step: Step, value: JsonValue): void => {
  if (Array.isArray(tree)) {
    if (typeof step !== "number" || step > tree.length) throw new Error("a path leaves a list")
    tree[step] = value
  } else if (typeof step === "string") put(tree, step, value)
  else throw new Error("a path counts in an object")
}

const valueOf = (fields: Fields): JsonValue | undefined => {
  if (typeof fields.stringValue === "string") return fields.stringValue
  if (typeof fields.numberValue === "number") return fields.numberValue
  if (typeof fields.boolValue === "boolean") return fields.boolValue
  return fields.nullValue === undefined ? undefined : null
}

/** `$.a`, `.b`, `[0]`, `['c d']`, `["e"]`, one after the other. */
const step = /\.([^.[\]]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y

const deepest = 128

const pathOf = (value: JsonValue | undefined): ReadonlyArray<Step> => {
  if (typeof value !== "string" || !value.startsWith("$")) throw new Error("an argument has no path")
  const path: Array<Step> = []
  step.lastIndex = 1
  while (step.lastIndex < value.length) {
    const found = step.exec(value)
    if (found === null || path.length >= deepest) throw new Error(`the path ${value.slice(0, 80)} is none`)
    const [, name, index, single, double] = found
    path.push(index === undefined ? name ?? unescape(single ?? double ?? "") : Number(index))
  }
  if (path.length === 0) throw new Error("an argument has no name")
  return path
}

const unescape = (name: string): string => name.replace(/\\(.)/g, "$1")
