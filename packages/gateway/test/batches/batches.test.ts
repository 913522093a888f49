/** Files and batches with OpenAI's own client, against a gateway that listens and a service that answers. */
import OpenAI, { toFile } from "openai"
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest"
import { after, begin, contentOf, echo, keys, lineOf, refuse, type Stage, stage, until, upload } from "./support.ts"

let at: Stage
beforeAll(async () => {
  at = await stage("stores: { kind: sqlite }\nbatches: { fileLimit: 3mb, storage: 8mb, lines: 500, open: 3 }")
})
afterAll(() => at.close())
beforeEach(() => {
  at.service.answer = echo
  at.service.asked.length = 0
})

const refused = async (asked: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> => {
  try {
    await asked
  } catch (thrown) {
    if (thrown instanceof OpenAI.APIError) return thrown
    throw thrown
  }
  throw new Error("it was answered")
}

it("keeps a file, lists it, gives it back to the letter and deletes it", async () => {
  const client = at.client()
  const text = `${lineOf("a", "Grüße 🦀")}\n`
  const file = await client.files.create({ file: await toFile(Buffer.from(text), "../../etc/passwd\u2028.jsonl"), purpose: "batch" })
  expect(file).toMatchObject({ object: "file", purpose: "batch", bytes: Buffer.byteLength(text), filename: "passwd .jsonl", status: "processed" })
  expect(file.id).toMatch(/^file-[0-9a-f]{32}$/)
  expect(file.expires_at! - file.created_at).toBe(14 * 86_400)
  expect(await client.files.retrieve(file.id)).toEqual(file)
  expect(await (await client.files.content(file.id)).text()).toBe(text)
  expect((await client.files.list()).data.map(({ id }) => id)).toContain(file.id)
  expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: "file", deleted: true })
  expect((await refused(client.files.retrieve(file.id))).status).toBe(404)
  expect((await client.files.list()).data.map(({ id }) => id)).not.toContain(file.id)
})

it("pages through files in both orders", async () => {
  const client = at.client(keys.ida)
  const made = []
  for (const name of ["a", "b", "c", "d", "e"]) {
    made.push((await upload(client, [lineOf(name, name)])).id)
    await after(2)
  }
  const ids = []
  for await (const file of client.files.list({ limit: 2, order: "asc" })) ids.push(file.id)
  expect(ids).toEqual(made)
  const back = []
  for await (const file of client.files.list({ limit: 2 })) back.push(file.id)
  expect(back).toEqual(made.toReversed())
  expect((await client.files.list({ purpose: "batch_output" })).data).toEqual([])
  for (const id of made) await client.files.delete(id)
})

it("keeps a file for as long as its owner says", async () => {
  const file = await at.client().files.create({
    file: await toFile(Buffer.from("x"), "x"), purpose: "batch", expires_after: { anchor: "created_at", seconds: 3_600 }
  })
  expect(file.expires_at! - file.created_at).toBe(3_600)
  const wrong = at.client().files.create({
    file: await toFile(Buffer.from("x"), "x"), purpose: "batch", expires_after: { anchor: "created_at", seconds: 5 }
  })
  expect((await refused(wrong)).status).toBe(400)
})

