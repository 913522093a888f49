/**
 * The built page: built anew where a source is younger than it, once for all test files that run at the same time.
 *
 * @module
 */
import { execFile } from "node:child_process"
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { gzipSync } from "node:zlib"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** The folder with the built page. */
export const folder = join(root, "page")

const lock = join(root, "node_modules", ".page-lock")

const age = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.mtimeMs ?? 0

const youngest = async (path: string): Promise<number> => {
  const entries = await readdir(path, { withFileTypes: true })
  const ages = await Promise.all(
    entries.map((entry) => (entry.isDirectory() ? youngest(join(path, entry.name)) : age(join(path, entry.name))))
  )
  return Math.max(0, ...ages)
}

const isStale = async (): Promise<boolean> => {
  const sources = Math.max(await youngest(join(root, "src")), await age(join(root, "vite.config.ts")))
  return sources > (await age(join(folder, "index.html")))
}

/** In a process of its own: what a test runner sets up for itself would find its way into the page. */
const build = async (): Promise<void> => {
  const program = fileURLToPath(new URL("bin/vite.js", import.meta.resolve("vite/package.json")))
  await promisify(execFile)(process.execPath, [program, "build", root], { env: { ...process.env, NODE_ENV: "production" } })
}

/** Makes sure that what is tested is what is written. */
export const built = async (): Promise<void> => {
  for (let tries = 0; await isStale(); tries++) {
    // Who makes the folder builds; the others wait for it. One that was left behind by a test that was killed does not count.
    const mine = await mkdir(lock).then(
      () => true,
      () => false
    )
    if (mine) {
      try {
        if (await isStale()) await build()
      } finally {
        await rm(lock, { recursive: true, force: true })
      }
    } else {
      if (Date.now() - (await age(lock)) > 60_000) await rm(lock, { recursive: true, force: true })
      await sleep(100)
      if (tries > 900) throw new Error("the page was not built in time")
    }
  }
}

interface Chunk {
  readonly file: string
  readonly isEntry?: boolean
  readonly imports?: ReadonlyArray<string>
  readonly dynamicImports?: ReadonlyArray<string>
  readonly css?: ReadonlyArray<string>
}

/** What is loaded before anything is shown, and what is loaded later, in bytes as they go over a wire. */
export const sizes = async (): Promise<{
  readonly first: number
  readonly styles: number
  readonly all: ReadonlyMap<string, number>
  readonly initial: ReadonlySet<string>
}> => {
  const manifest = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")) as { readonly [name: string]: Chunk }
  const size = async (file: string): Promise<number> => gzipSync(await readFile(join(folder, file))).length
  const initial = new Set<string>()
  const styles = new Set<string>()
  const visit = (chunk: Chunk): void => {
    if (initial.has(chunk.file)) return
    initial.add(chunk.file)
    for (const style of chunk.css ?? []) styles.add(style)
    for (const name of chunk.imports ?? []) visit(manifest[name]!)
  }
  for (const chunk of Object.values(manifest)) if (chunk.isEntry === true) visit(chunk)
  const scripts = [...new Set(Object.values(manifest).map(({ file }) => file))].filter((file) => file.endsWith(".js"))
  const all = new Map(await Promise.all(scripts.map(async (file) => [file, await size(file)] as const)))
  const sum = async (files: Iterable<string>): Promise<number> =>
    (await Promise.all([...files].map(size))).reduce((total, each) => total + each, 0)
  return { first: await sum([...initial].filter((file) => file.endsWith(".js"))), styles: await sum(styles), all, initial }
}
