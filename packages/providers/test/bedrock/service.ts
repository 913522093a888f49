/**
 * A Bedrock runtime over real HTTP, after its documentation: it checks signatures, insists on turns that alternate and on
 * getting back what it said, and refuses in its own words.
 *
 * @module
 */
import { createHash, createHmac } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { isDeepStrictEqual } from "node:util"
import { event } from "./support.ts"

export const credentials = { accessKeyId: "AKIDCANARY", secretAccessKey: "canary/secret+key", sessionToken: "canary//token==" }
export const model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
export const region = "eu-central-1"

type Block = { readonly [kind: string]: { readonly [field: string]: unknown } | string }
interface Turn {
  readonly role: string
  readonly content: ReadonlyArray<Block>
}

/** What the model says, turn by turn. */
export const script: ReadonlyArray<ReadonlyArray<Block>> = [
  [
    { reasoningContent: { reasoningText: { text: "Two cities, two calls.", signature: "c2ln+/1==" } } },
    { reasoningContent: { redactedContent: "c2VhbGVk" } },
    { text: "Let me look." },
    { toolUse: { toolUseId: "tooluse_1", name: "weather", input: { city: "Oslo" } } },
    { toolUse: { toolUseId: "tooluse_2", name: "weather", input: {} } }
  ],
  [
    { toolUse: { toolUseId: "tooluse_3", name: "nova_grounding", input: { q: "Rome" }, type: "server_tool_use" } },
    { toolResult: { toolUseId: "tooluse_3", type: "nova_grounding_result", status: "success", content: [{ text: "[HIDDEN]" }] } },
    { citationsContent: { content: [{ text: "Rome is warm." }], citations: [{ title: "W", location: { web: { url: "https://w.example/", domain: "w.example" } } }] } },
    { toolUse: { toolUseId: "tooluse_4", name: "weather", input: { city: "Rome" } } }
  ],
  [{ text: "Oslo: 3°. Rome: 20°." }],
  [{ text: "You are welcome." }]
]

/** A running service, and the bodies it was sent. */
export interface Service {
  readonly server: Server
  readonly url: string
  readonly bodies: Array<{ readonly messages: ReadonlyArray<Turn> }>
}

export const listen = async (): Promise<Service> => {
  const bodies: Service["bodies"] = []
  const server = createServer((request, response) => void answer(request, response, bodies))
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies }
}

const answer = async (request: IncomingMessage, response: ServerResponse, bodies: Service["bodies"]): Promise<void> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const source = Buffer.concat(chunks).toString()
  const refuse = (status: number, type: string, message: string): void => {
    response.writeHead(status, { "content-type": "application/json", "x-amzn-errortype": `${type}:http://internal.amazon.com/`, "x-amzn-requestid": "id-1" })
    response.end(JSON.stringify({ message }))
  }
  if (!isSigned(request, source)) return refuse(403, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided.")
  const path = `/model/${encodeURIComponent(model)}/converse`
  const streamed = request.url === `${path}-stream`
  if (!streamed && request.url !== path) return refuse(404, "ResourceNotFoundException", "no such operation")
  const body = JSON.parse(source) as Service["bodies"][number] & { readonly toolConfig?: unknown }
  const wrong = check(body.messages, body.toolConfig !== undefined)
  if (wrong !== undefined) return refuse(400, "ValidationException", wrong)
  bodies.push(body)
  const said = script[body.messages.filter(({ role }) => role === "assistant").length]!
  const stopReason = said.some(({ toolUse }) => toolUse !== undefined && (toolUse as { type?: string }).type === undefined) ? "tool_use" : "end_turn"
  const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
  if (!streamed) {
    response.writeHead(200, { "content-type": "application/json" })
    response.end(JSON.stringify({ output: { message: { role: "assistant", content: said } }, stopReason, usage, metrics: { latencyMs: 1 } }))
    return
  }
  if (request.headers.accept !== "application/vnd.amazon.eventstream") return refuse(406, "ValidationException", "accept")
  response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" })
  const bytes = Buffer.concat([
    event("messageStart", { role: "assistant" }),
    ...said.flatMap((block, contentBlockIndex) => eventsOf(block).map(([type, fields]) => event(type, { contentBlockIndex, ...fields }))),
    event("messageStop", { stopReason }),
    event("metadata", { usage, metrics: { latencyMs: 1 } })
  ])
  // In odd pieces, as a network brings them.
  for (let at = 0; at < bytes.length; at += 97) response.write(bytes.subarray(at, at + 97))
  response.end()
}

