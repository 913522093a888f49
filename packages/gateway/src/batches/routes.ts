/**
 * The routes of files and batches. Each sees what its caller owns and nothing else; what is another's is not there.
 *
 * @module
 */
import { Clock, Effect, type Exit, Stream } from "effect"
import { type JsonObject, LlmError } from "plugline"
import { allows, type Principal } from "../auth/Principal.ts"
import { openai } from "../dialects/openai/index.ts"
import { failureOf } from "../server/call.ts"
import type { Asked, Route } from "../server/Server.ts"
import type { Batches } from "./Batches.ts"
import { type FileEntry, newId } from "./Files.ts"
import { endpoints } from "./lines.ts"
import type { Batch, Counts } from "./Register.ts"
import { batchOf, fileOf, invalid, keepOf, listOf, metadataOf, missing, pageOf } from "./shapes.ts"
import { receive } from "./upload.ts"

/** How long a batch may take, in ms. */
const day = 86_400_000

/** All of them, over what is answered with: `LlmError` where batches cannot be kept here. */
export const batchRoutes = (kept: Batches | LlmError): ReadonlyArray<Route> => {
  const route = (
    method: Route["method"],
    path: string,
    answer: (ask: Asked, batches: Batches) => Effect.Effect<JsonObject | void, unknown>,
    body?: "json"
  ): Route => ({
    method,
    path,
    permission: "batches",
    dialect: openai,
    ...(body !== undefined && { body }),
    handle: (ask) => {
      if (LlmError.isLlmError(kept)) return ask.exchange.fail(kept)
      const { exchange } = ask
      exchange.onLeave = ask.current.run(Effect.suspend(() => answer(ask, kept)), {
        onExit: (exit) => {
          exchange.onLeave = undefined
          settle(ask, exit)
        }
      })
    }
  })
  return [
    route("POST", "/v1/files", ({ exchange, principal }, { files, settings: { fileLimit, keep } }) =>
      Effect.map(receive(exchange.request, files, ownerOf(principal), { limit: fileLimit, keep }), fileOf)),
    route("GET", "/v1/files", ({ exchange, principal }, { files }) => {
      const { purpose, ...page } = pageOf(exchange.query, 10_000, 10_000)
      const found = files.list(ownerOf(principal), { ...page, limit: page.limit + 1 }, purpose)
      return Effect.map(found, (files) => listOf(files.map(fileOf), page.limit))
    }),
    route("GET", "/v1/files/{id}", (ask, batches) => Effect.map(fileFor(ask, batches), fileOf)),
    route("DELETE", "/v1/files/{id}", (ask, batches) =>
      Effect.flatMap(fileFor(ask, batches), ({ id }) => Effect.as(batches.files.remove(id), { id, object: "file", deleted: true }))),
    route("GET", "/v1/files/{id}/content", (ask, batches) =>
      Effect.flatMap(fileFor(ask, batches), (file) => send(ask, batches, file))),
    route("POST", "/v1/batches", create, "json"),
    route("GET", "/v1/batches", ({ exchange, principal }, { register }) => {
      const page = pageOf(exchange.query, 100, 20)
      return Effect.gen(function*() {
        const found = yield* register.list(ownerOf(principal), { ...page, limit: page.limit + 1 })
        return listOf(yield* Effect.forEach(found, (batch) => shown(batch, register)), page.limit)
      })
    }),
    route("GET", "/v1/batches/{id}", (ask, batches) =>
      Effect.flatMap(batchFor(ask, batches), (batch) => shown(batch, batches.register))),
    route("POST", "/v1/batches/{id}/cancel", cancel)
  ]
}

/** Whose files and batches these are: the tenant's; where there is none, those of the key or the user alone. */
export const ownerOf = ({ id, identity: { key, tenant, user } }: Principal): string =>
  JSON.stringify(tenant !== undefined ? { tenant } : key !== undefined ? { key } : user !== undefined ? { user } : { id })

const settle = ({ exchange }: Asked, exit: Exit.Exit<JsonObject | void, unknown>): void => {
  if (exit._tag === "Success") return exit.value === undefined ? undefined : exchange.json(exit.value)
  const error = failureOf(exit.cause as never)
  // What was begun cannot be answered with an error: it is broken off.
  if (exchange.status !== 0) return void exchange.response.destroy()
  exchange.fail(error.reason._tag === "Plug" ? unreachable(error) : error)
}

const unreachable = (cause: LlmError): LlmError =>
  LlmError.make({ _tag: "Overloaded", status: 503, retryAfter: 1_000, message: "the store of files and batches does not answer" }, { cause })

// --- files -----------------------------------------------------------------------------------------------------------

