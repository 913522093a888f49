/**
 * The commands `trace ask`, `ls`, `show`, `diff`, `replay`, `export`, `open` and `schema`.
 *
 * @module
 */
import { Config, Effect, Option, Redacted } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { json as machine, terminal } from "../Screen.ts"
import { config, json, model, provider, system } from "./flags.ts"
import { asked } from "./question.ts"

const what = (name: string) =>
  Argument.String(name).pipe(
    Argument.withDescription(
      "A file; `-` for standard input; the id of a request in the gateway (x-request-id); or `last`, its latest one"
    )
  )

const url = Flag.String("url").pipe(
  Flag.withAlias("u"),
  Flag.withDescription(
    "The gateway whose requests they are; its key is read from PLUGLINE_API_KEY. Default: http://127.0.0.1:4141"
  ),
  Flag.withFallbackConfig(Config.String("PLUGLINE_URL")),
  Flag.optional,
  Flag.map(Option.getOrUndefined)
)

const out = Flag.String("out").pipe(Flag.withAlias("o"))

/** Which gateway is asked. Keys come from the environment, where nobody else sees them. */
const sourceOf = (given: string | undefined) =>
  Effect.map(Effect.promise(() => import("../trace/Source.ts")), ({ usual }) => {
    const key = process.env.PLUGLINE_API_KEY?.trim()
    return { url: given ?? usual, key: key === undefined || key === "" ? undefined : Redacted.make(key) }
  })

const loaded = Effect.fnUntraced(function*(reference: string, given: string | undefined) {
  const { load } = yield* Effect.promise(() => import("../trace/Source.ts"))
  return yield* load(reference, yield* sourceOf(given), terminal)
})

const ask = Command.make("ask", {
  question: Argument.String("question").pipe(
    Argument.withDescription("What to ask; read from the terminal or from standard input when it is left out"),
    Argument.variadic()
  ),
  out: out.pipe(Flag.withDescription("The file that is written, as JSON. Question and answer are in it; credentials are masked")),
  provider,
  model,
  system
}, Effect.fn(function*({ model, out, provider, question, system }) {
  const words = yield* asked(question, "plugline trace ask --out trace.json \"What can you do?\"")
  const { trace } = yield* Effect.promise(() => import("../trace/ask.ts"))
  const { layer } = yield* Effect.promise(() => import("plugline"))
  yield* Effect.provide(trace({ question: words, provider, model, system }, out, terminal), layer)
})).pipe(
  Command.withDescription("Ask a model one question and write everything that happened into a file"),
  Command.withExamples([
    {
      command: "plugline trace ask --out trace.json \"What is 6 times 7?\"",
      description: "Of the built-in responder, no key needed"
    },
    {
      command: "plugline trace ask -o trace.json --provider openai --model gpt-5-mini \"Why is the sky blue?\"",
      description: "Of a call to OpenAI"
    }
  ])
)

const filter = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional, Flag.map(Option.getOrUndefined))

const ls = Command.make("ls", {
  url,
  limit: Flag.Int("limit").pipe(
    Flag.withAlias("n"),
    Flag.withDescription("How many of the latest. Default: 20"),
    Flag.filter((given) => given >= 1 && given <= 1_000, (given) => `Expected 1 to 1000, got ${given}`),
    Flag.withDefault(20)
  ),
  find: filter("find", "Only those in whose id, model, provider, route, error, tenant or user this stands"),
  status: filter("status", "Only `ok`, only `error`, or only this status: 429"),
  provider: filter("provider", "Only those of this provider"),
  model: filter("model", "Only those of this model"),
  pipeline: filter("pipeline", "Only those that went through this pipeline"),
  cache: filter("cache", "Only those of which the cache said this: hit, miss"),
  json
}, Effect.fn(function*({ cache, find, json, limit, model, pipeline, provider, status, url }) {
  const { list } = yield* Effect.promise(() => import("../trace/list.ts"))
  const query = { limit, q: find, status, provider, model, pipeline, cache }
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined))
  yield* list({ query: given, json }, yield* sourceOf(url), terminal)
})).pipe(
  Command.withDescription("List the latest requests of a gateway, newest first"),
  Command.withExamples([
    { command: "plugline trace ls", description: "Of the gateway on this machine" },
    { command: "plugline trace ls --status error --limit 5", description: "The latest that failed" }
  ])
)

const show = Command.make("show", {
  what: what("what"),
  url,
  step: Flag.Int("step").pipe(
    Flag.withAlias("s"),
    Flag.withDescription("Only this step, with all that it changed and the request as it was then"),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  ),
  explain: Flag.Boolean("explain").pipe(
    Flag.withAlias("e"),
    Flag.withDescription("In sentences: why this model, this price, this cache result, this error, and what to do"),
    Flag.withDefault(false)
  ),
  json
}, Effect.fn(function*({ url, what, ...shown }) {
  const recorded = yield* loaded(what, url)
  const { show } = yield* Effect.promise(() => import("../trace/show.ts"))
  yield* show(recorded, shown, terminal)
})).pipe(
  Command.withDescription("Show a recorded request: every plug in order, with its time and what it changed, back and forth"),
  Command.withExamples([
    { command: "plugline trace show last", description: "The latest of the gateway on this machine" },
    { command: "plugline trace show trace.json --step 4", description: "One step of a file, in full" },
    { command: "plugline trace show last --explain", description: "Why it went as it did" }
  ])
)

