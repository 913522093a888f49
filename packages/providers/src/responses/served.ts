/**
 * A tool that the service ran itself, as a call and its result.
 *
 * @module
 */
import type { JsonValue, Metadata } from "@plugline/core"
import { type Fields, says, text } from "../wire/read.ts"
import { paramsOf, rest } from "./kinds.ts"

/** A tool that the service ran, as a call and its result: the result is the item as the service wrote it. */
export const servedParts = (item: Fields, provider: string, position: number): ReadonlyArray<Served> => {
  const type = text(item.type) ?? "tool"
  const id = text(item.id) ?? text(item.call_id) ?? `${type}_${position}`
  const name = type === "custom_tool_call" ? text(item.name) ?? type : type
  const call: Served = { type: "tool-call", id, name, ...servedParams(item), providerExecuted: true }
  const isFailure = item.status === "failed" || says(item.error)
  const image = type === "image_generation_call" ? text(item.result) : undefined
  if (image === undefined) {
    return [call, {
      type: "tool-result",
      id,
      name,
      isFailure,
      result: item as JsonValue,
      providerExecuted: true,
      metadata: { [provider]: { item: true } }
    }]
  }
  const about = rest(item, ofImage)
  return [
    call,
    { type: "tool-result", id, name, isFailure, result: about, providerExecuted: true },
    {
      type: "file",
      mediaType: `image/${text(item.output_format) ?? "png"}`,
      data: image,
      metadata: { [provider]: { item: about } }
    }
  ]
}

/** A part of a tool that the service ran. */
export type Served =
  | {
    readonly type: "tool-call"; readonly id: string; readonly name: string; readonly params: unknown
    readonly invalid?: true; readonly providerExecuted: true
  }
  | {
    readonly type: "tool-result"; readonly id: string; readonly name: string; readonly isFailure: boolean
    readonly result: JsonValue; readonly providerExecuted: true; readonly metadata?: Metadata
  }
  | { readonly type: "file"; readonly mediaType: string; readonly data: string; readonly metadata: Metadata }

const servedParams = (item: Fields): { readonly params: unknown; readonly invalid?: true } => {
  switch (item.type) {
    case "web_search_call":
      return { params: item.action ?? {} }
    case "file_search_call":
      return { params: { queries: item.queries ?? [] } }
    case "code_interpreter_call":
      return { params: { code: item.code ?? "" } }
    case "mcp_call":
      return {
        params: {
          server_label: item.server_label ?? null,
          name: item.name ?? null,
          arguments: paramsOf("mcp_call", item.arguments).params
        }
      }
    case "mcp_list_tools":
      return { params: { server_label: item.server_label ?? null } }
    case "custom_tool_call":
      return paramsOf("custom_tool_call", item.input)
    case "shell_call":
      return { params: item.action ?? {} }
    default:
      return paramsOf("", item.arguments)
  }
}

const ofImage: ReadonlySet<string> = new Set(["result"])