const fileFor = ({ exchange, principal }: Asked, { files }: Batches) =>
  found("file", files.find(exchange.parameter ?? "", ownerOf(principal)))

const found = <A, E>(what: "file" | "batch", looked: Effect.Effect<A | undefined, E>): Effect.Effect<A, E | LlmError> =>
  Effect.flatMap(looked, (one) => one === undefined ? Effect.fail(missing(what)) : Effect.succeed(one))

/** Sends what is in a file, as fast as the client reads. */
const send = ({ exchange }: Asked, { files }: Batches, { bytes, id }: FileEntry): Effect.Effect<void, unknown> => {
  const { headers, response } = exchange
  headers["content-length"] = String(bytes)
  headers["content-disposition"] = "attachment"
  headers["x-content-type-options"] = "nosniff"
  exchange.begin("application/octet-stream")
  const drained = Effect.callback<void>((resume) => {
    response.once("drain", () => resume(Effect.void))
  })
  return Effect.andThen(
    Stream.runForEach(files.read(id), (piece) => Effect.suspend(() => response.write(piece) ? Effect.void : drained)),
    Effect.sync(() => void response.end())
  )
}

// --- batches ---------------------------------------------------------------------------------------------------------

const none: Counts = { total: 0, completed: 0, failed: 0 }

const shown = (batch: Batch, register: Batches["register"]) =>
  batch.facts.counts !== undefined
    ? Effect.succeed(batchOf(batch, batch.facts.counts))
    : batch.status === "validating"
    ? Effect.succeed(batchOf(batch, none))
    : Effect.map(register.counts(batch.id), (counts) => batchOf(batch, counts))

const batchFor = ({ exchange, principal }: Asked, { register }: Batches) =>
  found("batch", register.find(exchange.parameter ?? "", ownerOf(principal)))

const create = ({ body, current, principal }: Asked, { driver, files, register, settings }: Batches) =>
  Effect.gen(function*() {
    const { completion_window, endpoint, input_file_id: input, metadata, output_expires_after: asked } = body
    if (typeof endpoint !== "string" || !Object.hasOwn(endpoints, endpoint)) {
      return yield* Effect.fail(invalid("endpoint", `endpoint must be one of ${Object.keys(endpoints).join(", ")}`))
    }
    if (completion_window !== "24h") return yield* Effect.fail(invalid("completion_window", "completion_window must be 24h"))
    if (typeof input !== "string") return yield* Effect.fail(invalid("input_file_id", "input_file_id must be the id of a file"))
    const { permission } = endpoints[endpoint]!
    const forbidden = allows(principal, { permission, route: endpoint })
    if (forbidden !== undefined) return yield* Effect.fail(forbidden)
    const pass = current.auth.pass(principal)
    if (LlmError.isLlmError(pass)) return yield* Effect.fail(pass)
    const owner = ownerOf(principal)
    const file = yield* found("file", files.find(input, owner))
    if (file.purpose !== "batch") return yield* Effect.fail(invalid("input_file_id", "the purpose of the file must be batch"))
    const { anchor, seconds } = Object(asked ?? {}) as JsonObject
    const now = yield* Clock.currentTimeMillis
    const batch: Batch = {
      id: newId("batch_"),
      owner,
      status: "validating",
      created: now,
      expires: now + day,
      facts: {
        endpoint,
        input,
        metadata: metadataOf(metadata),
        pass,
        files: { output: newId("file-"), errors: newId("file-") },
        keep: keepOf(anchor, seconds, "output_expires_after") ?? settings.keep,
        at: {}
      }
    }
    if (!(yield* register.add(batch, settings.open))) {
      return yield* Effect.fail(LlmError.make({
        _tag: "RateLimit",
        status: 429,
        retryAfter: 60_000,
        message: `there are ${settings.open} open batches already: let one end first`
      }))
    }
    driver.look()
    return batchOf(batch, none)
  })

const cancel = (ask: Asked, batches: Batches): Effect.Effect<JsonObject, unknown> =>
  Effect.gen(function*() {
    const { driver, register } = batches
    const batch = yield* batchFor(ask, batches)
    if (batch.status === "cancelling" || batch.status === "cancelled") return yield* shown(batch, register)
    const moved = batch.status === "validating" || batch.status === "in_progress"
      ? yield* register.move(batch, "cancelling")
      : undefined
    if (moved !== undefined) {
      driver.look()
      return yield* shown(moved, register)
    }
    const now = yield* batchFor(ask, batches)
    if (now.status === "in_progress") return yield* cancel(ask, batches)
    return yield* Effect.fail(LlmError.make({
      _tag: "InvalidRequest",
      status: 409,
      parameter: "id",
      code: "batch_ended",
      message: `the batch is ${now.status}, and cannot be called off any more`
    }))
  })