const diff = Command.make("diff", { a: what("a"), b: what("b"), url, json }, Effect.fn(function*({ a, b, json, url }) {
  const [first, second] = [yield* loaded(a, url), yield* loaded(b, url)]
  const { diff } = yield* Effect.promise(() => import("../trace/diff.ts"))
  yield* diff(first, second, json, terminal)
})).pipe(
  Command.withDescription("Compare two recorded requests, plug by plug. Ends with 1 where they went different ways"),
  Command.withExamples([{ command: "plugline trace diff before.json after.json", description: "Only what differs" }])
)

/** `replay`, which stands beside `trace` too. */
export const replayCommand = Command.make("replay", {
  what: what("what"),
  url,
  config,
  json
}, Effect.fn(function*({ config, json, url, what }) {
  const { here, inGateway, report } = yield* Effect.promise(() => import("../trace/replay.ts"))
  const { isFile, last } = yield* Effect.promise(() => import("../trace/Source.ts"))
  const source = yield* sourceOf(url)
  const outcome = what === "-" || (yield* isFile(what)) || /[/\\]|\.json$/i.test(what)
    ? yield* here(yield* loaded(what, url), config, process.env)
    : yield* inGateway(what === "last" ? yield* last(source) : what, source)
  yield* report(outcome, json, terminal)
})).pipe(
  Command.withDescription(
    "Run a recorded request again with its recorded world, and say whether it went the same way. Ends with 1 where it did not. "
      + "A file runs in the pipeline that --config has for it, an id in the gateway"
  ),
  Command.withShortDescription("Run a recorded request again, and say whether it went the same way"),
  Command.withExamples([
    { command: "plugline trace replay last", description: "The latest of the gateway on this machine" },
    {
      command: "plugline trace replay trace.json --config gateway.yaml",
      description: "A file, after a change of the configuration"
    }
  ])
)

const exportCommand = Command.make("export", {
  what: what("what"),
  url,
  as: Flag.Literals("as", ["json", "har", "otlp", "curl"]).pipe(
    Flag.withAlias("a"),
    Flag.withDescription(
      "json: all of it; har: an HTTP archive; otlp: an OpenTelemetry trace; curl: the upstream requests as commands. Default: json"
    ),
    Flag.withDefault("json" as const)
  ),
  out: out.pipe(
    Flag.withDescription("The file it is written into. Default: standard output"),
    Flag.optional,
    Flag.map(Option.getOrUndefined)
  )
}, Effect.fn(function*({ as, out, url, what }) {
  const recorded = yield* loaded(what, url)
  const { exported } = yield* Effect.promise(() => import("../trace/export.ts"))
  yield* exported(recorded, as, out, terminal)
})).pipe(
  Command.withDescription("Write a recorded request in a form that other tools read"),
  Command.withExamples([
    { command: "plugline trace export last --out trace.json", description: "To send it to somebody, or to keep it" },
    { command: "plugline trace export trace.json --as curl", description: "To ask the service the same by hand" }
  ])
)

const open = Command.make("open", {
  what: what("what"),
  url,
  port: Flag.Int("port").pipe(
    Flag.withAlias("p"),
    Flag.withDescription("The port that the page is served on, on this machine alone. Default: any that is free"),
    Flag.withDefault(0)
  )
}, Effect.fn(function*({ port, url, what }) {
  const { isFile } = yield* Effect.promise(() => import("../trace/Source.ts"))
  const { open, pageOf } = yield* Effect.promise(() => import("../trace/open.ts"))
  const source = yield* sourceOf(url)
  const recorded = yield* loaded(what, url)
  const isOwn = what === "-" || (yield* isFile(what))
  if (!isOwn) return terminal.write(`${pageOf(source.url, recorded.summary.id)}\n`)
  yield* open(recorded, { into: url === undefined ? undefined : source, port, env: process.env }, terminal)
})).pipe(
  Command.withDescription(
    "Open a file in the inspector's page: in one of its own on this machine, or with --url in that of a gateway. Of a request in a "
      + "gateway, print where its page is"
  ),
  Command.withShortDescription("Open a recorded request in the inspector's page"),
  Command.withExamples([
    { command: "plugline trace open trace.json", description: "Prints the address, and serves it until Ctrl-C" }
  ])
)

const schema = Command.make("schema", {}, () =>
  Effect.map(
    Effect.promise(() => import("@plugline/inspector")),
    ({ jsonSchema }) => terminal.write(machine(jsonSchema))
  )).pipe(
  Command.withDescription("Print the JSON Schema of trace files, for editors")
)

/** Looks at recorded requests. */
export const traceCommand = Command.make("trace").pipe(
  Command.withDescription("Look at recorded requests, of a file or of a gateway: list, walk, compare, replay, export, open"),
  Command.withSubcommands([ask, ls, show, diff, replayCommand, exportCommand, open, schema])
)
