/**
 * The kinds of items that an answer and a conversation are made of, and who acts on them: the caller answers some
 * calls, others the service ran itself.
 *
 * @module
 */
import { Json, type JsonObject, type JsonValue, type Metadata } from "@plugline/core"
import { type Fields, object, put, text } from "../wire/read.ts"
import type { Quirks } from "./quirks.ts"

/** A kind of call that the caller answers. */
export interface CallKind {
  /** The tool's name, where the item does not name one. */
  readonly name?: string
  /** The field that holds the arguments. */
  readonly field: string
  /** The type of the item that answers it. */
  readonly answer: string
}

/** The calls that the caller answers, by the type of their item. */
const callKinds: { readonly [type: string]: CallKind } = {
  function_call: { field: "arguments", answer: "function_call_output" },
  custom_tool_call: { field: "input", answer: "custom_tool_call_output" },
  computer_call: { name: "computer", field: "action", answer: "computer_call_output" },
  local_shell_call: { name: "local_shell", field: "action", answer: "local_shell_call_output" },
  shell_call: { name: "shell", field: "action", answer: "shell_call_output" },
  apply_patch_call: { name: "apply_patch", field: "operation", answer: "apply_patch_call_output" },
  tool_search_call: { name: "tool_search", field: "arguments", answer: "tool_search_output" }
}

/** The types of the answers, and of which call each is. */
export const answerTypes: ReadonlyMap<string, string> = new Map(
  Object.entries(callKinds).map(([type, { answer }]) => [answer, type])
)

/** What is known of a type of call, or `undefined` where it is none. */
export const callKind = (type: unknown): CallKind | undefined =>
  typeof type === "string" && Object.hasOwn(callKinds, type) ? callKinds[type] : undefined

/** Whether the caller has to answer an item. */
export const isAsked = (item: Fields, quirks: Quirks): boolean => {
  switch (item.type) {
    case "function_call":
    case "computer_call":
    case "local_shell_call":
    case "apply_patch_call":
      return true
    case "custom_tool_call":
      return quirks.runsCustomTools !== true
    case "shell_call":
      return object(item.environment)?.type !== "container_reference"
    case "tool_search_call":
      return item.execution === "client"
    default:
      return false
  }
}

/** What the service does itself, by the type of the item. */
const served = new Set([
  "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call", "mcp_list_tools",
  "tool_search_call", "tool_search_output", "shell_call", "shell_call_output", "custom_tool_call"
])

/** Whether an item tells of a tool that the service ran. An unknown call is one if nobody could answer it. */
export const isServed = (item: Fields, quirks: Quirks): boolean => {
  const type = text(item.type) ?? ""
  if (callKind(type) !== undefined) return !isAsked(item, quirks)
  return served.has(type) || (type.endsWith("_call") && text(item.call_id) === undefined)
}

/** The fields that only the service understands, kept so that the item can go back; `null` says nothing. */
export const rest = (item: Fields, without: ReadonlySet<string>): JsonObject => {
  const out: { [name: string]: JsonValue } = {}
  for (const name in item) {
    const value = item[name]
    if (value !== undefined && value !== null && !without.has(name)) put(out, name, value)
  }
  return out
}

/** Metadata under the provider's name: the fields of the item, or none where there are none. */
export const own = (provider: string, item: JsonObject): { readonly metadata?: Metadata } => {
  for (const _ in item) return { metadata: { [provider]: { item } } }
  return {}
}

/** Fields of a message and of a reasoning item that have words of their own here. */
export const ofMessage: ReadonlySet<string> = new Set(["type", "role", "content"])
export const ofReasoning: ReadonlySet<string> = new Set(["type", "summary", "content"])
const ofFunction: ReadonlySet<string> = new Set(["type", "call_id", "name", "arguments"])
const ofCustom: ReadonlySet<string> = new Set(["call_id", "name", "input"])

/** The arguments of a call as the tool wants them; broken JSON stays the text it is, marked. */
export const paramsOf = (
  type: string,
  value: JsonValue | undefined
): { readonly params: unknown; readonly invalid?: true } => {
  if (typeof value !== "string") return { params: value ?? {} }
  if (type === "custom_tool_call") return { params: value }
  if (value.trim() === "") return { params: {} }
  try {
    const params = Json.parse(value) ?? {}
    // A text is none: it would go back as another.
    return typeof params === "string" ? { params: value, invalid: true } : { params }
  } catch {
    return { params: value, invalid: true }
  }
}

/** The arguments of a call as they stand in its item. A computer is told one action or several. */
export const argumentsOf = (item: Fields, kind: CallKind): JsonValue | undefined =>
  item.type === "computer_call" ? item.action ?? item.actions : item[kind.field]

/** What of a call must go back beside its id, name and arguments. */
export const callRest = (item: Fields, kind: CallKind): JsonObject => {
  switch (item.type) {
    case "function_call":
      return rest(item, ofFunction)
    case "custom_tool_call":
      return rest(item, ofCustom)
    default:
      return rest(item, new Set(["call_id", "actions", kind.field]))
  }
}
