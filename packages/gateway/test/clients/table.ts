/**
 * What each client can do over each service, as the tests hold the gateway to it and the page shows it.
 *
 * @module
 */

/** The services that may stand behind the gateway. */
const names = ["openai", "anthropic", "google", "ollama", "cohere", "bedrock", "local"] as const
/** Services with a second interface, in OpenAI's words: who speaks so gets that one unless `api` says otherwise. */
const compatible = ["google-compatible", "ollama-compatible"] as const
export const upstreamNames = [...names, ...compatible] as const
export type UpstreamName = (typeof upstreamNames)[number]

/** What is done, and what it means. */
export const flows = {
  chat: "asks and reads the answer, why it ended, and its tokens",
  stream: "reads the same as it is written, piece by piece",
  tools: "offers a tool, runs it when it is called, gives back what it said, and reads the answer",
  "streamed tools": "the same, streamed both times",
  "JSON": "asks for JSON by a schema",
  thinking: "asks for thoughts and reads them apart from the answer, whole and streamed",
  completion: "has a text continued, whole and streamed",
  embeddings: "asks for the vectors of one text and of two",
  moderations: "asks what is objectionable in one text and in two",
  models: "lists the models, and reads about one",
  "wrong key": "asks with a key that the gateway does not know",
  "wrong request": "sends a temperature that is a word: the gateway refuses it before it asks anybody",
  "unknown model": "names a model that the service does not have",
  refused: "is refused by the service with 400",
  limited: "is answered 429, with when to come again",
  broken: "is answered 500",
  leaving: "leaves while it waits: the service is left too",
  "leaving a stream": "leaves in the middle of a stream: the service is left too"
} as const
export type Flow = keyof typeof flows

/** What is different where a case works otherwise. */
export const notes = {
  hidden: "It is answered, but no thoughts are shown: OpenAI's chat completions keep them to themselves.",
  unread: "It is answered, but this interface of the client has no place for thoughts.",
  uncounted: "It is answered, but its tokens are not known: Cohere's `generate` says only what it bills.",
  "in one": "It is answered, and streamed in one piece.",
  "any model": "The built-in rules answer whatever model is named, and say which one answered.",
  "at once": "The built-in rules answer at once: there is nothing to leave.",
  never: "There is no service that could refuse or break."
} as const
export type Note = keyof typeof notes

/** How a case ends: as it should, a little otherwise, or in the client's own error. */
export type Outcome =
  | { readonly works: true }
  | { readonly note: Note }
  | { readonly error: string; readonly status: number }

type Exceptions = { readonly [Each in Flow]?: { readonly [Each in UpstreamName]?: Outcome } }

/** One client. */
export interface Client {
  readonly title: string
  /** How it is pointed at the gateway, in a few lines. */
  readonly code: ReadonlyArray<string>
  /** What it has no call for. */
  readonly without: ReadonlyArray<Flow>
  /** Whether it speaks OpenAI's chat completions, so that those services are asked in their second interface. */
  readonly speaksOpenai?: true
  /** The class it throws for a status. */
  readonly error: (status: number) => string
  readonly exceptions?: Exceptions
}

const classes: { readonly [status: number]: string } = {
  400: "BadRequestError", 401: "AuthenticationError", 404: "NotFoundError", 429: "RateLimitError",
  500: "InternalServerError"
}
const byStatus = (status: number): string => classes[status]!
const everywhere = (outcome: Outcome) => Object.fromEntries(upstreamNames.map((name) => [name, outcome]))

const openai = [
  "import OpenAI from \"openai\"",
  "const client = new OpenAI({ baseURL: \"http://127.0.0.1:4141/v1\", apiKey: process.env.PLUGLINE_KEY })",
  "// or: OPENAI_BASE_URL=http://127.0.0.1:4141/v1 and OPENAI_API_KEY in the environment"
]
const ai = [
  "import { createOpenAI } from \"@ai-sdk/openai\"",
  "const gateway = createOpenAI({ baseURL: \"http://127.0.0.1:4141/v1\", apiKey: process.env.PLUGLINE_KEY })"
]

