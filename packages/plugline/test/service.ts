/** A service on the loopback that speaks enough of OpenAI's wire to be asked, streamed, stalled and refused. */
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"

export interface Asked {
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  readonly body: { readonly [name: string]: unknown; readonly messages?: ReadonlyArray<{ readonly content: unknown }> }
  closed: boolean
}

export interface Service {
  readonly baseUrl: string
  readonly asked: Array<Asked>
  readonly close: () => Promise<void>
}

const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", model: "m-1", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`

export const serve = async (): Promise<Service> => {
  const asked: Array<Asked> = []
  const server = createServer(async (request, response) => {
    let text = ""
    for await (const piece of request) text += piece
    const entry: Asked = { url: request.url ?? "", headers: request.headers, body: text === "" ? {} : JSON.parse(text), closed: false }
    asked.push(entry)
    response.on("close", () => {
      entry.closed = true
    })
    const json = (status: number, value: unknown) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
    if (entry.url === "/v1/models") return json(200, { object: "list", data: [{ id: "m-1", object: "model", created: 1, owned_by: "us" }] })
    if (entry.url === "/v1/embeddings") {
      const input = entry.body.input as ReadonlyArray<string>
      return json(200, { object: "list", model: "e-1", data: input.map((_, index) => ({ object: "embedding", index, embedding: [index, 1] })), usage: { prompt_tokens: 2, total_tokens: 2 } })
    }
    const said = JSON.stringify(entry.body)
    if (said.includes("refuse me")) {
      return json(429, { error: { message: "slow down", type: "rate_limit_exceeded", code: "rate_limit_exceeded" } })
    }
    if (entry.body.stream === true) {
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write(chunk({ role: "assistant", content: "Hel" }))
      if (said.includes("stall")) return
      if (said.includes("cut")) return response.write(chunk({ content: "lo" }), () => response.destroy())
      return response.end(`${chunk({ content: "lo" })}${chunk({}, "stop")}data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\ndata: [DONE]\n\n`)
    }
    if (said.includes("stall")) return
    return json(200, {
      id: "c1", object: "chat.completion", model: "m-1",
      choices: [{ index: 0, message: { role: "assistant", content: said.includes("object") ? `{"name":"Ada","age":36}` : "Hello" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    asked,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    }
  }
}
