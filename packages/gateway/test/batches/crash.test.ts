/** A gateway that is killed in the middle of a batch, twice: the next one goes on, and every line stands in the results once. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { begin, clientOf, contentOf, echo, keys, lineOf, service, until, yamlOf } from "./support.ts"

const upstream = await service()
const folder = mkdtempSync(join(tmpdir(), "plugline-crash-"))
const path = join(folder, "gateway.yaml")
writeFileSync(path, yamlOf(upstream.url, "stores: { kind: sqlite }"))
let child: ChildProcess | undefined
afterAll(async () => {
  child?.kill("SIGKILL")
  await upstream.close()
  rmSync(folder, { recursive: true, force: true })
})

const main = join(import.meta.dirname, "../../src/cli/main.ts")

/** Starts a gateway as a process of its own, and tells where it listens. */
const serve = (): Promise<string> =>
  new Promise((resolve, reject) => {
    child = spawn(process.execPath, [main, "serve", "--config", path, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"], env: { PATH: process.env.PATH } })
    let said = ""
    child.stdout!.on("data", (bytes: Buffer) => {
      said += bytes.toString("utf8").replace(/\u001b\[\d+m/g, "")
      const address = /listens on (\S+)/.exec(said)?.[1]
      if (address !== undefined) resolve(address)
    })
    child.once("exit", () => reject(new Error(said)))
  })

const kill = async (): Promise<void> => {
  const gone = new Promise((resolve) => child!.once("exit", resolve))
  child!.kill("SIGKILL")
  await gone
}

it("loses no line and writes none twice", async () => {
  upstream.answer = (question) => void setTimeout(() => echo(question), 40)
  const total = 150
  let client = clientOf(await serve(), keys.ada)
  const { id } = await begin(client, Array.from({ length: total }, (_, index) => lineOf(`${index}`, `text ${index}`)))
  for (const done of [20, 70]) {
    await until(client, id, ({ request_counts: counts }) => counts!.completed >= done)
    await kill()
    client = clientOf(await serve(), keys.ada)
  }
  const ended = await until(client, id)
  expect(ended).toMatchObject({ status: "completed", request_counts: { total, completed: total, failed: 0 }, error_file_id: null })
  const output = await contentOf(client, ended.output_file_id!)
  expect(output.map(({ custom_id }) => custom_id)).toEqual(Array.from({ length: total }, (_, index) => `${index}`))
  expect(output.map(({ response }) => response.body.choices[0].message.content)).toEqual(
    Array.from({ length: total }, (_, index) => `you said text ${index}`)
  )
  // What was under way when it was killed is asked again, and nothing else.
  expect(upstream.asked.length).toBeGreaterThan(total)
  expect(upstream.asked.length).toBeLessThanOrEqual(total + 2 * 8)
}, 120_000)