/** The clients. */
export const clients = {
  openai: {
    title: "openai, chat completions",
    code: [...openai, "await client.chat.completions.create({ model: \"anthropic/claude-sonnet-4-6\", messages })"],
    without: [],
    speaksOpenai: true,
    error: byStatus,
    exceptions: { thinking: { openai: { note: "hidden" }, "google-compatible": { note: "hidden" } } }
  },
  responses: {
    title: "openai, Responses",
    code: [...openai, "await client.responses.create({ model: \"anthropic/claude-sonnet-4-6\", input: \"Hello\" })"],
    without: ["completion", "embeddings", "moderations", "models"],
    error: byStatus
  },
  anthropic: {
    title: "@anthropic-ai/sdk",
    code: [
      "import Anthropic from \"@anthropic-ai/sdk\"",
      "const client = new Anthropic({ baseURL: \"http://127.0.0.1:4141\", apiKey: process.env.PLUGLINE_KEY })",
      "// or: ANTHROPIC_BASE_URL=http://127.0.0.1:4141 and ANTHROPIC_API_KEY in the environment",
      "await client.messages.create({ model: \"openai/gpt-5-mini\", max_tokens: 1024, messages })"
    ],
    without: ["completion", "embeddings", "moderations"],
    error: byStatus,
    exceptions: { thinking: { openai: { note: "hidden" } } }
  },
  google: {
    title: "@google/genai",
    code: [
      "import { GoogleGenAI } from \"@google/genai\"",
      "const httpOptions = { baseUrl: \"http://127.0.0.1:4141\" }",
      "const client = new GoogleGenAI({ apiKey: process.env.PLUGLINE_KEY, httpOptions })",
      "await client.models.generateContent({ model: \"anthropic/claude-sonnet-4-6\", contents: \"Hello\" })"
    ],
    without: ["completion", "moderations"],
    error: () => "ApiError",
    exceptions: { thinking: { openai: { note: "hidden" } } }
  },
  ollama: {
    title: "ollama",
    code: [
      "import { Ollama } from \"ollama\"",
      "const headers = { Authorization: `Bearer ${process.env.PLUGLINE_KEY}` }",
      "const client = new Ollama({ host: \"http://127.0.0.1:4141\", headers })",
      "await client.chat({ model: \"anthropic/claude-sonnet-4-6\", messages })"
    ],
    without: ["moderations"],
    error: () => "ResponseError",
    exceptions: { thinking: { openai: { note: "hidden" } } }
  },
  ai: {
    title: "ai with @ai-sdk/openai, Responses",
    code: [
      "import { generateText } from \"ai\"", ...ai,
      "await generateText({ model: gateway(\"anthropic/claude-sonnet-4-6\"), prompt: \"Hello\", maxRetries: 0 })"
    ],
    without: ["completion", "moderations", "models"],
    error: () => "AI_APICallError"
  },
  "ai chat": {
    title: "ai with @ai-sdk/openai, chat completions",
    code: [
      "import { streamText } from \"ai\"", ...ai,
      "streamText({ model: gateway.chat(\"anthropic/claude-sonnet-4-6\"), prompt: \"Hello\", maxRetries: 0 })"
    ],
    without: ["completion", "moderations", "models"],
    speaksOpenai: true,
    error: () => "AI_APICallError",
    exceptions: { thinking: everywhere({ note: "unread" }) }
  }
} as const satisfies { readonly [name: string]: Client }
export type ClientName = keyof typeof clients

/** The statuses that errors are answered with. */
const failures: { readonly [Each in Flow]?: number } = {
  "wrong key": 401, "wrong request": 400, "unknown model": 404, refused: 400, limited: 429, broken: 500
}

/** What is otherwise, whoever asks. */
const common = (error: Client["error"]): Exceptions => ({
  completion: {
    ...Object.fromEntries(
      ["anthropic", "google", "bedrock", "google-compatible"].map((name) => [name, { error: error(400), status: 400 }])
    ),
    cohere: { note: "uncounted" },
    local: { note: "in one" }
  },
  embeddings: { anthropic: { error: error(400), status: 400 } },
  moderations: Object.fromEntries(
    upstreamNames.filter((name) => name !== "openai").map((name) => [name, { error: error(400), status: 400 }])
  ),
  "unknown model": { local: { note: "any model" } },
  refused: { local: { note: "never" } },
  broken: { local: { note: "never" } },
  leaving: { local: { note: "at once" } }
})

/** What stands behind the gateway for a client. */
export const upstreamsOf = ({ speaksOpenai }: Client): ReadonlyArray<UpstreamName> =>
  speaksOpenai === true ? upstreamNames : names

/** What a client does. */
export const flowsOf = ({ without }: Client): ReadonlyArray<Flow> =>
  (Object.keys(flows) as ReadonlyArray<Flow>).filter((flow) => !without.includes(flow))

/** How a case ends. */
export const outcomeOf = ({ error, exceptions }: Client, flow: Flow, upstream: UpstreamName): Outcome => {
  const known = exceptions?.[flow]?.[upstream] ?? common(error)[flow]?.[upstream]
  if (known !== undefined) return known
  const status = failures[flow]
  return status === undefined ? { works: true } : { error: error(status), status }
}
