/**
 * The form of a file that holds a recorded run, as JSON Schema: an editor that knows it completes and explains such files.
 *
 * @module
 */
import type { JsonObject } from "@plugline/core"

const string = (description: string): JsonObject => ({ type: "string", description })
const number = (description: string): JsonObject => ({ type: "number", description })
const integer = (description: string): JsonObject => ({ type: "integer", minimum: 0, description })
const boolean = (description: string): JsonObject => ({ type: "boolean", description })
const list = (items: JsonObject, description: string): JsonObject => ({ type: "array", items, description })
const ref = (name: string): JsonObject => ({ $ref: `#/$defs/${name}` })
const anything = (description: string): JsonObject => ({ type: "object", description })
const maybe = (schema: JsonObject): JsonObject => ({ anyOf: [schema, { type: "null" }] })

const object = (description: string, properties: JsonObject, optional: ReadonlyArray<string> = []): JsonObject => ({
  type: "object",
  description,
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name))
})

const summary = object("The request in short, as in the list of all.", {
  id: string("The id that the client was told in `x-request-id`."),
  seq: number("Grows with each request that ends."),
  at: number("When it came, in ms since 1970."),
  took: number("How long it took, in ms."),
  route: string("The route: `/v1/chat/completions`; `replay` and `fork` of runs of the inspector, `library` of a program."),
  dialect: string("The format that the client speaks."),
  operation: string("What was asked for: `chat`, `stream`, `embeddings`, …"),
  streamed: boolean("Whether the answer came in parts."),
  status: number("What the client was answered; 499 where it had left."),
  provider: string("Who answered."),
  asked: string("The model as it was asked for."),
  model: string("The model that answered."),
  pipeline: string("The name of the pipeline."),
  hash: string("Tells pipelines of different plugs or options apart."),
  cache: string("What the cache said: `hit`, `miss`, `stale`, `bypass`, `refreshed`."),
  attempts: number("How many attempts were made."),
  inputTokens: number("Tokens of the question."),
  outputTokens: number("Tokens of the answer."),
  cost: string("USD as decimal text; absent: unknown."),
  saved: string("What the cache saved, USD as decimal text."),
  firstToken: number("Until the first part reached the client, in ms."),
  error: object("Why it failed.", {
    reason: string("The kind of error: `RateLimit`, `Timeout`, …"),
    message: string("What happened, in a sentence."),
    plug: string("The plug that reported it.")
  }, ["plug"]),
  tenant: string("Whose request it was."),
  user: string("Whose request it was."),
  key: string("The name of the API key it came with."),
  parent: string("Of which request this is a replay or a fork."),
  upstream: { enum: ["recorded"], description: "Of a fork whose services answered as they were recorded: it asked nobody, and cost nothing." },
  recorded: boolean("Whether its steps are kept."),
  unrecorded: { enum: ["size", "load", "fault"], description: "Why its steps are not kept though they were to be." },
  bytes: number("Bytes that its record takes up, packed.")
}, [
  "provider", "asked", "model", "cache", "attempts", "inputTokens", "outputTokens", "cost", "saved", "firstToken", "error",
  "tenant", "user", "key", "parent", "upstream", "unrecorded", "bytes"
])

const plug = object("A plug of a pipeline.", {
  name: string("What it is called."),
  level: { type: "integer", minimum: 0, maximum: 3, description: "How deep it reaches into a stream." },
  options: { description: "Its options; `null` where there are none." },
  children: {
    type: "object",
    description: "The pipelines inside it, by what they are for.",
    additionalProperties: list(ref("plug"), "A pipeline.")
  }
})

const headers: JsonObject = {
  type: "object", additionalProperties: { type: "string" }, description: "Headers by name, credentials masked."
}

const request = object("A request as it was at one moment, credentials masked.", {
  id: string("The id of the request."),
  operation: {
    enum: ["chat", "stream", "embeddings", "completion", "list_models", "validate"], description: "What is asked for."
  },
  provider: string("The provider that is asked."),
  messages: list(object("Who said what.", {
    role: { enum: ["system", "user", "assistant", "tool"], description: "Who said it." },
    content: { anyOf: [{ type: "string" }, list(anything("A part."), "Parts.")], description: "What was said." }
  }), "The conversation."),
  options: anything("Model, temperature, maxTokens, tools, …"),
  config: anything("How the provider is reached."),
  state: { enum: ["pending", "executing", "streaming", "completed", "error"], description: "How far it has come." },
  halted: boolean("Whether the rest of the line is skipped."),
  providerRequest: object("What is sent to the provider.", {
    method: string("The method."), url: string("The address."), headers, body: anything("The body.")
  }, ["body"]),
  response: object("What came back from the provider.", {
    status: number("The status."), headers, body: string("The body; empty where it came as a stream.")
  }),
  result: anything("The answer, whole."),
  assigns: anything("What plugs tell each other."),
  private: anything("What the library keeps for itself."),
  metadata: anything("What plugs note for people."),
  errors: list(ref("error"), "What went wrong so far, in order.")
}, ["providerRequest", "response", "result"])

