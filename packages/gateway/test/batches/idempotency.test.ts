/** A call that is sent again under the same `Idempotency-Key` is answered with the same answer, and charged once. */
import OpenAI from "openai"
import { afterEach, expect, it } from "vitest"
import { after, echo, keys, refuse, type Stage, stage } from "./support.ts"

let at: Stage | undefined
afterEach(async () => {
  await at?.close()
  at = undefined
})

const ask = (client: OpenAI, key: string, text = "Hi") =>
  client.chat.completions.create({ model: "openai/gpt-x", messages: [{ role: "user", content: text }] }, { headers: { "idempotency-key": key } })
    .withResponse()

/** Counts its answers. */
const counting = (stage: Stage): void => {
  let count = 0
  stage.service.answer = (question) => echo({ ...question, text: `${question.text} ${++count}` })
}

it("gives one answer for one key, and says that it does", async () => {
  at = await stage()
  counting(at)
  const client = at.client()
  const [first, again] = [await ask(client, "order-7"), await ask(client, "order-7")]
  expect(first.data.choices[0]!.message.content).toBe("you said Hi 1")
  expect(again.data).toMatchObject({ id: first.data.id, choices: first.data.choices, usage: first.data.usage })
  expect([first, again].map(({ response }) => response.headers.get("x-plugline-idempotency"))).toEqual(["first", "replayed"])
  const other = await ask(client, "order-8")
  expect(other.data.choices[0]!.message.content).toBe("you said Hi 2")
  const without = await client.chat.completions.create({ model: "openai/gpt-x", messages: [{ role: "user", content: "Hi" }] }).withResponse()
  expect(without.response.headers.has("x-plugline-idempotency")).toBe(false)
  expect(at.service.asked).toHaveLength(3)
})

it("charges once: a replay takes nothing from a limit", async () => {
  at = await stage("limits: [{ per: key, requestsPerDay: 1 }]")
  const client = at.client()
  for (let time = 0; time < 4; time++) expect((await ask(client, "k")).data.choices).toHaveLength(1)
  await expect(ask(client, "other")).rejects.toMatchObject({ status: 429 })
  expect(at.service.asked).toHaveLength(1)
})

it("refuses the key for another body, and for the same one streamed", async () => {
  at = await stage()
  const client = at.client()
  await ask(client, "k")
  await expect(ask(client, "k", "Bye")).rejects.toMatchObject({ status: 409, param: "idempotencyKey", code: "idempotency_conflict" })
  const streamed = client.chat.completions.create({
    model: "openai/gpt-x", messages: [{ role: "user", content: "Hi" }], stream: true
  }, { headers: { "idempotency-key": "k" } })
  await expect(streamed).rejects.toMatchObject({ status: 409 })
  expect(at.service.asked).toHaveLength(1)
})

it("keeps the keys of two callers apart, though they be of one tenant", async () => {
  at = await stage()
  counting(at)
  const said = []
  for (const key of [keys.ada, keys.bob, keys.eve, keys.ida]) said.push((await ask(at.client(key), "k")).data.choices[0]!.message.content)
  expect(said).toEqual([1, 2, 3, 4].map((count) => `you said Hi ${count}`))
})

it("lets those that come meanwhile wait for the one answer", async () => {
  at = await stage()
  at.service.answer = (question) => void setTimeout(() => echo(question), 200)
  const client = at.client()
  const all = await Promise.all(Array.from({ length: 10 }, () => ask(client, "k")))
  expect(new Set(all.map(({ data }) => data.choices[0]!.message.content)).size).toBe(1)
  expect(at.service.asked).toHaveLength(1)
})

it("refuses one that has waited too long, in the words of its dialect", async () => {
  at = await stage("", "pipelines: { default: [{ plug: idempotency, wait: 100 }] }")
  at.service.answer = () => {}
  const client = at.client()
  const first = ask(client, "k")
  first.catch(() => {})
  while (at.service.asked.length === 0) await after(10)
  await expect(ask(client, "k")).rejects.toMatchObject({ status: 409, code: "idempotency_running" })
  echo(at.service.asked[0]!)
  await first
  expect((await ask(client, "k")).response.headers.get("x-plugline-idempotency")).toBe("replayed")
})

it("leaves a pipeline as it is that has the plug, so that no call waits for itself", async () => {
  at = await stage("", "pipelines: { default: [{ plug: idempotency, apart: [tenant, team, user, key], wait: 100 }] }")
  expect((await ask(at.client(), "k")).response.headers.get("x-plugline-idempotency")).toBe("first")
})

it("gives a streamed answer again as a stream", async () => {
  at = await stage()
  let count = 0
  at.service.answer = ({ response }) => {
    response.writeHead(200, { "content-type": "text/event-stream" })
    const event = (delta: object, finish: string | null) =>
      `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
    response.end(`${event({ role: "assistant", content: `Hi ${++count}` }, null)}${event({}, "stop")}data: [DONE]\n\n`)
  }
  const client = at.client()
  const said = []
  for (let time = 0; time < 2; time++) {
    const stream = await client.chat.completions.create({
      model: "openai/gpt-x", messages: [{ role: "user", content: "Hi" }], stream: true
    }, { headers: { "idempotency-key": "k" } })
    let text = ""
    let finish
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? ""
      finish = choices[0]?.finish_reason ?? finish
    }
    said.push([text, finish])
  }
  expect(said).toEqual([["Hi 1", "stop"], ["Hi 1", "stop"]])
  expect(at.service.asked).toHaveLength(1)
})

it("frees the key of a call that failed", async () => {
  at = await stage()
  at.service.answer = refuse(400, "no")
  const client = at.client()
  await expect(ask(client, "k")).rejects.toMatchObject({ status: 400 })
  at.service.answer = echo
  expect((await ask(client, "k")).data.choices[0]!.message.content).toBe("you said Hi")
})

it("refuses what is no key", async () => {
  at = await stage()
  const client = at.client()
  for (const key of ["", "x".repeat(256), "größe", "a\tb"]) {
    await expect(ask(client, key), JSON.stringify(key)).rejects.toMatchObject({ status: 400, param: "Idempotency-Key" })
  }
  expect((await ask(client, "x".repeat(255))).data.choices).toHaveLength(1)
  expect(at.service.asked).toHaveLength(1)
})

it("remembers keys in SQLite through a restart", async () => {
  at = await stage("stores: { kind: sqlite }")
  counting(at)
  await ask(at.client(), "k")
  await at.restart()
  expect((await ask(at.client(), "k")).data.choices[0]!.message.content).toBe("you said Hi 1")
  expect(at.service.asked).toHaveLength(1)
})
