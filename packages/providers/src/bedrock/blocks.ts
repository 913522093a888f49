/**
 * Reads the blocks of an answer, each from its beginning over its pieces to its end: text with citations, reasoning,
 * tool calls, results of tools that Bedrock ran, images and sound.
 *
 * What must go back with a block when the conversation goes on stands in the metadata of its part, under the provider's
 * name: `signature`, `redactedContent` or `unsigned` of reasoning, `citations` of a text, `type` and other fields of a
 * tool call or result.
 *
 * @module
 */
import { Json, type JsonValue, type Metadata, type Part } from "@plugline/core"
import { defined, type Fields, list, object, text } from "../wire/read.ts"
import { mediaTypeOf } from "./media.ts"
import { sourceOf } from "./sources.ts"

/** What the blocks of one answer share. */
export interface Shared {
  readonly provider: string
  readonly out: Array<Part>
  /** Whether the caller is asked to run a tool. */
  calls: boolean
  /** The names of tools by the ids of their calls. */
  readonly names: Map<string, string>
  nextSource: number
  /** How many parts with an id of ours have begun. */
  nextId?: number
}

/** A block while it is read. */
export interface Block {
  /** Its beginning; a whole block says everything here. */
  readonly open: (fields: Fields, shared: Shared) => void
  /** A piece of it. Answers whether it could be read. */
  readonly delta: (delta: Fields, shared: Shared) => boolean
  readonly close: (shared: Shared) => void
}

/** The block that begins with these fields, one of which names its kind; `undefined` where it has no word here. */
export const blockOf = (fields: Fields, whole: boolean): Block | undefined => {
  if (typeof fields.text === "string" || object(fields.citationsContent) !== undefined) return textBlock()
  if (object(fields.reasoningContent) !== undefined) return reasoningBlock()
  if (object(fields.toolUse) !== undefined) return toolBlock(whole)
  if (object(fields.toolResult) !== undefined) return resultBlock()
  for (const kind of ["image", "audio"] as const) {
    const media = object(fields[kind])
    if (media !== undefined && (!whole || bytesOf(media) !== undefined)) return mediaBlock(kind)
  }
  return undefined
}

const nextId = (shared: Shared): string => String(shared.nextId = (shared.nextId ?? -1) + 1)

/** Text, with the citations that stand in the same block. */
export const textBlock = (): Block => {
  let id: string | undefined
  const citations: Array<JsonValue> = []
  const begin = (shared: Shared): string => {
    if (id === undefined) shared.out.push({ type: "text-start", id: id = nextId(shared) })
    return id
  }
  const say = (delta: string, shared: Shared): void => {
    const at = begin(shared)
    shared.out.push({ type: "text-delta", id: at, delta })
  }
  return {
    open: (fields, shared) => {
      if (typeof fields.text === "string") return say(fields.text, shared)
      const cited = object(fields.citationsContent)
      begin(shared)
      for (const item of list(cited?.content) ?? []) {
        const said = object(item)?.text
        if (typeof said === "string") say(said, shared)
      }
      citations.push(...list(cited?.citations) ?? [])
    },
    delta: (delta, shared) => {
      if (typeof delta.text === "string") say(delta.text, shared)
      else if (object(delta.citation) !== undefined) {
        begin(shared)
        citations.push(delta.citation!)
      } else return false
      return true
    },
    close: (shared) => {
      if (id === undefined) return
      const metadata = citations.length === 0 ? undefined : { [shared.provider]: { citations } }
      shared.out.push({ type: "text-end", id, ...(metadata !== undefined && { metadata }) })
      for (const citation of citations) {
        shared.out.push(sourceOf(citation, `source-${shared.nextSource++}`, shared.provider))
      }
    }
  }
}

/** Reasoning: a text with its signature, or something only the model can read. */
const reasoningBlock = (): Block => {
  let id: string | undefined
  let signature = ""
  const redacted: Array<string> = []
  const begin = (shared: Shared): string => {
    if (id === undefined) shared.out.push({ type: "reasoning-start", id: id = nextId(shared) })
    return id
  }
  const read = ({ redactedContent, signature: signed, text: said }: Fields, shared: Shared): boolean => {
    const at = begin(shared)
    if (typeof said === "string") shared.out.push({ type: "reasoning-delta", id: at, delta: said })
    if (typeof signed === "string") signature += signed
    if (typeof redactedContent === "string") redacted.push(redactedContent)
    return typeof said === "string" || typeof signed === "string" || typeof redactedContent === "string"
  }
  return {
    open: (fields, shared) => {
      const content = object(fields.reasoningContent)!
      read({ ...object(content.reasoningText), redactedContent: content.redactedContent }, shared)
    },
    delta: (delta, shared) => {
      const content = object(delta.reasoningContent)
      return content !== undefined && read(content, shared)
    },
    close: (shared) => {
      if (id === undefined) return
      const own = {
        ...(signature !== "" && { signature }),
        ...(redacted.length > 0 && { redactedContent: joined(redacted) }),
        ...(signature === "" && redacted.length === 0 && { unsigned: true })
      }
      shared.out.push({ type: "reasoning-end", id, metadata: { [shared.provider]: own } })
    }
  }
}

