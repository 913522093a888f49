// Builds what starts faster, or only, when it is built: the gateway as a few large files in place of some thousand small ones, and
// the inspector's page. Does nothing where nothing has changed since. `--check` says whether that is so.
import { createHash } from "node:crypto"
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

// Whoever asks for it, a test too, gets what users get.
process.env.NODE_ENV = "production"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const at = (...path) => join(root, ...path)

/** Where each is built, and the files it is built from. */
const builds = {
  gateway: {
    out: at("packages", "gateway", "bundle"),
    from: ["core", "catalog", "plugs", "providers", "plugline", "replay", "inspector", "gateway"].map((name) => at("packages", name, "src"))
  },
  inspector: {
    out: at("packages", "inspector", "page"),
    from: [at("packages", "inspector", "src"), at("packages", "inspector", "vite.config.ts"), at("packages", "core", "src")]
  }
}

/** Changes whenever a file that is built from does. */
const stateOf = ({ from }) => {
  const hash = createHash("sha256").update(readFileSync(at("pnpm-lock.yaml"))).update(readFileSync(fileURLToPath(import.meta.url)))
  const visit = (path) => {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return
    if (!stat.isDirectory()) return void hash.update(`${path}\n${stat.mtimeMs}\n${stat.size}\n`)
    for (const name of readdirSync(path).sort()) visit(join(path, name))
  }
  for (const path of from) visit(path)
  return hash.digest("hex")
}

const stampOf = ({ out }) => join(out, ".state")
const isBuilt = (build) => existsSync(stampOf(build)) && readFileSync(stampOf(build), "utf8") === stateOf(build)

const make = {
  inspector: async ({ build }) => {
    await build({ root: at("packages", "inspector"), logLevel: "error" })
    // Beside the gateway too: what is built of it can be copied anywhere as it is.
    rmSync(join(builds.gateway.out, "page"), { recursive: true, force: true })
    cpSync(builds.inspector.out, join(builds.gateway.out, "page"), { recursive: true })
  },
  gateway: async ({ build }, out) => {
    await build({
      root: at("packages", "gateway"),
      configFile: false,
      logLevel: "error",
      ssr: { noExternal: true, target: "node" },
      build: {
        ssr: true,
        outDir: out,
        // A gateway that runs may still ask for a file of the last build.
        emptyOutDir: false,
        minify: false,
        target: "node22",
        rollupOptions: {
          input: { program: at("packages", "gateway", "src", "cli", "program.ts") },
          output: { entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" }
        }
      }
    })
    for (const name of readdirSync(out)) if (name !== "page" && Date.now() - statSync(join(out, name)).mtimeMs > week) rmSync(join(out, name))
    copyFileSync(at("packages", "gateway", "src", "cli", "bundled.mjs"), join(out, "plugline.mjs"))
  }
}

const week = 7 * 86_400_000

const stale = Object.entries(builds).filter(([, build]) => !isBuilt(build))
if (process.argv.includes("--check")) process.exit(stale.length === 0 ? 0 : 1)
if (stale.length > 0) {
  const vite = await import("vite")
  for (const [name, one] of stale) {
    const state = stateOf(one)
    const from = performance.now()
    await make[name](vite, one.out)
    mkdirSync(one.out, { recursive: true })
    writeFileSync(stampOf(one), state)
    console.error(`Built the ${name} in ${((performance.now() - from) / 1_000).toFixed(1)} s.`)
  }
}
