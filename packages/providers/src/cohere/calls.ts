/**
 * Gathers the tool calls of one answer from the pieces they come in.
 *
 * @module
 */
import { Json, type Part } from "@plugline/core"
import { type Fields, object, text } from "../wire/read.ts"

interface Call {
  readonly index: number
  readonly id: string
  readonly name: string
  args: string
  done: boolean
}

/** The calls of one answer. */
export class Calls {
  readonly #calls: Array<Call> = []

  /** Whether none has begun. */
  get isEmpty(): boolean {
    return this.#calls.length === 0
  }

  /** A call begins. One without an id gets one made of the answer's id and its own number. */
  start(call: Fields, index: number | undefined, answer: string | undefined, out: Array<Part>): void {
    const described = object(call.function)
    const number = this.#calls.length
    const id = text(call.id) ?? (answer === undefined ? `call_${number}` : `call_${answer}_${number}`)
    const name = text(described?.name) ?? ""
    this.#calls.push({ index: index ?? number, id, name, args: "", done: false })
    out.push({ type: "tool-params-start", id, name })
    this.delta(described?.arguments, index, out)
  }

  /** More of the arguments. Answers whether there is a call they belong to. */
  delta(args: unknown, index: number | undefined, out: Array<Part>): boolean {
    const call = this.#find(index)
    if (call === undefined) return false
    const delta = typeof args === "string" ? args : args === undefined || args === null ? "" : JSON.stringify(args)
    if (delta === "") return true
    call.args += delta
    out.push({ type: "tool-params-delta", id: call.id, delta })
    return true
  }

  /** A call ends. */
  end(index: number | undefined, out: Array<Part>): void {
    const call = this.#find(index)
    if (call !== undefined) this.#end(call, out)
  }

  /** Every call that has not ended ends. */
  close(out: Array<Part>): void {
    for (const call of this.#calls) this.#end(call, out)
  }

  #end(call: Call, out: Array<Part>): void {
    if (call.done) return
    call.done = true
    const { args, id, name } = call
    out.push({ type: "tool-params-end", id })
    out.push({ type: "tool-call", id, name, ...params(args) })
  }

  #find(index: number | undefined): Call | undefined {
    for (let at = this.#calls.length - 1; at >= 0; at--) {
      const call = this.#calls[at]!
      if (!call.done && (index === undefined || call.index === index)) return call
    }
    return undefined
  }
}

/** The arguments as the tool wants them: none is an empty object; broken JSON stays the text it is, marked. */
const params = (args: string): { readonly params: unknown; readonly invalid?: true } => {
  if (args.trim() === "") return { params: {} }
  try {
    return { params: Json.parse(args) ?? {} }
  } catch {
    return { params: args, invalid: true }
  }
}
