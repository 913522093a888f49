// Installs what is missing: nothing when everything is there. Runs on Node 20 and npm alone.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const pnpm = "pnpm@12.21.0"
const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const stamp = join(root, "node_modules", ".plugline-setup")

/** Everything that decides what gets installed. */
const wanted = () => {
  const hash = createHash("sha256").update(process.platform).update(process.arch)
  const manifests = readdirSync(join(root, "packages")).map((name) => join("packages", name, "package.json"))
  for (const file of ["package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml", "examples/package.json", "bench/package.json", ...manifests]) {
    if (existsSync(join(root, file))) hash.update(file).update(readFileSync(join(root, file)))
  }
  return hash.digest("hex")
}

const installed = () =>
  existsSync(stamp) && readFileSync(stamp, "utf8") === wanted() && existsSync(join(root, "node_modules", ".bin", "node"))

if (!installed()) {
  console.error("Installing dependencies (once; takes half a minute) …")
  const npx = process.platform === "win32" ? "npx.cmd" : "npx"
  const { status, stdout, stderr, error } = spawnSync(npx, ["-y", pnpm, "install", "--frozen-lockfile", "--reporter=append-only"], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
    env: { ...process.env, CI: "true" }
  })
  if (status !== 0) {
    console.error(stdout, stderr, error ?? "")
    console.error("The installation failed; what it said is above.")
    process.exit(1)
  }
  writeFileSync(stamp, wanted())
  console.error("Installed.")
}

// By the Node that the project brings: the machine's own may be too old for what builds.
const shell = process.platform === "win32"
const node = join(root, "node_modules", ".bin", shell ? "node.cmd" : "node")
const built = spawnSync(node, [join(root, "scripts", "build.mjs")], { cwd: root, stdio: ["ignore", "inherit", "inherit"], shell })
if (built.status !== 0) process.exit(built.status ?? 1)
