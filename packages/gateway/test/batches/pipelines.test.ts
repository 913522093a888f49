/** Lines of batches go through the pipelines, limits and permissions of their owner, as they are when a line is asked. */
import { readFileSync, writeFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { dirname, join } from "node:path"
import { afterEach, expect, it } from "vitest"
import { postgresUrl, redisUrl } from "../../../plugs/test/stores/servers.ts"
import { begin, contentOf, echo, keys, lineOf, refuse, type Stage, stage, until } from "./support.ts"

let at: Stage | undefined
afterEach(async () => {
  await at?.close()
  at = undefined
})

const lines = (count: number, text = (index: number) => `text ${index}`) =>
  Array.from({ length: count }, (_, index) => lineOf(`${index}`, text(index)))

it("waits for a limit of calls by the minute instead of failing at it", async () => {
  at = await stage("limits: [{ per: tenant, requestsPerMinute: { rate: 600, burst: 2 } }]")
  const client = at.client()
  const ended = await until(client, (await begin(client, lines(12))).id)
  expect(ended.request_counts).toEqual({ total: 12, completed: 12, failed: 0 })
  expect(at.service.asked).toHaveLength(12)
})

it("ends at a budget, and tells so of each line that is beyond it", async () => {
  at = await stage("budgets: [{ per: tenant, amount: 0, every: day }]\naccounting: { unpriced: refuse }")
  const client = at.client()
  const ended = await until(client, (await begin(client, lines(3))).id)
  expect(ended.request_counts).toEqual({ total: 3, completed: 0, failed: 3 })
  expect(ended.output_file_id).toBeNull()
  expect((await contentOf(client, ended.error_file_id!)).every(({ response }) => response.status_code >= 400)).toBe(true)
  expect(at.service.asked).toEqual([])
})

it("answers equal lines from the cache of their tenant", async () => {
  at = await stage("batches: { concurrency: 1 }", "pipelines: { default: [cache] }")
  const [ada, eve] = [at.client(), at.client(keys.eve)]
  for (const client of [ada, eve]) {
    const ended = await until(client, (await begin(client, lines(5, () => "same"))).id)
    expect(ended.request_counts!.completed).toBe(5)
  }
  expect(at.service.asked).toHaveLength(2)
})

it("tries a line again that failed for a moment, and gives up one that goes on failing", async () => {
  at = await stage()
  let count = 0
  at.service.answer = (question) =>
    question.text === "never" ? refuse(500, "broken")(question) : count++ === 0 ? refuse(503, "busy")(question) : echo(question)
  const client = at.client()
  const ended = await until(client, (await begin(client, [lineOf("later", "later"), lineOf("never", "never")])).id)
  expect(ended.request_counts).toEqual({ total: 2, completed: 1, failed: 1 })
  expect((await contentOf(client, ended.error_file_id!))[0]!.response.status_code).toBe(500)
  expect(at.service.asked.filter(({ text }) => text === "never")).toHaveLength(3)
})

it("does not ask again what was answered while the store of batches was away", async () => {
  at = await stage("stores: { kind: sqlite }")
  const client = at.client()
  const held: Array<() => void> = []
  at.service.answer = (question) => void held.push(() => echo(question))
  const { id } = await begin(client, lines(4))
  while (held.length < 4) await new Promise((resolve) => setTimeout(resolve, 20))
  const database = new DatabaseSync(join(dirname(at.path), "plugline.db"))
  database.exec("CREATE TRIGGER away BEFORE UPDATE ON plugline_batch_lines BEGIN SELECT RAISE(ABORT, 'away'); END")
  held.forEach((go) => go())
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  expect((await client.batches.retrieve(id)).request_counts!.completed).toBe(0)
  database.exec("DROP TRIGGER away")
  database.close()
  expect((await until(client, id)).request_counts).toEqual({ total: 4, completed: 4, failed: 0 })
  expect(at.service.asked).toHaveLength(4)
}, 60_000)

it("asks nothing more for a key that is gone", async () => {
  at = await stage("stores: { kind: sqlite }")
  const held: Array<() => void> = []
  at.service.answer = (question) => void held.push(() => echo(question))
  const { id } = await begin(at.client(), lines(20))
  while (held.length < 8) await new Promise((resolve) => setTimeout(resolve, 20))
  writeFileSync(at.path, readFileSync(at.path, "utf8").replace(/.*name: ada.*\n/, ""))
  const restarted = at.restart()
  held.forEach((go) => go())
  await restarted
  const asked = at.service.asked.length
  const bob = at.client(keys.bob)
  const ended = await until(bob, id)
  expect(ended.request_counts!.failed).toBeGreaterThanOrEqual(12)
  expect((await contentOf(bob, ended.error_file_id!))[0]!.response.status_code).toBe(401)
  expect(at.service.asked).toHaveLength(asked)
}, 60_000)

it("ends a batch whose time is over with what it has, and a file whose time is over is gone", async () => {
  at = await stage("stores: { kind: sqlite }")
  const client = at.client()
  at.service.answer = (question) => question.text === "text 0" ? echo(question) : undefined
  const { id, input_file_id } = await begin(client, lines(3))
  await until(client, id, ({ request_counts: counts }) => counts!.completed === 1)
  const database = new DatabaseSync(join(dirname(at.path), "plugline.db"))
  database.prepare("UPDATE plugline_batches SET expires = 1000 WHERE id = ?").run(id)
  database.prepare("UPDATE plugline_files SET expires = 1000 WHERE id = ?").run(input_file_id)
  database.close()
  await at.restart()
  const again = at.client()
  const ended = await until(again, id)
  expect(ended).toMatchObject({ status: "expired", request_counts: { total: 3, completed: 1, failed: 0 } })
  expect(await contentOf(again, ended.output_file_id!)).toHaveLength(1)
  expect((await contentOf(again, ended.error_file_id!)).map(({ error }) => error.code)).toEqual(["batch_expired", "batch_expired"])
  await expect(again.files.retrieve(input_file_id)).rejects.toMatchObject({ status: 404 })
})

it("asks embeddings and responses too", async () => {
  at = await stage()
  at.service.answer = ({ body, path, response }) => {
    response.writeHead(200, { "content-type": "application/json" })
    response.end(JSON.stringify(path.endsWith("/embeddings")
      ? { object: "list", model: body.model, data: [{ object: "embedding", index: 0, embedding: [1, 2] }], usage: { prompt_tokens: 1, total_tokens: 1 } }
      : {
        id: "resp_1", object: "response", status: "completed", model: body.model, created_at: 1,
        output: [{ type: "message", id: "msg_1", role: "assistant", status: "completed", content: [{ type: "output_text", text: "Fine", annotations: [] }] }],
        usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 }
      }))
  }
  const client = at.client()
  const ask = async (endpoint: "/v1/embeddings" | "/v1/responses") => {
    const line = JSON.stringify({ custom_id: "a", method: "POST", url: endpoint, body: { model: "openai/x", input: "Hi" } })
    const { toFile } = await import("openai")
    const file = await client.files.create({ file: await toFile(Buffer.from(line), "x"), purpose: "batch" })
    const { id } = await client.batches.create({ input_file_id: file.id, endpoint, completion_window: "24h" })
    return (await contentOf(client, (await until(client, id)).output_file_id!))[0]!.response.body
  }
  expect((await ask("/v1/embeddings")).data[0].embedding).toEqual([1, 2])
  expect((await ask("/v1/responses")).output[0].content[0].text).toBe("Fine")
})

it.skipIf(postgresUrl === undefined)("keeps files and batches in PostgreSQL", async () => {
  at = await stage(`stores: { kind: postgres, url: "${postgresUrl}" }`)
  const client = at.client()
  const { id } = await begin(client, lines(30))
  const ended = await until(client, id)
  expect(ended).toMatchObject({ status: "completed", request_counts: { total: 30, completed: 30, failed: 0 } })
  expect(await contentOf(client, ended.output_file_id!)).toHaveLength(30)
  at.service.answer = () => {}
  const other = await begin(client, lines(3))
  await client.batches.cancel(other.id)
  expect((await until(client, other.id)).status).toBe("cancelled")
  for await (const file of client.files.list()) await client.files.delete(file.id)
}, 60_000)

it.skipIf(redisUrl === undefined)("keeps them in a file beside the configuration where the stores are in Redis", async () => {
  at = await stage(`stores: { kind: redis, url: "${redisUrl}", prefix: "plugline-batches-test" }`)
  const { id } = await begin(at.client(), lines(5))
  expect((await until(at.client(), id)).request_counts).toEqual({ total: 5, completed: 5, failed: 0 })
  await at.restart()
  expect((await at.client().batches.retrieve(id)).status).toBe("completed")
})