/** A block as the events that bring it. */
const eventsOf = (block: Block): ReadonlyArray<readonly [string, object]> => {
  const { citationsContent, reasoningContent, text, toolResult, toolUse } = block as {
    readonly text?: string
    readonly citationsContent?: { readonly content: ReadonlyArray<{ readonly text: string }>; readonly citations: ReadonlyArray<object> }
    readonly reasoningContent?: { readonly reasoningText?: { readonly text: string; readonly signature: string } }
    readonly toolUse?: { readonly input: object }
    readonly toolResult?: { readonly content: ReadonlyArray<object> }
  }
  const out: Array<readonly [string, object]> = []
  const say = (delta: object): void => void out.push(["contentBlockDelta", { delta }])
  if (text !== undefined) for (const character of text) say({ text: character })
  if (citationsContent !== undefined) {
    for (const item of citationsContent.content) say(item)
    for (const citation of citationsContent.citations) say({ citation })
  }
  if (reasoningContent?.reasoningText !== undefined) {
    const { signature, text } = reasoningContent.reasoningText
    say({ reasoningContent: { text } })
    say({ reasoningContent: { signature } })
  } else if (reasoningContent !== undefined) say(block)
  if (toolUse !== undefined) {
    const { input, ...head } = toolUse
    const written = JSON.stringify(input)
    out.push(["contentBlockStart", { start: { toolUse: head } }])
    say({ toolUse: { input: written.slice(0, 3) } })
    say({ toolUse: { input: written.slice(3) } })
  }
  if (toolResult !== undefined) {
    const { content, ...head } = toolResult
    out.push(["contentBlockStart", { start: { toolResult: head } }])
    say({ toolResult: content })
  }
  return [...out, ["contentBlockStop", {}]]
}

/** What of the conversation does not fit, in the service's words. */
const check = (turns: ReadonlyArray<Turn>, hasTools: boolean): string | undefined => {
  let index = 0
  let waiting: ReadonlyArray<string> = []
  for (const [position, { content, role }] of turns.entries()) {
    if (role !== (position % 2 === 0 ? "user" : "assistant")) {
      return "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again."
    }
    if (content.length === 0) return `The content field in the Message object at messages.${position} is empty.`
    if (!hasTools && content.some(({ toolResult, toolUse }) => toolUse !== undefined || toolResult !== undefined)) {
      return "The toolConfig field must be defined when using toolUse and toolResult content blocks."
    }
    if (role === "assistant") {
      if (!isDeepStrictEqual(content, script[index++])) {
        return `messages.${position}.content.0: \`thinking\` or \`redacted_thinking\` blocks in the latest assistant message cannot be modified.`
      }
      waiting = content.flatMap(({ toolUse }) =>
        toolUse !== undefined && (toolUse as { type?: string }).type === undefined ? [(toolUse as { toolUseId: string }).toolUseId] : [])
      continue
    }
    const results = content.flatMap(({ toolResult }) => toolResult === undefined ? [] : [(toolResult as { toolUseId: string }).toolUseId])
    if (!isDeepStrictEqual(results, waiting)) {
      return `Expected toolResult blocks at messages.${position}.content for the following Ids: ${waiting.join(", ")}`
    }
    waiting = []
  }
  return undefined
}

const sha = (text: string) => createHash("sha256").update(text).digest("hex")
const hmac = (key: string | Uint8Array, text: string) => createHmac("sha256", key).update(text).digest()

/** Whether a request is signed, as the service works it out from what arrived. */
const isSigned = ({ headers, method, url = "" }: IncomingMessage, body: string): boolean => {
  const said = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/.exec(headers.authorization ?? "")
  if (said === null) return false
  const [, id, day, where, service, names, signature] = said
  const list = names!.split(";")
  if (id !== credentials.accessKeyId || where !== region || service !== "bedrock" || !list.includes("host") || !list.includes("x-amz-security-token")) return false
  if (headers["x-amz-security-token"] !== credentials.sessionToken) return false
  const path = url.split("/").map((segment) => encodeURIComponent(segment)).join("/")
  const canonical = [method, path, "", ...list.map((name) => `${name}:${String(headers[name])}`), "", names, sha(body)].join("\n")
  const scope = `${day}/${where}/${service}/aws4_request`
  const key = hmac(hmac(hmac(hmac(`AWS4${credentials.secretAccessKey}`, day!), where!), service!), "aws4_request")
  return hmac(key, ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha(canonical)].join("\n")).toString("hex") === signature
}