const error = object("Something that went wrong.", {
  _tag: { const: "LlmError" },
  reason: object("Why.", {
    _tag: string("The kind of error: `RateLimit`, `Timeout`, …"),
    message: string("What happened, in a sentence."),
    status: number("HTTP status of the answer.")
  }, ["status"]),
  provider: string("The provider that was being called."),
  plug: string("The plug that reported it."),
  attempt: number("Which attempt it was, counted from 1.")
}, ["provider", "plug", "attempt"])

const place = integer("A place in `requests`.")
const since = (what: string): JsonObject => number(`${what}, in ms since the run began.`)

const trace = object("What each plug was handed and handed on.", {
  version: { const: 1 },
  startedAt: number("When the run began, in ms since 1970."),
  values: { type: "array", description: "Values that requests share." },
  requests: list(anything("The fields of a request: a short value itself, or `[place in values]`."), "Every request there was."),
  steps: list(object("One visit of the request to a plug.", {
    name: string("The plug."),
    path: string("Where it stands: `2`, or `2.yes.0` inside another."),
    level: integer("How deep it reaches into a stream."),
    attempt: number("How many times it had been visited, counted from 1."),
    startedAt: since("When it was come to"),
    endedAt: maybe(since("When it had answered; `null` where it was interrupted")),
    in: place,
    out: maybe(place),
    calls: list(object("A call of the rest of the line.", {
      passedAt: since("When it was made"), passed: place, receivedAt: maybe(since("When it was answered")), received: maybe(place)
    }), "Its calls of the rest of the line.")
  }), "The visits, in the order in which they began."),
  ends: list(object("A plug saw the end of the stream.", {
    plug: string("The plug."), at: since("When"), before: place, after: place
  }), "Who saw the end of the stream, the innermost plug first."),
  parts: list(object("A part of the streamed reply.", {
    at: since("When it passed"), plug: string("Whom it left changed; absent: it reached the reader."), part: anything("The part.")
  }, ["plug"]), "The parts, in order."),
  final: maybe(place)
})

const pulls = (what: string): JsonObject =>
  list(object("One pull.", {
    took: number("How long it took, in ms."), got: { description: what }, error: ref("error")
  }, ["got", "error"]), "Pull by pull.")

const world = object("What came in from outside: with it the run can be replayed.", {
  clock: object("Times that were read.", {
    millis: list({ type: "number" }, "Times in ms."),
    nanos: list({ type: "string" }, "Times in ns."),
    monotonic: list({ type: "string" }, "Times in ns.")
  }),
  random: object("Random numbers that were drawn.", {
    integers: list({ type: "number" }, "Whole ones."), doubles: list({ type: "number" }, "Others.")
  }),
  exchanges: list(object("One request to a service and what came of it.", {
    plug: string("The plug that sent it."),
    request: ref("request"),
    took: number("How long it took, in ms."),
    sync: boolean("Whether it was answered at once."),
    outcome: {
      anyOf: [
        object("An answer.", { _tag: { const: "Answer" }, changes: anything("The fields of the request that it changed.") }),
        object("A failure.", { _tag: { const: "Failure" }, error: ref("error") }),
        object("No answer.", { _tag: { const: "Interrupted" } })
      ],
      description: "What came of it."
    },
    parts: pulls("Parts; `null` at the end."),
    bytes: pulls("Bytes of the response, base64; `null` at the end.")
  }, ["parts", "bytes"]), "What was sent to services and came back."),
  stores: list(anything("An answer."), "What stores answered: caches, limits, budgets, circuits."),
  left: since("When whoever asked had left"),
  spans: boolean("Whether each plug had a span.")
}, ["stores", "left", "spans"])

const fork = object("Of a fork: what was changed.", {
  at: object("The request is changed when it comes here.", {
    path: string("The path of the plug."), attempt: number("Which visit, counted from 1.")
  }),
  set: list(object("A value to put in.", {
    path: string("`options.temperature`"), value: { description: "Any JSON." }
  }), "Values in the place of those of the request."),
  unset: list({ type: "string" }, "Fields that are taken out."),
  options: list(object("Other options.", {
    path: string("The path of the plug."), options: anything("Its options.")
  }), "Other options for plugs."),
  line: list(object("A plug.", {
    name: string("Its name."), options: { description: "Its options." }
  }, ["options"]), "Another line of plugs."),
  upstream: { enum: ["recorded", "live"], description: "Whether services were asked, or answered as they were recorded." }
}, ["at", "set", "unset", "options", "line", "upstream"])

/** The schema of a recorded run, in the 2020-12 draft. */
export const jsonSchema: JsonObject = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "A recorded run of Plugline",
  ...object("Everything that is kept of one request: what it was, what each plug made of it, and what came in from outside.", {
    $schema: string("Where this schema is; not read."),
    version: { const: 1 },
    summary: ref("summary"),
    pipeline: list(ref("plug"), "What it ran through, as it was then."),
    request: ref("request"),
    trace: ref("trace"),
    world: ref("world"),
    call: anything("How the pipeline was found."),
    fork: ref("fork")
  }, ["$schema", "call", "fork"]),
  $defs: { summary, plug, request, error, trace, world, fork }
}
