/**
 * Takes a file in as it arrives: no more than a piece of it is ever in memory, and no name in it is a path.
 *
 * @module
 */
import { Busboy } from "@fastify/busboy"
import { Clock, Effect } from "effect"
import { LlmError } from "plugline"
import type { Incoming } from "../server/Exchange.ts"
import { type FileEntry, type Files, newId } from "./Files.ts"
import { invalid, keepOf } from "./shapes.ts"

/** What is to be held to. */
export interface Bounds {
  /** Most bytes of the file. */
  readonly limit: number
  /** How long it is kept where the client does not say so, in ms. */
  readonly keep: number
}

/** So much of a file is written at a time. */
const piece = 1_048_576

/** A form without its file. */
interface Form {
  readonly fields: ReadonlyMap<string, string>
  readonly filename: string
}

/** Keeps the file of a form for an owner. What did not arrive whole, or may not be kept, leaves nothing behind. */
export const receive = (
  request: Incoming,
  files: Files,
  owner: string,
  { keep, limit }: Bounds
): Effect.Effect<FileEntry, LlmError> => {
  const id = newId("file-")
  const kept = Effect.gen(function*() {
    if (Number(request.headers["content-length"] ?? 0) > limit + 65_536) return yield* Effect.fail(tooLarge(limit))
    const now = yield* Clock.currentTimeMillis
    yield* files.begin(id, owner)
    let seq = 0
    const write = async (body: Buffer): Promise<void> => {
      if (!(await Effect.runPromise(files.append(id, owner, seq++, body)))) throw full()
    }
    const { fields, filename } = yield* Effect.tryPromise({
      try: (signal) => read(request, limit, write, signal),
      catch: (thrown) => thrown
    })
    const purpose = fields.get("purpose")
    if (purpose !== "batch") return yield* Effect.fail(invalid("purpose", "purpose must be batch: files are for batches here"))
    const chosen = yield* Effect.try({
      try: () => keepOf(fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]"), "expires_after"),
      catch: (thrown) => thrown
    })
    return yield* files.finish(id, { purpose, filename: labelOf(filename), expires: now + (chosen ?? keep) })
  })
  return kept.pipe(
    Effect.onExit((exit) => exit._tag === "Success" ? Effect.void : Effect.ignore(files.remove(id))),
    Effect.mapError((thrown) => LlmError.isLlmError(thrown) ? thrown : LlmError.fromUnknown(thrown))
  )
}

/** Reads a form; its file goes to `write`, in pieces. */
const read = (
  request: Incoming,
  limit: number,
  write: (body: Buffer) => Promise<void>,
  signal: AbortSignal
): Promise<Form> =>
  new Promise((resolve, reject) => {
    const type = request.headers["content-type"] ?? ""
    if (!/^multipart\/form-data\s*;/i.test(type)) return reject(invalid("file", "a file is sent as multipart/form-data"))
    const form = new Busboy({
      headers: { ...request.headers, "content-type": type },
      limits: { fields: 8, files: 1, parts: 9, fieldNameSize: 100, fieldSize: 1_000, fileSize: limit, headerPairs: 20, headerSize: 8_192 }
    })
    const fields = new Map<string, string>()
    let filename: string | undefined
    let arriving: Promise<void> | undefined
    const fail = (thrown: unknown): void => {
      request.unpipe(form)
      request.resume()
      reject(thrown)
    }
    const broken = (): void => fail(invalid("file", "the form is broken: it ends too early, or is no multipart/form-data"))
    form.on("file", (name, stream, given) => {
      if (name !== "file") {
        stream.resume()
        return fail(invalid(name.slice(0, 100), "the only file of the form is called file"))
      }
      filename = given
      arriving = pieces(stream, write).then(() => {
        if (stream.truncated) throw tooLarge(limit)
      })
      arriving.catch((thrown: unknown) => LlmError.isLlmError(thrown) ? fail(thrown) : broken())
    })
    form.on("field", (name, value) => fields.set(name, value))
    form.on("filesLimit", () => fail(invalid("file", "the form holds more than one file")))
    form.on("fieldsLimit", () => fail(invalid("file", "the form holds too many fields")))
    form.on("partsLimit", () => fail(invalid("file", "the form holds too many parts")))
    form.on("error", broken)
    form.on("finish", () => {
      if (arriving === undefined) return fail(invalid("file", "the form holds no file"))
      arriving.then(() => resolve({ fields, filename: filename ?? "" }), () => {})
    })
    request.once("close", () => {
      if (!request.complete) broken()
    })
    signal.addEventListener("abort", () => fail(invalid("file", "the upload was broken off")))
    request.pipe(form)
  })

const pieces = async (stream: AsyncIterable<Buffer>, write: (body: Buffer) => Promise<void>): Promise<void> => {
  let held: Array<Buffer> = []
  let size = 0
  for await (const bytes of stream) {
    held.push(bytes)
    size += bytes.length
    if (size < piece) continue
    const body = Buffer.concat(held)
    held = []
    size = 0
    await write(body)
  }
  if (size > 0) await write(Buffer.concat(held))
}

/** What a file is called: a label that is shown, of one line, without folders. */
const labelOf = (given: string): string => {
  const plain = given.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ").replace(/^.*[\\/]/, "").trim()
  return plain === "" ? "file" : plain.slice(0, 255).toWellFormed()
}

const tooLarge = (limit: number): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest", status: 413, parameter: "file", code: "file_too_large", message: `the file is larger than ${limit} bytes`
  })

const full = (): LlmError =>
  LlmError.make({
    _tag: "InvalidRequest",
    status: 413,
    parameter: "file",
    code: "storage_full",
    message: "there is no room for this file: delete others first"
  })
