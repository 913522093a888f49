/** Amazon Bedrock: Converse with a key of its own, streamed in Amazon's frames; vectors through InvokeModel. */
import { crc32 } from "node:zlib"
import {
  answersAll, type Asked, type Fields, halves, must, Refusal, type Said, type Service, signature, tokens, vectorOf
} from "./words.ts"

const textOf = (content: ReadonlyArray<Fields>): string => content.map(({ text }) => text ?? "").join("")

const chat = (model: string, streams: boolean, body: Fields): Asked => {
  const { messages, toolConfig } = body
  must(Array.isArray(messages) && messages.length > 0, "messages: at least one")
  const more = body.additionalModelRequestFields ?? {}
  const isThinking = more.thinking !== undefined && more.thinking.type !== "disabled"
  const isBudget = more.thinking?.type === "enabled"
  messages.forEach(({ content, role }: Fields, at: number) => {
    must(
      role === (at % 2 === 0 ? "user" : "assistant"), "A conversation must alternate between user and assistant roles."
    )
    must(content.length > 0, `The content field in the Message object at messages.${at} is empty.`)
    for (const { reasoningContent, toolUse } of content) {
      if (reasoningContent !== undefined) must(
        reasoningContent.reasoningText.signature === signature, "Invalid `signature` in `thinking` block"
      )
      if (toolUse !== undefined) must(
        toolConfig, "The toolConfig field must be defined when using toolUse and toolResult content blocks."
      )
    }
    const idsOf = (
      blocks: ReadonlyArray<Fields>, kind: string
    ) => blocks.flatMap((block) => block[kind]?.toolUseId ?? [])
    const calls = idsOf(content, "toolUse")
    if (calls.length === 0) return
    must(!isBudget || content[0].reasoningContent, "when thinking is on, a final assistant message must start with it")
    answersAll(calls, idsOf(messages[at + 1]?.content ?? [], "toolResult"))
  })
  const format = body.outputConfig?.textFormat
  if (format !== undefined) JSON.parse(format.structure.jsonSchema.schema)
  const last = messages.at(-1).content.find(({ toolResult }: Fields) => toolResult !== undefined)
  return {
    operation: "chat",
    model,
    streams,
    texts: [
      textOf(messages.findLast(({ content, role }: Fields) => role === "user" && textOf(content) !== "").content)
    ],
    tools: (toolConfig?.tools ?? []).map(({ toolSpec }: Fields) => toolSpec.name),
    result: last === undefined ? undefined : textOf(
      last.toolResult.content.map(({ json, text }: Fields) => ({ text: text ?? JSON.stringify(json) }))
    ),
    isJson: format !== undefined,
    thinks: isThinking
  }
}

const blocks = ({ call, pieces, thinking }: Said): ReadonlyArray<Fields> => [
  ...(thinking === undefined ? [] : [{ reasoningContent: { reasoningText: { text: thinking, signature } } }]),
  ...(pieces.length === 0 ? [] : [{ text: pieces.join("") }]),
  ...(call === undefined ? [] : [{ toolUse: { toolUseId: call.id, name: call.name, input: call.args } }])
]

const usage = { inputTokens: tokens.input, outputTokens: tokens.output, totalTokens: tokens.input + tokens.output }
const stopOf = ({ call }: Said): string => call === undefined ? "end_turn" : "tool_use"

const eventsOf = (block: Fields, { pieces }: Said): ReadonlyArray<readonly [string, object]> => {
  const say = (delta: object) => ["contentBlockDelta", { delta }] as const
  if (block.text !== undefined) return pieces.map((text) => say({ text }))
  if (block.reasoningContent !== undefined) {
    const texts = halves(block.reasoningContent.reasoningText.text).map((text) => say({ reasoningContent: { text } }))
    return [...texts, say({ reasoningContent: { signature } })]
  }
  const { input, ...start } = block.toolUse
  return [
    [
      "contentBlockStart", { start: { toolUse: start } }
    ], ...halves(JSON.stringify(input)).map((input) => say({ toolUse: { input } }))
  ]
}

/** Amazon's framing: lengths and sums around headers and a payload. */
const frame = (type: string, payload: object): Buffer => {
  const headers = Buffer.concat(Object.entries(
    { ":event-type": type, ":content-type": "application/json", ":message-type": "event" }
  )
    .map(([name, value]) => Buffer.concat([
      Buffer.from([name.length]), Buffer.from(name), Buffer.from([7, 0, value.length]), Buffer.from(value)
    ])))
  const body = Buffer.from(JSON.stringify(payload))
  const out = Buffer.alloc(16 + headers.length + body.length)
  out.writeUInt32BE(out.length, 0)
  out.writeUInt32BE(headers.length, 4)
  out.writeUInt32BE(crc32(out.subarray(0, 8)), 8)
  headers.copy(out, 12)
  body.copy(out, 12 + headers.length)
  out.writeUInt32BE(crc32(out.subarray(0, -4)), out.length - 4)
  return out
}

/** Its words. */
export const bedrock: Service = {
  streamType: "application/vnd.amazon.eventstream",
  read: ({ body, headers, path }) => {
    if (headers.authorization !== "Bearer bedrock-service-key") throw new Refusal(
      "The security token included in the request is invalid.", 401
    )
    const [, name, action] = /^\/model\/([^/]+)\/([\w-]+)$/.exec(path) ?? []
    const model = decodeURIComponent(name ?? "")
    if (action === "converse" || action === "converse-stream") return chat(model, action !== "converse", body)
    if (action !== "invoke") throw new Refusal(`no such operation: ${path}`, 404)
    must(body.input_type, "input_type is required")
    return {
      operation: "embeddings", model, streams: false, texts: body.texts, tools: [], isJson: false, thinks: false
    }
  },
  whole: (said) => ({
    output: {
      message: { role: "assistant", content: blocks(said) }
    }, stopReason: stopOf(said), usage, metrics: { latencyMs: 1 }
  }),
  events: (said) => [
    frame("messageStart", { role: "assistant" }),
    ...blocks(said).flatMap((block, contentBlockIndex) => [
      ...eventsOf(block, said), ["contentBlockStop", {}] as const
    ].map(([type, fields]) => frame(type, { contentBlockIndex, ...fields }))),
    frame("messageStop", { stopReason: stopOf(said) }),
    frame("metadata", { usage, metrics: { latencyMs: 1 } })
  ],
  vectors: ({ texts }) => ({ id: "b1", texts, embeddings: texts.map(vectorOf), response_type: "embeddings_floats" }),
  error: (_, message) => ({ message })
}
