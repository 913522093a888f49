/**
 * Asks for less, so that a plainer model can answer. Pure.
 *
 * @module
 */
import { type Message, type MessagePart, Request } from "@plugline/core"

/**
 * The request without tools, JSON schema, reasoning and other things that not every model can: what the model is to do
 * stays. Tool calls and results of the conversation become text, because services refuse them where no tools are
 * declared; of an answer in JSON, JSON without a schema remains. What was dropped stands in the report.
 */
export const simplified = (request: Request): Request => {
  const { responseFormat } = request.options
  const plain = Request.mergeOptions(request, {
    tools: undefined,
    toolChoice: undefined,
    parallelToolCalls: undefined,
    responseFormat: responseFormat?.type === "json" ? { type: "json" } : undefined,
    reasoning: undefined,
    logprobs: undefined,
    logitBias: undefined,
    n: undefined,
    serviceTier: undefined
  })
  return request.messages.some(usesTools) ? Request.mapMessages(plain, (messages) => messages.map(asText)) : plain
}

const usesTools = ({ content, role }: Message): boolean =>
  role === "tool"
  || (typeof content !== "string" && content.some(({ type }) => type === "tool-call" || type === "tool-result" || type === "reasoning"))

/** What was thought is left out, because it may be read by the model alone that thought it. */
const asText = (message: Message): Message => {
  if (message.role === "tool") return { role: "user", content: plain(message.content) } as Message
  return message.role === "assistant" ? { ...message, content: plain(message.content) } as Message : message
}

const plain = (content: Message["content"]): ReadonlyArray<MessagePart> => {
  const parts: ReadonlyArray<MessagePart> = typeof content === "string" ? [{ type: "text", text: content }] : content
  return parts.flatMap((part): ReadonlyArray<MessagePart> => {
    switch (part.type) {
      case "tool-call":
        return [{ type: "text", text: `[called ${part.name} with ${written(part.params)}]` }]
      case "tool-result":
        return [{ type: "text", text: `[${part.name} answered ${written(part.result)}]` }]
      case "reasoning":
        return []
      default:
        return [part]
    }
  })
}

const written = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value) ?? "nothing"
