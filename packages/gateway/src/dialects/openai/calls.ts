/**
 * Writes the calls of one choice as they come: each begins with its id and name, its arguments follow. A call of which
 * only the whole is known is written whole, and so is the free text that a custom tool takes: its pieces may be those
 * of a JSON text.
 *
 * @module
 */
import type { JsonObject, Part, Parts, ToolCallPart } from "plugline"
import { argumentsOf, callOf, ownOf } from "../shared/answer.ts"
import { json, putAll } from "../shared/json.ts"
import { callExtras, following, inputOf, isCustom } from "./pieces.ts"
import { ofCall } from "./words.ts"

type Start = Extract<Part, { readonly type: "tool-params-start" }>
type Delta = Extract<Part, { readonly type: "tool-params-delta" }>

/** A call while it is written. */
interface Open {
  readonly index: number
  readonly custom: boolean
  /** Whether any of its arguments were written. */
  isSaid: boolean
}

/**
 * The calls of one choice. Its functions answer the fields of a delta, the empty text where there is nothing to write.
 */
export class Calls {
  readonly #provider: string
  readonly #custom: ReadonlySet<string>
  readonly #isLegacy: boolean
  readonly #open = new Map<string, Open>()
  #next = 0

  /**
   * `custom`: the tools that take free text. `isLegacy`: whether only one function can be called, in the way of old.
   */
  constructor(provider: string, custom: ReadonlySet<string>, isLegacy: boolean) {
    this.#provider = provider
    this.#custom = custom
    this.#isLegacy = isLegacy
  }

  /** A call begins, at this place of some parts. */
  begin({ id, name }: Start, parts: Parts, index: number): string {
    const whole = callOf(parts, index)
    const custom = whole === undefined
      ? this.#custom.has(name)
      : isCustom(whole, ownOf(whole.metadata, this.#provider), this.#custom)
    const call: Open = { index: this.#next++, custom, isSaid: false }
    this.#open.set(id, call)
    return this.#written(call, id, name, "", "")
  }

  /** More of its arguments. */
  more({ delta, id }: Delta): string {
    const call = this.#open.get(id)
    if (call === undefined || delta === "" || call.custom) return ""
    call.isSaid = true
    return this.#more(call, delta, "")
  }

  /** All of it: what was not yet said of it is said now. */
  whole(part: ToolCallPart, own: JsonObject | undefined): string {
    const begun = this.#open.get(part.id)
    const extras = following(putAll({}, callExtras(own), ofCall))
    if (begun === undefined) {
      const call: Open = { index: this.#next++, custom: isCustom(part, own, this.#custom), isSaid: true }
      return this.#written(call, part.id, part.name, call.custom ? inputOf(part) : argumentsOf(part), extras)
    }
    this.#open.delete(part.id)
    if (!begun.isSaid) return this.#more(begun, begun.custom ? inputOf(part) : argumentsOf(part), extras)
    return extras === "" ? "" : this.#more(begun, "", extras)
  }

  #written(call: Open, id: string, name: string, args: string, extras: string): string {
    if (this.#isLegacy) {
      return call.index > 0 ? "" : `"function_call":{"name":${json(name)},"arguments":${json(args)}}`
    }
    const described = call.custom
      ? `"type":"custom","custom":{"name":${json(name)},"input":${json(args)}}`
      : `"type":"function","function":{"name":${json(name)},"arguments":${json(args)}}`
    return `"tool_calls":[{"index":${call.index},"id":${json(id)},${described}${extras}}]`
  }

  #more(call: Open, args: string, extras: string): string {
    if (this.#isLegacy) return call.index > 0 || args === "" ? "" : `"function_call":{"arguments":${json(args)}}`
    const described = call.custom ? `"custom":{"input":${json(args)}}` : `"function":{"arguments":${json(args)}}`
    return `"tool_calls":[{"index":${call.index},${described}${extras}}]`
  }
}
