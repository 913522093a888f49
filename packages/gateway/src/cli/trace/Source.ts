/**
 * Where the terminal finds recorded requests: in a file, or in a gateway that runs.
 *
 * @module
 */
import { read, type Recorded } from "@plugline/inspector"
import { Duration, Effect, type Redacted, Stream } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { readFile, stat } from "node:fs/promises"
import { Json, type JsonValue, LlmError, Mask } from "plugline"
import { Failed } from "../Failed.ts"
import type { Screen } from "../Screen.ts"

/** The gateway that is asked where nothing else is said: the one that `plugline serve` starts. */
export const usual = "http://127.0.0.1:4141"

/** Which gateway is asked, and with which key. */
export interface Source {
  readonly url: string
  readonly key: Redacted.Redacted<string> | undefined
}

/** Most bytes of a file or of an answer. */
const largest = 200_000_000

/** How long a gateway may take to answer. A replay may take half a minute. */
const patience = Duration.seconds(60)

/**
 * A recorded request: `-` is standard input, what names a file is that file, `last` is the latest request of the gateway, and
 * anything else is the id of one.
 */
export const load = (reference: string, source: Source, screen: Pick<Screen, "piped">): Effect.Effect<Recorded, Failed> =>
  Effect.gen(function*() {
    if (reference === "-") return yield* parsed(yield* screen.piped, "standard input")
    if (yield* isFile(reference)) return yield* fromFile(reference)
    if (/[/\\]|\.json$/i.test(reference)) {
      return yield* Effect.fail(new Failed(`there is no file ${JSON.stringify(reference)}`))
    }
    const id = reference === "last" ? yield* last(source) : reference
    const sent = yield* ask(source, "GET", `/traces/${encodeURIComponent(id)}`)
    return yield* reading(sent, `what the gateway at ${source.url} sent`)
  })

/** Whether there is a file of this name. */
export const isFile = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() => stat(path).then((found) => found.isFile(), () => false))

/** The recorded request of a file. */
export const fromFile = (path: string): Effect.Effect<Recorded, Failed> =>
  Effect.flatMap(
    Effect.tryPromise({
      try: async () => {
        const { size } = await stat(path)
        if (size > largest) throw new Error(`it is larger than ${largest / 1_000_000} MB`)
        return readFile(path, "utf8")
      },
      catch: (thrown) => new Failed(`${path} cannot be read: ${wordsOf(thrown)}`)
    }),
    (text) => parsed(text, path)
  )

const parsed = (text: string, name: string): Effect.Effect<Recorded, Failed> =>
  Effect.flatMap(
    Effect.try({ try: () => Json.parse(text), catch: (thrown) => new Failed(`${name} is not JSON: ${wordsOf(thrown)}`) }),
    (json) => reading(json, name)
  )

const reading = (json: unknown, name: string): Effect.Effect<Recorded, Failed> =>
  Effect.try({
    try: () => read(json),
    catch: (thrown) => new Failed(`${name} cannot be shown: ${LlmError.fromUnknown(thrown).reason.message}`)
  })

/** The id of the latest request of which the gateway keeps the steps. */
export const last = (source: Source): Effect.Effect<string, Failed> =>
  Effect.flatMap(ask(source, "GET", "/traces?limit=100"), (answer) => {
    const traces = Json.isRecord(answer) && Array.isArray(answer.traces) ? answer.traces : []
    const found: unknown = traces.find((each) => Json.isRecord(each) && each.recorded === true)
    return Json.isRecord(found) && typeof found.id === "string"
      ? Effect.succeed(found.id)
      : Effect.fail(new Failed(traces.length === 0
        ? `the gateway at ${source.url} keeps no request yet: ask it something`
        : `the gateway at ${source.url} keeps no request with its steps: set inspector.sample to 1 in its configuration`))
  })

/** Asks a gateway's inspector; the answer as JSON. Refusals are told in the gateway's own words. */
export const ask = (source: Source, method: "GET" | "POST", path: string, body?: string): Effect.Effect<JsonValue, Failed> =>
  Effect.gen(function*() {
    const { key, url } = yield* checked(source)
    const bare = HttpClientRequest.make(method)(`${url}/inspector/api${path}`, { headers: { accept: "application/json" } })
    const asking = key === undefined ? bare : HttpClientRequest.bearerToken(bare, key)
    const request = body === undefined ? asking : HttpClientRequest.bodyText(asking, body, "application/json")
    const response = yield* HttpClient.execute(request)
    const text = yield* Stream.runFoldEffect(Stream.decodeText(response.stream), () => "", (sum, piece) =>
      sum.length + piece.length > largest
        ? Effect.fail(new Failed(`the gateway at ${url} sends more than ${largest / 1_000_000} MB`))
        : Effect.succeed(sum + piece))
    if (response.status >= 300) return yield* Effect.fail(refused(url, response.status, text, key !== undefined))
    return yield* Effect.try({
      try: () => Json.parse(text),
      catch: () => new Failed(`what answers at ${url} is no gateway of Plugline, or an old one: it sends no JSON`)
    })
  }).pipe(
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () => Effect.fail(new Failed(`the gateway at ${source.url} did not answer within a minute`))
    }),
    Effect.mapError((error) => error instanceof Failed ? error : new Failed(
      `no gateway answers at ${source.url}: start one with \`plugline serve\`, or name another with --url`
    )),
    Effect.provide(FetchHttpClient.layer),
    // Another address than the one that was named must not get the key.
    Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" })
  )

const checked = ({ key, url }: Source): Effect.Effect<Source, Failed> => {
  const found = URL.parse(url)
  const isAddress = found !== null && /^https?:$/.test(found.protocol)
  if (!isAddress || `${found.username}${found.password}${found.search}` !== "") {
    return Effect.fail(new Failed(`--url must be the address of a gateway, such as ${usual}; keys go into PLUGLINE_API_KEY`))
  }
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(found.hostname)
  if (key !== undefined && found.protocol === "http:" && !isHere) {
    return Effect.fail(new Failed(`the key in PLUGLINE_API_KEY is not sent to ${found.host} unencrypted: use https`))
  }
  return Effect.succeed({ key, url: `${found.origin}${found.pathname.replace(/\/+$/, "")}` })
}

const refused = (url: string, status: number, text: string, keyed: boolean): Failed => {
  const said = messageOf(text)
  if (status === 401) {
    return new Failed(keyed
      ? `the gateway at ${url} does not take the key in PLUGLINE_API_KEY`
      : `the gateway at ${url} wants a key: set PLUGLINE_API_KEY to one that may inspect`)
  }
  return new Failed(said === undefined
    ? `the gateway at ${url} answered ${status}: is it one of Plugline with an inspector?`
    : Mask.text(said))
}

const messageOf = (text: string): string | undefined => {
  try {
    const { error } = Json.parse(text) as { readonly error?: { readonly message?: unknown } }
    return typeof error?.message === "string" ? error.message : undefined
  } catch {
    return undefined
  }
}

const wordsOf = (thrown: unknown): string => thrown instanceof Error ? thrown.message : String(thrown)
