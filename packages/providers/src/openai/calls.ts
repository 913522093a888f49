/**
 * Gathers the tool calls of one answer from however many pieces a service sends them in.
 *
 * Pieces belong together by their `index`; where a service leaves it out, by id, else to the last call. Services that
 * give every call the index 0 are told apart by a new id and name, or by arguments that were complete already. A call
 * without an id gets one made of the answer's id and its own number, so that it is the same however the stream is cut.
 *
 * @module
 */
import { Json, type JsonObject, type JsonValue, type Part } from "@plugline/core"
import { defined, type Fields, object, put, text } from "../wire/read.ts"

/** One call while it is being gathered. */
interface Call {
  readonly index: number | undefined
  readonly sentId: string
  readonly id: string
  name: string
  args: string
  /** Arguments that came as a value rather than as its text. */
  value: JsonValue | undefined
  /** Arguments that are free text by agreement, no JSON. */
  free: boolean
  started: boolean
  /** What must go back with the call. */
  echo: { [name: string]: JsonValue } | undefined
  /** What else was said of it. */
  extra: { [name: string]: JsonValue } | undefined
}

/** Fields of a call that a service wants back with the call; any other is kept as part of the response only. */
const returned = new Set(["extra_content"])

/** The calls of one choice. */
export class Calls {
  readonly #provider: string
  readonly #choice: { readonly choice: number } | undefined
  readonly #calls: Array<Call> = []

  constructor(provider: string, choice: { readonly choice: number } | undefined) {
    this.#provider = provider
    this.#choice = choice
  }

  get isEmpty(): boolean {
    return this.#calls.length === 0
  }