it("refuses what is no upload, too large, or for something else, and keeps nothing of it", async () => {
  const client = at.client(keys.eve)
  const big = Buffer.alloc(3 * 1024 * 1024 + 1, 97)
  const tooBig = await refused(client.files.create({ file: await toFile(big, "big"), purpose: "batch" }))
  expect([tooBig.status, tooBig.code]).toEqual([413, "file_too_large"])
  const other = await refused(client.files.create({ file: await toFile(Buffer.from("x"), "x"), purpose: "fine-tune" }))
  expect([other.status, other.param]).toEqual([400, "purpose"])
  const post = (type: string, body: string) =>
    fetch(`${at.address}/v1/files`, { method: "POST", headers: { authorization: `Bearer ${keys.eve}`, "content-type": type }, body })
  const form = (...parts: ReadonlyArray<string>) => post("multipart/form-data; boundary=b", parts.map((part) => `--b\r\n${part}\r\n`).join("") + "--b--\r\n")
  const file = "content-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx"
  const purpose = "content-disposition: form-data; name=\"purpose\"\r\n\r\nbatch"
  expect((await form(purpose, file)).status).toBe(200)
  expect((await post("application/json", "{}")).status).toBe(400)
  expect((await post("multipart/form-data", "x")).status).toBe(400)
  expect((await post("multipart/form-data; boundary=b", `--b\r\n${file}`)).status).toBe(400)
  expect((await form(purpose)).status).toBe(400)
  expect((await form(file)).status).toBe(400)
  expect((await form(file, file, purpose)).status).toBe(400)
  expect((await form(purpose, file.replace("\"file\"", "\"other\""))).status).toBe(400)
  expect((await client.files.list()).data).toHaveLength(1)
})