/** A tool call. Its input is a value in a whole answer, and the text of one, in pieces, in a stream. */
const toolBlock = (whole: boolean): Block => {
  let id = ""
  let name = ""
  let own: Metadata | undefined
  let ran: { readonly providerExecuted: true } | undefined
  let input: JsonValue | undefined
  let written = ""
  const say = (delta: string, { out }: Shared): void => {
    written += delta
    out.push({ type: "tool-params-delta", id, delta })
  }
  return {
    open: (fields, shared) => {
      const { input: value, name: called, toolUseId, ...rest } = object(fields.toolUse)!
      id = text(toolUseId) ?? `call_${shared.names.size}`
      name = text(called) ?? ""
      if (rest.type === "server_tool_use") ran = { providerExecuted: true }
      own = metadataOf(rest, shared.provider)
      shared.names.set(id, name)
      shared.out.push({ type: "tool-params-start", id, name, ...ran })
      if (!whole) return
      input = value ?? {}
      say(JSON.stringify(input), shared)
    },
    delta: (delta, shared) => {
      const piece = object(delta.toolUse)?.input
      if (typeof piece !== "string") return false
      say(piece, shared)
      return true
    },
    close: (shared) => {
      if (ran === undefined) shared.calls = true
      shared.out.push({ type: "tool-params-end", id })
      const params = input === undefined ? paramsOf(written) : { params: input }
      shared.out.push({ type: "tool-call", id, name, ...params, ...ran, ...(own !== undefined && { metadata: own }) })
    }
  }
}

/** What a tool answered that Bedrock ran. */
const resultBlock = (): Block => {
  let head: Fields = {}
  const content: Array<JsonValue> = []
  return {
    open: (fields) => {
      head = object(fields.toolResult)!
      content.push(...list(head.content) ?? [])
    },
    delta: (delta) => {
      const items = list(delta.toolResult)
      if (items === undefined) return false
      for (const item of items) {
        const said = object(item)?.text
        const before = object(content.at(-1))?.text
        // A text may arrive in pieces.
        if (typeof said === "string" && typeof before === "string") {
          content[content.length - 1] = { text: before + said }
        } else content.push(item)
      }
      return true
    },
    close: (shared) => {
      const { content: _, toolUseId, ...rest } = head
      const id = text(toolUseId) ?? ""
      const own = metadataOf(rest, shared.provider)
      shared.out.push({
        type: "tool-result",
        id,
        name: shared.names.get(id) ?? "",
        result: content,
        isFailure: head.status === "error",
        providerExecuted: true,
        ...(own !== undefined && { metadata: own })
      })
    }
  }
}

/** An image or a sound that the model made. */
const mediaBlock = (kind: "image" | "audio"): Block => {
  let format: string | undefined
  const pieces: Array<string> = []
  const read = (media: Fields | undefined): boolean => {
    format ??= text(media?.format)
    const bytes = bytesOf(media)
    if (bytes !== undefined) pieces.push(bytes)
    return bytes !== undefined
  }
  return {
    open: (fields) => void read(object(fields[kind])),
    delta: (delta) => read(object(delta[kind])),
    close: ({ out }) => {
      if (pieces.length > 0) out.push({ type: "file", mediaType: mediaTypeOf(kind, format), data: joined(pieces) })
    }
  }
}

const bytesOf = (media: Fields | undefined): string | undefined => text(object(media?.source)?.bytes)

/** The arguments as the tool wants them: none is an empty object; broken JSON stays the text it is, marked. */
const paramsOf = (written: string): { readonly params: unknown; readonly invalid?: true } => {
  if (written.trim() === "") return { params: {} }
  try {
    return { params: Json.parse(written) ?? {} }
  } catch {
    return { params: written, invalid: true }
  }
}

const metadataOf = (rest: Fields, provider: string): Metadata | undefined => {
  const own = defined(rest)
  return Object.keys(own).length > 0 ? { [provider]: own } : undefined
}

/** Pieces are encoded each for itself: where one ends in padding, the bytes have to be joined, not the texts. */
const joined = (pieces: ReadonlyArray<string>): string =>
  pieces.every((piece, index) => index === pieces.length - 1 || (piece.length % 4 === 0 && !piece.endsWith("=")))
    ? pieces.join("")
    : Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64"))).toString("base64")
