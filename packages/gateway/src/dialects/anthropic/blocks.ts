/**
 * Writes pieces of an answer as blocks of content.
 *
 * What Anthropic said of a piece itself stands in its metadata and is written back. Pieces that the format has no block
 * for are left out: files, what another service's own tools did, and blocks of other services.
 *
 * @module
 */
import type { Content, JsonObject, JsonValue } from "plugline"
import { object } from "../shared/json.ts"
import { citationsOf, ownOf, provider, signedOf } from "./words.ts"

type PartOf<Type extends Content["type"]> = Extract<Content, { readonly type: Type }>

/** The blocks of an answer. */
export const blocks = (content: ReadonlyArray<Content>): ReadonlyArray<JsonObject> => {
  const out: Array<JsonObject> = []
  // Sources that follow a text are its citations. Those that Anthropic named are among the text's own already.
  let named = 0
  for (const part of content) {
    switch (part.type) {
      case "text": {
        const own = ownOf(part.metadata)
        named = citationsOf(own).length
        out.push({ ...own, type: "text", text: part.text })
        break
      }
      case "reasoning":
        out.push(thinking(part.text, signedOf(part.metadata)))
        break
      case "source": {
        const own = ownOf(part.metadata)
        const last = out.at(-1)
        if (own !== undefined && named > 0) named--
        else if (last?.type === "text") {
          const cited = Array.isArray(last.citations) ? last.citations as ReadonlyArray<JsonValue> : []
          out[out.length - 1] = { ...last, citations: [...cited, own ?? citation(part)] }
        }
        break
      }
      case "tool-call":
      case "tool-result": {
        const block = part.type === "tool-call" ? call(part) : result(part)
        if (block !== undefined) out.push(block)
        break
      }
      case "raw": {
        const block = foreign(part)
        if (block !== undefined && !isEvent(part)) out.push(block)
        break
      }
    }
  }
  return out
}

/** What was thought: aloud, with its signature, or hidden. */
export const thinking = (text: string, own: JsonObject | undefined): JsonObject =>
  isHidden(own) ? { ...own, type: "redacted_thinking" } : { signature: "", ...own, type: "thinking", thinking: text }

/** Whether thoughts are hidden from the caller. */
export const isHidden = (own: JsonObject | undefined): boolean =>
  own?.type === "redacted_thinking" || typeof own?.data === "string"

/** A call; `undefined` where another service ran it. */
export const call = (part: PartOf<"tool-call">): JsonObject | undefined => {
  const own = ownOf(part.metadata)
  const input = inputOf(part)
  if (part.providerExecuted !== true) return { ...own, type: "tool_use", id: part.id, name: part.name, input }
  if (own === undefined) return undefined
  const type = typeof own.type === "string" && own.type.endsWith("_tool_use") ? own.type : "server_tool_use"
  return { ...own, type, id: part.id, name: part.name, input }
}

/** The format takes an object alone; anything else the model wrote is shown as it was. */
const inputOf = ({ invalid, params }: PartOf<"tool-call">): JsonObject => {
  if (invalid !== true) {
    const fields = object(params)
    if (fields !== undefined) return fields
    if (params === undefined || params === null) return {}
  }
  return { invalid_json: typeof params === "string" ? params : JSON.stringify(params) }
}

/** What a tool answered that Anthropic ran; `undefined` where another service ran it. */
export const result = (part: PartOf<"tool-result">): JsonObject | undefined => {
  const own = ownOf(part.metadata)
  if (own === undefined) return undefined
  const type = typeof own.type === "string" && own.type.endsWith("_tool_result") ? own.type : `${part.name}_tool_result`
  return { ...own, type, tool_use_id: part.id, content: (part.result ?? null) as JsonValue }
}

/** A block or event of Anthropic's that has no word here; `undefined` where it is another's. */
export const foreign = (part: PartOf<"raw">): JsonObject | undefined => {
  const value = object(part.value)
  return part.provider === provider && typeof value?.type === "string" ? value : undefined
}

/** Whether something unknown is an event of a stream, and no block. */
export const isEvent = ({ metadata, provider }: PartOf<"raw">): boolean => metadata?.[provider]?.event === true

/** What another service based its answer on, in the one kind of citation that needs no document of the request. */
export const citation = (part: PartOf<"source">): JsonObject => ({
  type: "search_result_location",
  cited_text: "",
  source: part.sourceType === "url" ? part.url : part.fileName ?? part.title,
  title: part.title,
  search_result_index: 0,
  start_block_index: 0,
  end_block_index: 0
})
