/** How the gateway ends and changes while it is asked: open calls may finish, the rest is told. */
import { once } from "node:events"
import { Agent, request as httpRequest, type IncomingMessage } from "node:http"
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { describe, expect, it } from "vitest"
import { clients } from "./clients.ts"
import { after, ask, type Stage, stage } from "./harness.ts"
import { half } from "./upstream.ts"

const hello = (model: string, stream: boolean) =>
  ({ model: `openai/${model}`, messages: [{ role: "user", content: "Hello" }], stream })

/** A stream that is open: its first event has come. */
const open = async (at: Stage, path: string, body: object, agent?: Agent) => {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(`${at.address}${path}`, { method: "POST", agent: agent ?? false }, resolve)
    request.on("error", reject).end(JSON.stringify(body))
  })
  let text = ""
  const ended = new Promise<string>((resolve) => {
    response.on("data", (piece: Buffer) => text += piece.toString())
    response.on("error", () => {}).on("close", () => resolve(text))
  })
  return { response, ended }
}

describe("a gateway that is told to stop", () => {
  it("takes nothing new, lets what is open finish, and is gone when that is done", async () => {
    const at = await stage({ server: "grace: 20 seconds" })
    let finish = (): void => {}
    at.upstream.answers.set("hold", (asked) => {
      half(asked)
      finish = () => void asked.response.end(asked.script.events.slice(asked.script.lead).join(""))
    })
    const agent = new Agent({ keepAlive: true })
    const { ended, response } = await open(at, "/v1/chat/completions", hello("hold", true), agent)
    const stopped = at.stop()
    await after(50)
    expect(at.gateway.server.isDraining()).toBe(true)
    for (const client of clients) {
      const model = "openai/well"
      const refused = await ask(at.address, client.path(model, true), { body: client.body(model, true) })
      expect([refused.status, refused.headers["retry-after"], refused.headers.connection]).toEqual([503, "1", "close"])
      expect(client.error(JSON.parse(refused.text)), client.name).toBeDefined()
    }
    expect((await ask(at.address, "/ready")).status).toBe(503)
    expect(at.upstream.asked).toHaveLength(1)
    const began = performance.now()
    finish()
    const text = await ended
    expect(response.complete).toBe(true)
    expect(text).toContain("data: [DONE]")
    // A connection that is kept does not keep the process.
    await stopped
    expect(performance.now() - began).toBeLessThan(5_000)
    await expect(ask(at.address, "/health")).rejects.toThrow("ECONNREFUSED")
    agent.destroy()
    await at.close()
  })

  it("ends what outlasts the grace time with an error event in every dialect, and leaves the services", async () => {
    const at = await stage({ server: "grace: 300" })
    const streams = await Promise.all(clients.map(async (client) => ({
      client, ...await open(at, client.path("openai/stall", true), client.body("openai/stall", true))
    })))
    const whole = ask(at.address, "/v1/chat/completions", { body: hello("silent", false) })
    const early = ask(at.address, "/v1/chat/completions", { body: hello("silent", true) })
    await expect.poll(() => at.gateway.server.active()).toBe(clients.length + 2)
    await at.stop()
    for (const { client, ended, response } of streams) {
      const text = await ended
      const events = client.events(text)
      expect(response.complete, client.name).toBe(true)
      expect(client.error(events.at(-1)!)?.message, client.name).toContain("the gateway is stopping")
      expect(client.ends(events, text), client.name).toBe(0)
    }
    expect([(await whole).status, (await early).status]).toEqual([503, 503])
    expect(at.gateway.server.active()).toBe(0)
    await expect.poll(() => at.upstream.open()).toBe(0)
    await at.close()
  })

  it("is gone at once where nothing is open", async () => {
    const at = await stage({ server: "grace: 20 seconds" })
    const agent = new Agent({ keepAlive: true })
    expect((await ask(at.address, "/health", { agent })).status).toBe(200)
    const began = performance.now()
    await at.stop()
    expect(performance.now() - began).toBeLessThan(5_000)
    agent.destroy()
    await at.close()
  })

  it.each([["nothing", ""], ["half of a head", "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n"]])(
    "waits for no connection that has sent %s",
    async (_, sent) => {
      const at = await stage({ server: "grace: 20 seconds" })
      const socket = connect(Number(new URL(at.address).port), "127.0.0.1")
      await once(socket, "connect")
      socket.on("error", () => {}).write(sent)
      expect((await ask(at.address, "/health")).status).toBe(200)
      const began = performance.now()
      await at.stop()
      expect(performance.now() - began).toBeLessThan(5_000)
      socket.destroy()
      await at.close()
    }
  )
})

describe("a configuration that is loaded anew", () => {
  it("stays as it was where it is broken; calls under way keep theirs where it is not", async () => {
    const at = await stage({ yaml: "models: { fast: openai/well }" })
    const text = readFileSync(at.path, "utf8")
    const reload = () => Effect.runPromise(Effect.result(at.gateway.configuration.reload))
    const fast = () => ask(at.address, "/v1/chat/completions", { body: { ...hello("", false), model: "fast" } })
    expect((await fast()).status).toBe(200)

    writeFileSync(at.path, `${text}\npipelnes: {}\n`)
    const broken = await reload()
    expect(broken).toMatchObject({ _tag: "Failure" })
    expect(at.gateway.configuration.lastError()?.error.reason.message).toContain("pipelines")
    expect((await fast()).status).toBe(200)

    let finish = (): void => {}
    at.upstream.answers.set("hold", (asked) => {
      half(asked)
      finish = () => void asked.response.end(asked.script.events.slice(asked.script.lead).join(""))
    })
    const { ended } = await open(at, "/v1/chat/completions", hello("hold", true))
    writeFileSync(at.path, text.replace("fast: openai/well", "fast: openai/500"))
    expect(await reload()).toMatchObject({ _tag: "Success" })
    expect(at.gateway.configuration.lastError()).toBeUndefined()
    expect((await fast()).status).toBe(500)
    finish()
    expect(await ended).toContain("data: [DONE]")
    await at.close()
  })
})
