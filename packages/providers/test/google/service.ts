/**
 * A Gemini service over real HTTP, after its documentation: it insists on getting back what it said, signatures above
 * all, and refuses in its own words.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { isDeepStrictEqual } from "node:util"

export const key = "AIzaCanary0123456789abcdefghijklmno"
export const model = "gemini-3-pro-preview"

interface Part {
  readonly text?: string
  readonly functionCall?: { readonly id?: string; readonly name: string; readonly args?: object }
  readonly functionResponse?: { readonly id?: string; readonly name: string; readonly response?: object }
  readonly thoughtSignature?: string
}

interface Content {
  readonly role?: string
  readonly parts?: ReadonlyArray<Part>
}

/** What the model says, turn by turn. */
export const script: ReadonlyArray<ReadonlyArray<Part & { readonly [name: string]: unknown }>> = [
  [
    { text: "Two cities, so two calls.", thought: true },
    { functionCall: { name: "weather", args: { city: "Oslo" } }, thoughtSignature: "c2lnMQ==" },
    { functionCall: { name: "weather", args: {} } }
  ],
  [
    { executableCode: { language: "PYTHON", code: "print(1)" } },
    { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1\n" } },
    { functionCall: { id: "k1", name: "weather", args: { city: "Rome" } }, thoughtSignature: "c2lnMg==" }
  ],
  [
    { text: "Oslo: 3°. " },
    { text: "Rome: 20°.", thoughtSignature: "c2lnMw==" },
    { inlineData: { mimeType: "image/png", data: "aGk=" }, thoughtSignature: "c2lnNA==" },
    { text: "", thoughtSignature: "c2lnNQ==" }
  ],
  [{ text: "You are welcome." }]
]

/** A running service, and the bodies it was sent. */
export interface Service {
  readonly server: Server
  readonly url: string
  readonly bodies: Array<{ readonly contents: ReadonlyArray<Content> }>
}

export const listen = async (): Promise<Service> => {
  const bodies: Service["bodies"] = []
  const server = createServer((request, response) => void answer(request, response, bodies))
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1beta`, bodies }
}

const answer = async (request: IncomingMessage, response: ServerResponse, bodies: Service["bodies"]): Promise<void> => {
  const pieces: Array<Buffer> = []
  for await (const piece of request) pieces.push(piece as Buffer)
  const refuse = (code: number, status: string, message: string, details: ReadonlyArray<object> = []) => {
    response.writeHead(code, { "content-type": "application/json; charset=UTF-8" })
    response.end(JSON.stringify({ error: { code, message, status, ...(details.length > 0 && { details }) } }))
  }
  if (request.headers["x-goog-api-key"] !== key) {
    return refuse(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [{
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: "API_KEY_INVALID"
    }])
  }
  const streamed = request.url === `/v1beta/models/${model}:streamGenerateContent?alt=sse`
  if (!streamed && request.url !== `/v1beta/models/${model}:generateContent`) {
    return refuse(404, "NOT_FOUND", `models/${model} is not found for API version v1beta`)
  }
  const body = JSON.parse(Buffer.concat(pieces).toString()) as Service["bodies"][number]
  const fault = faultOf(body)
  if (fault !== undefined) return refuse(400, "INVALID_ARGUMENT", fault)
  bodies.push(body)
  const turn = body.contents.filter(({ role }) => role === "model").length
  const parts = script[turn]!
  const head = { modelVersion: model, responseId: `r${turn}` }
  const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 }
  if (!streamed) {
    response.writeHead(200, { "content-type": "application/json; charset=UTF-8" })
    response.end(JSON.stringify({
      ...head, candidates: [{ index: 0, content: { role: "model", parts }, finishReason: "STOP" }], usageMetadata
    }))
    return
  }
  response.writeHead(200, { "content-type": "text/event-stream" })
  const events = parts.flatMap((part) => pieced(part))
  events.forEach((part, index) => {
    const last = index === events.length - 1
    const candidate = { index: 0, content: { role: "model", parts: [part] }, ...(last && { finishReason: "STOP" }) }
    response.write(`data: ${JSON.stringify({ ...head, candidates: [candidate], usageMetadata })}\r\n\r\n`)
  })
  response.end()
}

/** Text arrives in pieces, what is signed does not. */
const pieced = (part: Part): ReadonlyArray<Part> => {
  const { text, thoughtSignature } = part
  if (text === undefined || thoughtSignature !== undefined) return [part]
  return [{ ...part, text: text.slice(0, 3) }, { ...part, text: text.slice(3) }]
}

/** Why a request is refused. */
const faultOf = ({ contents }: { readonly contents: ReadonlyArray<Content> }): string | undefined => {
  let turn = 0
  for (const [index, { parts = [], role }] of contents.entries()) {
    if (role !== "user" && role !== "model") return "Please use a valid role: user, model."
    if (parts.length === 0) return `* GenerateContentRequest.contents[${index}].parts: contents.parts must not be empty.`
    if (role !== "model") continue
    const said = script[turn++]
    const calls = parts.filter(({ functionCall }) => functionCall !== undefined)
    if (calls.length > 0 && calls[0]!.thoughtSignature === undefined) {
      return `Function call \`${calls[0]!.functionCall!.name}\` in the ${index + 1}. content block is missing a \`thought_signature\`.`
    }
    if (!isDeepStrictEqual(parts, said)) return "Thought signature is not valid"
    if (calls.length === 0) continue
    const next = contents[index + 1]
    const responses = (next?.parts ?? []).flatMap(
      ({ functionResponse }) => functionResponse === undefined ? [] : [functionResponse]
    )
    if (next?.role !== "user" || responses.length !== calls.length) {
      return "Please ensure that the number of function response parts is equal to the number of function call parts of the "
        + "function call turn."
    }
    for (const [place, { functionCall }] of calls.entries()) {
      const response = responses[place]!
      if (response.name !== functionCall!.name || response.id !== functionCall!.id) {
        return "Please ensure that function response turn comes immediately after a function call turn."
      }
      if (typeof response.response !== "object" || Array.isArray(response.response)) {
        return "Invalid value at 'contents.parts.function_response.response' (type.googleapis.com/google.protobuf.Struct)"
      }
    }
  }
  return undefined
}