  /** One piece of a call, or a `whole` one. `answer` is the id of the answer, where it is known. */
  add(piece: Fields, whole: boolean, answer: string | undefined, out: Array<Part>): void {
    const custom = object(piece.custom)
    const described = object(piece.function) ?? custom ?? piece
    const id = text(piece.id) ?? ""
    const name = text(described.name) ?? ""
    const index = typeof piece.index === "number" ? piece.index : undefined
    const call = (whole ? undefined : this.#find(index, id, name)) ?? this.#open(index, id, answer)
    if (call.name === "") call.name = name
    if (custom !== undefined) call.free = true
    const args = custom === undefined ? described.arguments : custom.input
    let delta = ""
    if (typeof args === "string") delta = args
    else if (args !== undefined && args !== null) {
      call.value = args
      delta = JSON.stringify(args)
    }
    call.args += delta
    for (const field in piece) if (!known.has(field)) this.#keep(call, field, piece[field])
    if (!call.started) {
      if (call.name === "") return
      this.#start(call, out)
      delta = call.args
    }
    if (delta !== "") out.push({ type: "tool-params-delta", id: call.id, delta, ...this.#choice })
  }

  /** Every call, whole. `echo` is what must go back with the answer's message; it rides on the first call. */
  close(echo: JsonObject | undefined, out: Array<Part>): void {
    for (const call of this.#calls) {
      if (!call.started) this.#start(call, out)
      out.push({ type: "tool-params-end", id: call.id, ...this.#choice })
      const own: JsonObject = {
        ...call.echo,
        ...(call.extra !== undefined && { response: call.extra }),
        ...(call.free && { custom: true }),
        ...(echo !== undefined && { message: echo })
      }
      echo = undefined
      out.push({
        type: "tool-call",
        id: call.id,
        name: call.name,
        ...params(call),
        ...(Object.keys(own).length > 0 && { metadata: { [this.#provider]: own } }),
        ...this.#choice
      })
    }
  }

  #find(index: number | undefined, id: string, name: string): Call | undefined {
    const last = this.#calls.at(-1)
    if (last === undefined) return undefined
    const call = index === undefined
      ? id === "" ? last : this.#calls.findLast((call) => call.sentId === id)
      : this.#calls.findLast((call) => call.index === index)
    if (call === undefined || name === "") return call
    const another = id !== "" && id !== call.sentId && (call.sentId !== "" || call.name !== "")
    return another || (id === "" && call.name !== "" && isWhole(call)) ? undefined : call
  }

  #open(index: number | undefined, sentId: string, answer: string | undefined): Call {
    const number = this.#choice === undefined ? `${this.#calls.length}` : `${this.#choice.choice}_${this.#calls.length}`
    const call: Call = {
      index,
      sentId,
      id: sentId !== "" ? sentId : answer === undefined ? `call_${number}` : `call_${answer}_${number}`,
      name: "",
      args: "",
      value: undefined,
      free: false,
      started: false,
      echo: undefined,
      extra: undefined
    }
    this.#calls.push(call)
    return call
  }

  #start(call: Call, out: Array<Part>): void {
    call.started = true
    out.push({ type: "tool-params-start", id: call.id, name: call.name, ...this.#choice })
  }

  #keep(call: Call, field: string, value: JsonValue | undefined): void {
    if (value === undefined || value === null) return
    if (returned.has(field)) put(call.echo ??= {}, field, value)
    else put(call.extra ??= {}, field, value)
  }
}

/** What is read of a call elsewhere. A legacy `function_call` is its own description. */
const known = new Set(["id", "type", "index", "function", "custom", "name", "arguments"])

/** The arguments as the tool wants them: none is an empty object; broken JSON stays the text it is, marked. */
const params = (call: Call): { readonly params: unknown; readonly invalid?: true } => {
  if (call.value !== undefined) return { params: call.value }
  if (call.free) return { params: call.args }
  if (isBlank(call.args)) return { params: {} }
  try {
    return { params: Json.parse(call.args) ?? {} }
  } catch {
    return { params: call.args, invalid: true }
  }
}

const isWhole = (call: Call): boolean => {
  if (call.value !== undefined) return true
  if (isBlank(call.args)) return false
  try {
    Json.parse(call.args)
    return true
  } catch {
    return false
  }
}

const isBlank = (value: string): boolean => value.trim() === ""

/** A tool that the service runs, as far as is known. */
interface Tool {
  fields: Fields
  called: boolean
  answered: boolean
}

/** The tools a service ran itself (Groq's `executed_tools`), as a call and, once it is there, its result. */
export class Executed {
  readonly #provider: string
  readonly #choice: { readonly choice: number } | undefined
  readonly #tools = new Map<number, Tool>()

  constructor(provider: string, choice: { readonly choice: number } | undefined) {
    this.#provider = provider
    this.#choice = choice
  }

  add(pieces: ReadonlyArray<JsonValue>, out: Array<Part>): void {
    pieces.forEach((value, position) => {
      const piece = object(value)
      if (piece === undefined) return
      const index = typeof piece.index === "number" ? piece.index : position
      let tool = this.#tools.get(index)
      if (tool === undefined) this.#tools.set(index, tool = { fields: {}, called: false, answered: false })
      tool.fields = { ...tool.fields, ...defined(piece) }
      if (tool.fields.output !== undefined && tool.fields.output !== null) this.#emit(index, tool, out)
    })
  }

  /** The calls that were never answered. */
  close(out: Array<Part>): void {
    for (const [index, tool] of this.#tools) if (!tool.called) this.#emit(index, tool, out)
  }

  #emit(index: number, tool: Tool, out: Array<Part>): void {
    const { index: _, type, name, arguments: args, output, ...rest } = tool.fields
    const call = {
      id: `executed_${this.#choice === undefined ? "" : `${this.#choice.choice}_`}${index}`,
      name: text(name) ?? text(type) ?? "tool"
    }
    if (!tool.called) {
      tool.called = true
      const text = typeof args === "string" ? args : args === undefined || args === null ? "{}" : JSON.stringify(args)
      out.push({ type: "tool-params-start", ...call, providerExecuted: true, ...this.#choice })
      out.push({ type: "tool-params-delta", id: call.id, delta: text, ...this.#choice })
      out.push({ type: "tool-params-end", id: call.id, ...this.#choice })
      out.push({ type: "tool-call", ...call, ...executedParams(text), providerExecuted: true, ...this.#choice })
    }
    if (output !== undefined && output !== null && !tool.answered) {
      tool.answered = true
      const more = defined(rest)
      out.push({
        type: "tool-result",
        ...call,
        result: output,
        isFailure: false,
        providerExecuted: true,
        ...(Object.keys(more).length > 0 && { metadata: { [this.#provider]: { response: more } } }),
        ...this.#choice
      })
    }
  }
}

const executedParams = (args: string): { readonly params: unknown; readonly invalid?: true } => {
  try {
    return { params: isBlank(args) ? {} : Json.parse(args) }
  } catch {
    return { params: args, invalid: true }
  }
}
