// Runs everything a change must pass: types, lint and import walls, then all tests, examples and documentation examples.
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const scratch = mkdtempSync(join(tmpdir(), "plugline-test-"))
const report = join(scratch, "vitest.json")

const steps = [
  ["examples out of the documentation", ["node", "scripts/doc-examples.mjs"]],
  ["types, package by package", ["tsc", "-b"]],
  ["types of tests, examples and benchmarks", ["tsc", "-p", "tsconfig.test.json"]],
  ["types of the inspector's page", ["tsc", "-p", "packages/inspector/tsconfig.page.json"]],
  ["lint and import walls", ["oxlint", "--deny-warnings"]],
  ["tests", ["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...process.argv.slice(2)]]
]

let failed = false
for (const [title, [command, ...args]] of steps) {
  console.log(`\n── ${title}`)
  const started = performance.now()
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
    env: { ...process.env, PATH: `${join(root, "node_modules", ".bin")}${process.platform === "win32" ? ";" : ":"}${process.env.PATH}` }
  })
  console.log(`── ${status === 0 ? "done" : "FAILED"} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  if (status !== 0) {
    failed = true
    break
  }
}

try {
  const { numFailedTests, numPassedTests, numPendingTests } = JSON.parse(readFileSync(report, "utf8"))
  console.log(`\ntests: ${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`)
} catch {
  // The tests were not reached: the step that failed has said why.
}
rmSync(scratch, { recursive: true, force: true })
process.exit(failed ? 1 : 0)
