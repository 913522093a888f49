/**
 * The floor of every gateway: a proxy of `node:http` and undici that parses and prints JSON both ways and does nothing else. A
 * streamed answer's bytes are handed on.
 *
 * `node floor.ts ORIGIN`: the port is told to the parent.
 *
 * @module
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Agent } from "undici"

const [origin = ""] = process.argv.slice(2)
const agent = new Agent({ keepAliveTimeout: 60_000, headersTimeout: 0, bodyTimeout: 0 })

const server = createServer({ noDelay: true, keepAliveTimeout: 600_000 }, (request, response) => {
  const pieces: Array<Buffer> = []
  request.on("data", (piece: Buffer) => pieces.push(piece))
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(pieces).toString("utf8"))
    const how = String(body.model).split("/")[0]
    const got: Array<Buffer> = []
    let streams = false
    agent.dispatch({
      origin,
      path: `/${how}/v1/chat/completions`,
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer key" },
      body: JSON.stringify(body)
    }, {
      onRequestStart: (controller) => {
        response.once("close", () => {
          if (!response.writableFinished) controller.abort(new Error("left"))
        })
      },
      onResponseStart: (_controller, status, headers) => {
        streams = String(headers["content-type"]).startsWith("text/event-stream")
        if (streams) response.writeHead(status, { "content-type": "text/event-stream" })
      },
      onResponseData: (controller, piece) => {
        if (!streams) got.push(piece)
        else if (!response.write(piece)) {
          controller.pause()
          response.once("drain", () => controller.resume())
        }
      },
      onResponseEnd: () => {
        if (streams) return void response.end()
        const text = JSON.stringify(JSON.parse(Buffer.concat(got).toString("utf8")))
        response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) }).end(text)
      },
      onResponseError: () => void response.destroy()
    })
  })
})

process.on("disconnect", () => process.exit())
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => process.send?.((server.address() as AddressInfo).port))
