/**
 * The files of the inspector's page, read from its folder: those that are in it when it is looked through, and no others, whatever
 * a path says. Links are no files.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { lstat, readdir, readFile } from "node:fs/promises"
import { extname, join } from "node:path"
import { promisify } from "node:util"
import { brotliCompress, constants } from "node:zlib"

/** A file of the page. */
export interface PageFile {
  readonly type: string
  readonly body: Buffer
  /** Packed, as it lies beside it or as it was packed here; absent where that is not worth it. */
  readonly br?: Buffer
  readonly gzip?: Buffer
  /** As it stands in `ETag`. */
  readonly tag: string
}

/** Files by their path below the folder: `index.html`, `assets/index-abc.js`. */
export type Files = ReadonlyMap<string, PageFile>

/** The files of a folder. */
export interface Folder {
  /** What is in it now; `undefined` where there is no page. Looked through again when it was built again. */
  readonly read: () => Promise<Files | undefined>
}

const types: { readonly [extension: string]: string } = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8"
}

/** Most bytes of a page, all files together. */
const largest = 64 * 1024 * 1024

/** A folder that a page was built into. */
export const at = (path: string): Folder => {
  let built: number | undefined
  let files: Promise<Files> | undefined
  return {
    read: async () => {
      const index = await lstat(join(path, "index.html")).catch(() => undefined)
      if (index?.isFile() !== true) return undefined
      if (files === undefined || built !== index.mtimeMs) {
        built = index.mtimeMs
        files = all(path)
        files.catch(() => {
          files = undefined
        })
      }
      return files
    }
  }
}

const compress = promisify(brotliCompress)
const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }
const texts = /^text\/|json|svg/

const all = async (path: string): Promise<Files> => {
  const found = new Map<string, Buffer>()
  let size = 0
  const look = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(path, below), { withFileTypes: true })) {
      const name = below === "" ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) await look(name)
      else if (entry.isFile()) {
        const body = await readFile(join(path, name))
        size += body.length
        if (size > largest) throw new Error(`the page in ${path} is larger than ${largest} bytes`)
        found.set(name, body)
      }
    }
  }
  await look("")
  const files = new Map<string, PageFile>()
  for (const [name, body] of found) {
    const type = types[extname(name)]
    if (type === undefined) continue
    const gzip = found.get(`${name}.gz`)
    const br = found.get(`${name}.br`) ?? (texts.test(type) && body.length > 1_024 ? await compress(body, quick) : undefined)
    const tag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`
    files.set(name, { type, body, tag, ...(br !== undefined && { br }), ...(gzip !== undefined && { gzip }) })
  }
  return files
}
