/** Requests as they come, as server-sent events: who sees them, slow readers, revoked keys, and the gateway's end. */
import type { Summary } from "@plugline/inspector"
import { get, type IncomingMessage } from "node:http"
import { afterEach, expect, it } from "vitest"
import { question, secrets, type Site, site } from "../admin/site.ts"
import { after, ask, type Stage, stage } from "../server/harness.ts"
import { called, until } from "./support.ts"

const closing: Array<() => Promise<void> | void> = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
const set = async (yaml = ""): Promise<Stage> => {
  const made = await stage({ yaml })
  closing.push(made.close)
  return made
}

interface Event {
  readonly event: string
  readonly id: string | undefined
  readonly data: Summary & { readonly after: number; readonly until: number; readonly message: string }
}

/** One who watches. */
const watch = (address: string, { headers = {}, query = "" }: { readonly headers?: Record<string, string>; readonly query?: string } = {}) =>
  new Promise<{
    readonly response: IncomingMessage
    readonly events: () => ReadonlyArray<Event>
    readonly text: () => string
    readonly isOver: () => boolean
  }>((resolve, reject) => {
    const request = get(`${address}/inspector/api/traces/live${query}`, { agent: false, headers }, (response) => {
      let text = ""
      let over = false
      response.on("data", (piece: Buffer) => (text += piece.toString("utf8")))
      response.on("close", () => (over = true))
      response.on("error", () => {})
      closing.push(() => void request.destroy())
      resolve({
        response,
        text: () => text,
        isOver: () => over,
        events: () => text.split("\n\n").slice(0, -1).flatMap((block) => {
          const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]))
          return fields.has("event") ? [{ event: fields.get("event")!, id: fields.get("id"), data: JSON.parse(fields.get("data")!) }] : []
        })
      })
    })
    request.on("error", reject)
  })

it("tells of each request when it is over, once and in order", async () => {
  const at = await set()
  await called(at)
  await after(150)
  const { events, response } = await watch(at.address)
  expect(response.statusCode).toBe(200)
  expect(response.headers).toMatchObject({ "content-type": "text/event-stream", "cache-control": "no-cache", "x-content-type-options": "nosniff" })
  const ids: Array<string> = []
  for (let count = 0; count < 20; count++) ids.push((await called(at, { stream: count % 2 === 0 })).id)
  await until(() => events().length >= 20)
  expect(events().map(({ data }) => data.id)).toEqual(ids)
  expect(events().map(({ event }) => event)).toEqual(Array.from({ length: 20 }, () => "trace"))
  expect(events().map(({ id }) => Number(id))).toEqual(Array.from({ length: 20 }, (_, index) => index + 2))
  expect(events()[0]!.data).toMatchObject({ provider: "openai", status: 200, seq: 2 })
})

it("goes on where somebody left off, by its query or by Last-Event-ID", async () => {
  const at = await set()
  for (let count = 0; count < 5; count++) await called(at)
  await after(150)
  const asked = await watch(at.address, { query: "?after=2" })
  await until(() => asked.events().length === 3)
  const again = await watch(at.address, { headers: { "last-event-id": "4" } })
  await until(() => again.events().length === 1)
  expect(again.events()[0]!.data.seq).toBe(5)
})

it("tells whoever is far behind of the gap, and of the latest", async () => {
  const at = await set()
  const { id } = await called(at)
  const { events } = await watch(at.address, { query: "?after=0" })
  await until(() => events().some(({ data }) => data.id === id))
  for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 70 }, () => called(at, { model: "openai/500" })))
  await until(async () => Number((await ask(at.address, "/inspector/api/traces?limit=1")).text.match(/"seq":(\d+)/)?.[1]) === 1_401)
  const late = await watch(at.address, { query: "?after=1" })
  await until(() => late.events().length > 100)
  expect(late.events()[0]).toMatchObject({ event: "gap", data: { after: 1, until: 1_201 } })
  expect(late.events()[1]!.data.seq).toBe(1_202)
  await until(() => late.events().at(-1)!.data.seq === 1_401)
})

it("waits for a reader who does not read, and holds nothing for him", async () => {
  const at = await set()
  const { events, response } = await watch(at.address)
  response.pause()
  for (let round = 0; round < 30; round++) await Promise.all(Array.from({ length: 70 }, () => called(at, { model: "openai/500" })))
  const last = await called(at)
  response.resume()
  await until(() => events().some(({ data }) => data.id === last.id))
  const seqs = events().filter(({ event }) => event === "trace").map(({ data }) => data.seq)
  expect([...seqs].sort((a, b) => a - b)).toEqual(seqs)
  expect(new Set(seqs).size).toBe(seqs.length)
}, 60_000)

it("a reader who has left is forgotten", async () => {
  const at = await set()
  const active = () => at.gateway.server.active()
  const { response } = await watch(at.address)
  expect(active()).toBe(1)
  response.destroy()
  await until(() => active() === 0)
  await called(at)
  await after(150)
})

it("so many may watch and no more, and HEAD does not wait", async () => {
  const at = await set()
  expect((await ask(at.address, "/inspector/api/traces/live", { method: "HEAD" })).status).toBe(200)
  await Promise.all(Array.from({ length: 64 }, () => watch(at.address)))
  expect((await ask(at.address, "/inspector/api/traces/live")).status).toBe(503)
})

it("is kept alive, and ended when the gateway stops", async () => {
  const at = await set("inspector: { sample: 0 }")
  const quick = await stage({ server: "keepAlive: 500 millis" })
  closing.push(quick.close)
  const silent = await watch(quick.address)
  await until(() => silent.text().includes("\n: \n\n"))
  const { isOver } = await watch(at.address)
  const begun = performance.now()
  await at.stop()
  expect(performance.now() - begun).toBeLessThan(4_000)
  await until(isOver)
})

it("within a tenant tells of that tenant alone, and ends when the key is revoked", async () => {
  const keyed: Site = await site({ config: { inspector: { sample: 1 } } })
  closing.push(keyed.close)
  const { id, key } = (await keyed.as("root", "/admin/keys", { body: { name: "watcher", role: "operator", tenant: "acme" } })).json
  const own = await watch(keyed.address, { headers: { authorization: `Bearer ${key}` } })
  const all = await watch(keyed.address, { headers: { authorization: `Bearer ${secrets.root}` } })
  for (const who of ["dev", "acmeDev", "other"] as const) await keyed.as(who, "/v1/chat/completions", { body: question() })
  await until(() => all.events().length === 3)
  await after(100)
  expect(own.events().map(({ data }) => data.tenant)).toEqual(["acme"])
  await keyed.as("root", `/admin/keys/${id}`, { method: "DELETE" })
  await until(own.isOver)
  expect(own.events().at(-1)).toMatchObject({ event: "error", data: { message: expect.stringContaining("no valid credential") } })
  expect(all.isOver()).toBe(false)
})
