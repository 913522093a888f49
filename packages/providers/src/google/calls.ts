/**
 * Reads the calls of tools that the caller runs, whole or value by value.
 *
 * @module
 */
import { type JsonObject, type JsonValue, LlmError } from "@plugline/core"
import { type Fields, list, object, put, text } from "../wire/read.ts"
import { PartialArgs } from "./partialArgs.ts"
import { type Mark, metadataOf, nameOf, rest, type Shared } from "./shared.ts"

/** A call whose arguments are still arriving. */
interface Pending {
  readonly id: string
  readonly name: string
  readonly args: PartialArgs
  own: { [name: string]: JsonValue } | undefined
}

/** The calls of one candidate. */
export class Calls {
  /** How many have begun. */
  count = 0
  readonly #shared: Shared
  readonly #mark: Mark
  #pending: Pending | undefined

  constructor(shared: Shared, mark: Mark) {
    this.#shared = shared
    this.#mark = mark
  }

  /** The `functionCall` of a part. Answers whether it was one. */
  add(call: Fields, part: Fields): boolean {
    const name = text(call.name)
    const fragments = list(call.partialArgs)
    const own = ownOf(call, part)
    if (this.#pending !== undefined) {
      if (name === undefined || text(call.id) === this.#pending.id) {
        this.#more(this.#pending, call, fragments, own)
        return true
      }
      this.#end(false)
    }
    if (name === undefined) return false
    const id = text(call.id) ?? nameOf(this.#shared, this.#mark, this.count)
    this.count++
    this.#shared.out.push({ type: "tool-params-start", id, name, ...this.#mark })
    if (call.willContinue === true || fragments !== undefined) {
      this.#pending = { id, name, args: new PartialArgs(), own: undefined }
      this.#more(this.#pending, call, fragments, own)
    } else {
      const params = call.args ?? {}
      this.#grow(id, JSON.stringify(params))
      this.#called(id, name, { params }, own)
    }
    return true
  }

  /** The end of the candidate. */
  close(): void {
    if (this.#pending !== undefined) this.#end(false)
  }

  #more(
    pending: Pending,
    call: Fields,
    fragments: ReadonlyArray<JsonValue> | undefined,
    own: JsonObject | undefined
  ): void {
    for (const name in own) put(pending.own ??= {}, name, own[name]!)
    try {
      if (object(call.args) !== undefined) this.#grow(pending.id, pending.args.all(call.args as JsonObject))
      if (fragments !== undefined) this.#grow(pending.id, pending.args.add(fragments))
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : ""
      throw LlmError.make({
        _tag: "MalformedResponse",
        message: `candidates[${this.#mark?.choice ?? 0}].functionCall.partialArgs cannot be read: ${why}`
      }, { provider: this.#shared.provider, cause })
    }
    if (call.willContinue !== true) this.#end(true)
  }

  #grow(id: string, delta: string): void {
    if (delta !== "") this.#shared.out.push({ type: "tool-params-delta", id, delta, ...this.#mark })
  }

  /** A call that was cut off must not look like one that can be run. */
  #end(whole: boolean): void {
    const { args, id, name, own } = this.#pending!
    this.#pending = undefined
    if (whole) this.#grow(id, args.end())
    this.#called(id, name, whole ? { params: args.value } : { params: args.text, invalid: true }, own)
  }

  #called(
    id: string,
    name: string,
    params: { readonly params: unknown; readonly invalid?: true },
    own: JsonObject | undefined
  ): void {
    this.#shared.out.push(
      { type: "tool-params-end", id, ...this.#mark },
      { type: "tool-call", id, name, ...params, ...metadataOf(own, this.#shared), ...this.#mark }
    )
  }
}

const ofCall = new Set(["id", "name", "args", "partialArgs", "willContinue"])
const ofPart = new Set(["functionCall"])

/** What must go back with a call: the part's own fields, those of the call under its name. */
const ownOf = (call: Fields, part: Fields): JsonObject | undefined => {
  const more = rest(call, ofCall)
  const own = rest(part, ofPart)
  return more === undefined ? own : { ...own, functionCall: more }
}
