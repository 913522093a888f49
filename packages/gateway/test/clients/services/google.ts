/** Google's service: contents and parts, calls that come back signed as they were, vectors one by one or many. */
import {
  type Asked, type Fields, must, Refusal, type Said, type Service, signature, sse, tokens, vectorOf
} from "./words.ts"

const textOf = (content: Fields | undefined): string => (content?.parts ?? []).map(
  ({ text, thought }: Fields) => thought === true ? "" : text ?? ""
).join("")

const check = (contents: ReadonlyArray<Fields>): void => {
  must(Array.isArray(contents) && contents.length > 0, "* GenerateContentRequest.contents: contents is not specified")
  contents.forEach(({ parts, role }, at) => {
    must(
      role === "user" || role === "model" || (
        role === undefined && contents.length === 1
      ), "Please use a valid role: user, model."
    )
    must(Array.isArray(parts) && parts.length > 0, `contents[${at}].parts: empty`)
    const calls = parts.filter(({ functionCall }: Fields) => functionCall !== undefined)
    if (calls.length === 0) return
    must(
      calls[0].thoughtSignature === signature || calls[0].thoughtSignature === "skip_thought_signature_validator",
      `Function call is missing a thought_signature in functionCall parts: ${JSON.stringify(calls[0])}`
    )
    const results = contents[at + 1]?.parts.filter(
      ({ functionResponse }: Fields) => functionResponse !== undefined
    ) ?? []
    must(
      results.length === calls.length, "the number of function response parts must equal that of function call parts"
    )
    calls.forEach(({ functionCall }: Fields, index: number) =>
      must(
        results[index].functionResponse.name === functionCall.name,
        `the response to ${functionCall.name} has another name`
      ))
  })
}

const chat = (model: string, streams: boolean, { contents, generationConfig = {}, tools = [] }: Fields): Asked => {
  check(contents)
  const isJson = generationConfig.responseMimeType === "application/json"
  if (isJson) must(generationConfig.responseSchema ?? generationConfig.responseJsonSchema, "a schema")
  const last = contents.at(-1).parts.find(({ functionResponse }: Fields) => functionResponse !== undefined)
  const response = last?.functionResponse.response
  return {
    operation: "chat",
    model,
    streams,
    texts: [textOf(contents.findLast((each: Fields) => each.role !== "model" && textOf(each) !== ""))],
    tools: tools.flatMap(
      ({ functionDeclarations = [] }: Fields) => functionDeclarations.map(({ name }: Fields) => name)
    ),
    result: last === undefined
      ? undefined
      : typeof response.output === "string" ? response.output : JSON.stringify(response),
    isJson,
    thinks: generationConfig.thinkingConfig?.includeThoughts === true
  }
}

const answer = (parts: ReadonlyArray<object>, { model }: Asked, { thinking }: Said, ends = true): object => ({
  candidates: [{ content: { role: "model", parts }, index: 0, ...(ends && { finishReason: "STOP" }) }],
  usageMetadata: {
    promptTokenCount: tokens.input,
    // Thoughts are counted apart.
    candidatesTokenCount: thinking === undefined ? tokens.output : tokens.output - tokens.thinking,
    ...(thinking !== undefined && { thoughtsTokenCount: tokens.thinking }),
    totalTokenCount: tokens.input + tokens.output
  },
  modelVersion: model,
  responseId: "resp-1"
})

const partsOf = ({ call, pieces, thinking }: Said): ReadonlyArray<object> => [
  ...(thinking === undefined ? [] : [{ text: thinking, thought: true }]),
  ...pieces.map((text) => ({ text })),
  ...(call === undefined ? [] : [{ functionCall: { name: call.name, args: call.args }, thoughtSignature: signature }])
]

/** Its words. */
export const google: Service = {
  streamType: "text/event-stream",
  read: ({ body, headers, path }) => {
    if (headers["x-goog-api-key"] !== "google-service-key") throw new Refusal(
      "API key not valid. Please pass a valid API key.", 401
    )
    const [, name, method] = /^\/models\/([^/:]+):(\w+)(?:\?alt=sse)?$/.exec(path) ?? []
    const model = decodeURIComponent(name ?? "")
    if (method === "generateContent") return chat(model, false, body)
    if (method === "streamGenerateContent") {
      must(path.endsWith("?alt=sse"), "only server-sent events here")
      return chat(model, true, body)
    }
    const texts = method === "embedContent"
      ? [textOf(body.content)]
      : method === "batchEmbedContents" ? body.requests.map((each: Fields) => {
      must(each.model === `models/${model}`, `requests[].model: ${each.model}`)
      return textOf(each.content)
    }) : undefined
    if (texts === undefined) throw new Refusal(`no such path: ${path}`, 404)
    return {
      operation: "embeddings", model, streams: method === "batchEmbedContents", texts,
      tools: [], isJson: false, thinks: false
    }
  },
  whole: (said, asked) => answer(said.call === undefined ? [
    ...partsOf({ ...said, pieces: [] }), { text: said.pieces.join("") }
  ] : partsOf(said), asked, said),
  events: (said, asked) => {
    const parts = partsOf(said)
    return [
      ...parts.map((part) => sse(answer([part], asked, said, false))),
      sse(answer([{ text: "" }], asked, said))
    ].map((event) => event.replaceAll("\n", "\r\n"))
  },
  vectors: ({ streams, texts }) => streams ? {
    embeddings: texts.map((text) => ({ values: vectorOf(text) }))
  } : { embedding: { values: vectorOf(texts[0]!) } },
  error: (status, message) => ({
    error: { code: status, message, status: words[status] ?? "INVALID_ARGUMENT" }
  })
}

const words: Record<number, string> = {
  401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"
}
