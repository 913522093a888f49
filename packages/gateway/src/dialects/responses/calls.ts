/**
 * Calls that the client answers, while they are written: functions, tools that take free text, and the tools that the
 * service defines and the client runs, which are known only whole.
 *
 * @module
 */
import type { JsonObject, JsonValue, Part, Parts, ToolCallPart } from "plugline"
import type { Call as Asked } from "../../Dialect.ts"
import { argumentsOf, callOf, ownOf } from "../shared/answer.ts"
import { json, object, putAll, text, type Written } from "../shared/json.ts"
import type { Sink } from "./sink.ts"

type Start = Extract<Part, { readonly type: "tool-params-start" }>

/** A call while it is written. */
interface Open {
  readonly index: number
  readonly itemId: string
  readonly type: "function_call" | "custom_tool_call"
  readonly name: string
  readonly head: string
  args: string
}

/** The field that holds what a tool of the service's is asked, by the type of its item. */
const fields: { readonly [type: string]: string } = {
  computer_call: "action",
  local_shell_call: "action",
  shell_call: "action",
  apply_patch_call: "operation",
  tool_search_call: "arguments"
}

/** The calls of one answer. */
export class Calls {
  readonly #provider: string
  readonly #sink: Sink
  readonly #makeId: (prefix: string) => string
  readonly #custom = new Set<string>()
  readonly #served = new Set<string>()
  readonly #open = new Map<string, Open>()

  constructor(provider: string, sink: Sink, makeId: (prefix: string) => string, { asked }: Asked) {
    this.#provider = provider
    this.#sink = sink
    this.#makeId = makeId
    for (const tool of Array.isArray(asked.tools) ? asked.tools as ReadonlyArray<JsonValue> : []) {
      const described = object(tool)
      const type = text(described?.type)
      if (type === "custom") this.#custom.add(text(described?.name) ?? "")
      // `computer_use_preview` is called as `computer`.
      else if (type !== undefined && type !== "function") this.#served.add(type.replace(/_use(_preview)?$/, ""))
    }
  }

  /** A call begins, at this place of some parts. */
  begin({ id, name }: Start, parts: Parts, index: number): void {
    const whole = callOf(parts, index)
    const item = whole === undefined ? undefined : object(ownOf(whole.metadata, this.#provider)?.item)
    const type = this.#typeOf(whole, name, item)
    if (type === "function_call" || type === "custom_tool_call") this.#begin(id, name, type, item)
  }

  /** More of its arguments. */
  more(id: string, delta: string): void {
    const call = this.#open.get(id)
    // Pieces of free text may be those of a JSON text: it is written when it is whole.
    if (call !== undefined && delta !== "" && call.type === "function_call") this.#say(call, delta)
  }

  /** All of it. */
  whole(part: ToolCallPart): void {
    const item = object(ownOf(part.metadata, this.#provider)?.item)
    let call = this.#open.get(part.id)
    if (call === undefined) {
      const type = this.#typeOf(part, part.name, item)
      if (type !== "function_call" && type !== "custom_tool_call") return this.#served_(part, type, item)
      call = this.#begin(part.id, part.name, type, item)
    }
    this.#open.delete(part.id)
    const isFunction = call.type === "function_call"
    if (call.args === "") {
      this.#say(call, isFunction || typeof part.params !== "string" ? argumentsOf(part) : part.params)
    }
    const { args, head, index } = call
    if (isFunction) {
      this.#sink.event("response.function_call_arguments.done", () =>
        `${head}"name":${json(call.name)},"arguments":${json(args)}`)
    } else this.#sink.event("response.custom_tool_call_input.done", () => `${head}"input":${json(args)}`)
    this.#sink.close(index, putAll(this.#item(call, part.id, args, "completed"), item, ofItem))
  }

  #say(call: Open, delta: string): void {
    call.args += delta
    const type = call.type === "function_call" ? "function_call_arguments" : "custom_tool_call_input"
    this.#sink.event(`response.${type}.delta`, () => `${call.head}"delta":${json(delta)}`)
  }

  #begin(id: string, name: string, type: Open["type"], item: JsonObject | undefined): Open {
    const itemId = text(item?.id) ?? this.#makeId(type === "function_call" ? "fc" : "ctc")
    const index = this.#sink.open()
    const head = `"item_id":${json(itemId)},"output_index":${index},`
    const call: Open = { index, itemId, type, name, head, args: "" }
    this.#open.set(id, call)
    this.#sink.event("response.output_item.added", () =>
      `"output_index":${index},"item":${json(this.#item(call, id, "", "in_progress"))}`)
    return call
  }

  #item({ itemId, name, type }: Open, id: string, args: string, status: string): Written {
    const about = { id: itemId, type, status, call_id: id, name }
    return type === "function_call" ? { ...about, arguments: args } : { ...about, input: args }
  }

  /** A call of a tool that the service defines and the client runs. */
  #served_(part: ToolCallPart, type: string, item: JsonObject | undefined): void {
    const params = part.params as JsonValue
    const field = type === "computer_call" && Array.isArray(params) ? "actions" : fields[type]!
    const id = text(item?.id) ?? this.#makeId(type.slice(0, 3))
    this.#sink.whole(putAll({ id, type, status: "completed", call_id: part.id, [field]: params }, item))
  }

  /** The type of a call's item. */
  #typeOf(part: ToolCallPart | undefined, name: string, item: JsonObject | undefined): string {
    const said = text(item?.type)
    if (said !== undefined && (said === "custom_tool_call" || Object.hasOwn(fields, said))) return said
    if (part !== undefined && ownOf(part.metadata, this.#provider)?.custom === true) return "custom_tool_call"
    if (this.#custom.has(name) && (part === undefined || typeof part.params === "string")) return "custom_tool_call"
    const served = `${name}_call`
    return item === undefined && this.#served.has(name) && Object.hasOwn(fields, served) ? served : "function_call"
  }
}

const ofItem: ReadonlySet<string> = new Set(["id", "type", "call_id", "name", "arguments", "input"])