it("holds a tenant to its room, also where uploads come side by side", async () => {
  const client = at.client(keys.eve)
  const body = Buffer.alloc(2_900_000, 97)
  const file = await toFile(body, "x")
  const sent = await Promise.allSettled(Array.from({ length: 5 }, () => client.files.create({ file, purpose: "batch" })))
  const full = sent.filter(({ status }) => status === "rejected") as Array<PromiseRejectedResult>
  expect(full.length).toBeGreaterThan(0)
  for (const { reason } of full) expect([reason.status, reason.code]).toEqual([413, "storage_full"])
  const { data } = await client.files.list()
  expect(data.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(8 * 1024 * 1024)
  for (const { id } of data) await client.files.delete(id)
  expect((await client.files.create({ file, purpose: "batch" })).bytes).toBe(body.length)
})

it("asks every line once and writes answers and errors apart", async () => {
  const client = at.client()
  at.service.answer = (question) => question.text === "bad" ? refuse(400, "no such thing")(question) : echo(question)
  const lines = [
    ...Array.from({ length: 40 }, (_, index) => lineOf(`line ${index}`, `text ${index}`)),
    lineOf("bad", "bad"),
    lineOf("streamed", "x", { stream: true }),
    lineOf("unknown", "x", { model: "nobody/nothing", messages: 7 })
  ]
  const file = await upload(client, lines)
  const begun = await client.batches.create({
    input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h", metadata: { job: "seven" }
  })
  expect(begun).toMatchObject({ object: "batch", status: "validating", input_file_id: file.id, metadata: { job: "seven" }, errors: null })
  const ended = await until(client, begun.id)
  expect(ended).toMatchObject({ status: "completed", request_counts: { total: 43, completed: 40, failed: 3 } })
  expect(ended.completed_at).toBeGreaterThanOrEqual(ended.in_progress_at!)
  expect(ended.expires_at! - ended.created_at).toBe(86_400)
  const output = await contentOf(client, ended.output_file_id!)
  expect(output.map(({ custom_id }) => custom_id)).toEqual(Array.from({ length: 40 }, (_, index) => `line ${index}`))
  for (const [index, { error, id, response }] of output.entries()) {
    expect(id).toMatch(/^batch_req_/)
    expect(error).toBeNull()
    expect(response.status_code).toBe(200)
    expect(response.body.choices[0].message.content).toBe(`you said text ${index}`)
    expect(response.body.usage.total_tokens).toBe(7)
  }
  const errors = await contentOf(client, ended.error_file_id!)
  expect(errors.map(({ custom_id, response }) => [custom_id, response.status_code])).toEqual([["bad", 400], ["streamed", 400], ["unknown", 400]])
  expect(errors[0]!.response.body.error.message).toContain("no such thing")
  expect(at.service.asked.filter(({ text }) => text.startsWith("text"))).toHaveLength(40)
  expect((await client.files.retrieve(ended.output_file_id!)).purpose).toBe("batch_output")
  expect((await client.batches.list()).data.map(({ id }) => id)).toContain(begun.id)
  expect((await refused(client.batches.cancel(begun.id))).status).toBe(409)
})

it("asks at most so many lines at a time, and tells how far it has come", async () => {
  const client = at.client()
  let running = 0
  let most = 0
  const held: Array<() => void> = []
  at.service.answer = (question) => {
    most = Math.max(most, ++running)
    held.push(() => {
      running--
      echo(question)
    })
  }
  const { id } = await begin(client, Array.from({ length: 20 }, (_, index) => lineOf(`${index}`, "x")))
  while (held.length < 8) await after(20)
  await after(200)
  expect(running).toBe(8)
  expect((await client.batches.retrieve(id)).request_counts).toEqual({ total: 20, completed: 0, failed: 0 })
  held.splice(0, 3).forEach((go) => go())
  await until(client, id, ({ request_counts: counts }) => counts?.completed === 3)
  const timer = setInterval(() => held.splice(0).forEach((go) => go()), 20)
  expect((await until(client, id)).request_counts).toEqual({ total: 20, completed: 20, failed: 0 })
  clearInterval(timer)
  expect(most).toBe(8)
})

it("tells what is wrong with the lines, and asks none of them", async () => {
  const client = at.client()
  const good = JSON.parse(lineOf("a", "x"))
  const lines = [
    lineOf("a", "x"), "{", JSON.stringify({ ...good, custom_id: 7 }), lineOf("a", "y"), JSON.stringify({ ...good, custom_id: "b", url: "/v1/embeddings" }),
    JSON.stringify({ ...good, custom_id: "c", method: "GET" }), JSON.stringify({ ...good, custom_id: "d", body: [] })
  ]
  const ended = await until(client, (await begin(client, lines)).id)
  expect(ended.status).toBe("failed")
  expect(ended.errors!.data!.map(({ code, line }) => [line, code])).toEqual([
    [2, "invalid_json_line"], [3, "missing_required_parameter"], [4, "duplicate_custom_id"], [5, "mismatched_endpoint"],
    [6, "invalid_method"], [7, "missing_required_parameter"]
  ])
  const faults = async (lines: ReadonlyArray<string>) => {
    const { errors, status } = await until(client, (await begin(client, lines)).id)
    return [status, errors?.data?.map(({ code }) => code)]
  }
  expect(await faults([])).toEqual(["failed", ["empty_file"]])
  expect(await faults(["", "  ", ""])).toEqual(["failed", ["empty_file"]])
  expect(await faults(Array.from({ length: 501 }, (_, index) => lineOf(`${index}`, "x")))).toEqual(["failed", ["too_many_lines"]])
  expect(await faults([`{"a":${"[".repeat(300)}${"]".repeat(300)}}`])).toEqual(["failed", ["invalid_json_line"]])
  expect(at.service.asked).toEqual([])
})

it("calls a batch off within a moment: the service is left, and every line is accounted for", async () => {
  const client = at.client()
  let left = 0
  at.service.answer = (question) => {
    if (question.text === "quick") return echo(question)
    question.response.on("close", () => left++)
  }
  const { id } = await begin(client, [lineOf("quick", "quick"), ...Array.from({ length: 30 }, (_, index) => lineOf(`${index}`, "slow"))])
  while (at.service.asked.length < 9) await after(20)
  const asked = at.service.asked.length
  const from = performance.now()
  expect((await client.batches.cancel(id)).status).toMatch(/cancel/)
  const ended = await until(client, id)
  expect(performance.now() - from).toBeLessThan(2_000)
  expect(ended).toMatchObject({ status: "cancelled", request_counts: { total: 31, completed: 1, failed: 0 } })
  expect((await contentOf(client, ended.output_file_id!)).map(({ custom_id }) => custom_id)).toEqual(["quick"])
  const rest = await contentOf(client, ended.error_file_id!)
  expect(rest).toHaveLength(30)
  expect(rest[0]).toMatchObject({ response: null, error: { code: "batch_cancelled" } })
  await after(300)
  expect(left).toBe(8)
  expect(at.service.asked).toHaveLength(asked)
  expect((await client.batches.cancel(id)).status).toBe("cancelled")
})

it("shows nobody what is another's, and shares within a tenant", async () => {
  const [ada, bob, eve, ida] = [at.client(), at.client(keys.bob), at.client(keys.eve), at.client(keys.ida)]
  const file = await upload(ada, [lineOf("a", "x")])
  const { id } = await ada.batches.create({ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" })
  const ended = await until(ada, id)
  expect((await bob.batches.retrieve(id)).status).toBe("completed")
  expect(await contentOf(bob, ended.output_file_id!)).toHaveLength(1)
  for (const other of [eve, ida]) {
    for (const asked of [
      () => other.files.retrieve(file.id), () => other.files.content(file.id), () => other.files.delete(file.id),
      () => other.files.content(ended.output_file_id!), () => other.batches.retrieve(id), () => other.batches.cancel(id),
      () => other.batches.create({ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" })
    ] as ReadonlyArray<() => Promise<unknown>>) {
      const error = await refused(asked())
      expect(error.status).toBe(404)
      expect(error.message).toMatch(/no such (file|batch)/)
    }
    expect((await other.batches.list({ after: id })).data).toEqual([])
    expect((await other.files.list({ after: file.id })).data).toEqual([])
  }
  expect((await ada.files.retrieve(file.id)).id).toBe(file.id)
})

it("refuses what no batch can be made of", async () => {
  const client = at.client()
  const { id } = await upload(client, [lineOf("a", "x")])
  const make = (more: object) =>
    refused(client.batches.create({ input_file_id: id, endpoint: "/v1/chat/completions", completion_window: "24h", ...more } as never))
  expect((await make({ endpoint: "/v1/files" })).param).toBe("endpoint")
  expect((await make({ endpoint: "constructor" })).param).toBe("endpoint")
  expect((await make({ completion_window: "1h" })).param).toBe("completion_window")
  expect((await make({ input_file_id: 7 })).param).toBe("input_file_id")
  expect((await make({ input_file_id: "../../etc/passwd" })).status).toBe(404)
  expect((await make({ metadata: { a: 7 } })).param).toBe("metadata")
  expect((await make({ output_expires_after: { anchor: "created_at", seconds: 1 } })).status).toBe(400)
  for (const limit of ["0", "101", "x", "-1"]) expect((await refused(client.batches.list({ limit } as never))).status).toBe(400)
})

it("lets a tenant have so many open batches and no more", async () => {
  const client = at.client()
  at.service.answer = () => {}
  const made = await Promise.allSettled(Array.from({ length: 5 }, () => begin(client, [lineOf("a", "x")])))
  const open = made.flatMap((one) => one.status === "fulfilled" ? [one.value.id] : [])
  expect(open).toHaveLength(3)
  for (const one of made) if (one.status === "rejected") expect(one.reason.status).toBe(429)
  for (const id of open) await client.batches.cancel(id)
  for (const id of open) await until(client, id)
})

it("goes on where it stood when the gateway is stopped and started again", async () => {
  const client = at.client()
  at.service.answer = (question) => void setTimeout(() => echo(question), 30)
  const { id } = await begin(client, Array.from({ length: 60 }, (_, index) => lineOf(`${index}`, `text ${index}`)))
  await until(client, id, ({ request_counts: counts }) => counts!.completed > 10)
  await at.restart()
  const again = at.client()
  const ended = await until(again, id)
  expect(ended.request_counts).toEqual({ total: 60, completed: 60, failed: 0 })
  const ids = (await contentOf(again, ended.output_file_id!)).map(({ custom_id }) => custom_id)
  expect(ids).toEqual(Array.from({ length: 60 }, (_, index) => `${index}`))
  // What was under way had its time to end.
  expect(at.service.asked).toHaveLength(60)
})
