import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { afterEach, expect, it } from "vitest"
import { type Stage, stage } from "./harness.ts"

/** A collector that keeps what it is sent, by path. */
const collector = async () => {
  const got: Array<{ readonly path: string; readonly headers: Record<string, unknown>; readonly body: string }> = []
  const server = createServer((request, response) =>
    void text(request).then((body) => {
      got.push({ path: request.url ?? "", headers: request.headers, body })
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    }))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

let open: { readonly stage: Stage; readonly close: () => void } | undefined
afterEach(async () => {
  await open?.stage.close()
  open?.close()
  open = undefined
})

const begin = async () => {
  const to = await collector()
  const made = await stage({
    providers: "  local: {}",
    yaml: [
      "telemetry:",
      `  otlp: { url: "${to.url}", interval: 50, service: tested, headers: { x-otlp-key: canary-otlp-5e6f } }`
    ].join("\n")
  })
  open = { stage: made, close: to.close }
  return { to, made }
}

const ask = (address: string, stream: boolean, headers: Record<string, string> = {}) =>
  fetch(`${address}/v1/chat/completions`, {
    method: "POST",
    headers,
    body: JSON.stringify({ model: "local/rules-1", stream, messages: [{ role: "user", content: "canary-question What is 6 times 7?" }] })
  })

interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: Record<string, unknown> }>
}

const spansOf = (bodies: ReadonlyArray<string>): ReadonlyArray<Span> =>
  bodies.flatMap((body) =>
    (JSON.parse(body) as { resourceSpans: ReadonlyArray<{ scopeSpans: ReadonlyArray<{ spans: ReadonlyArray<Span> }> }> })
      .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))

it.each([[false], [true]])("sends the spans of a call, below that of its client; streamed: %s", async (stream) => {
  const { made, to } = await begin()
  const traceId = "0af7651916cd43dd8448eb211c80319c"
  const answer = await ask(made.address, stream, { traceparent: `00-${traceId}-b7ad6b7169203331-01` })
  expect(answer.status).toBe(200)
  expect(await answer.text()).toContain("42")
  expect(answer.headers.get("x-plugline-trace-id")).toBe(traceId)
  await made.stop()

  const spans = spansOf(to.got.filter(({ path }) => path === "/v1/traces").map(({ body }) => body))
  const server = spans.find(({ name }) => name === "POST /v1/chat/completions")
  expect(server).toMatchObject({ traceId, parentSpanId: "b7ad6b7169203331" })
  const attributes = Object.fromEntries(server!.attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
  expect(attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "local",
    "gen_ai.request.model": "rules-1",
    "gen_ai.response.model": "rules-1",
    "http.route": "/v1/chat/completions"
  })
  expect(Number(attributes["gen_ai.usage.output_tokens"])).toBeGreaterThan(0)
  const plugs = spans.filter(({ name }) => name.startsWith("plug "))
  expect(plugs.map(({ name }) => name)).toContain("plug ask")
  expect(plugs.every((each) => each.traceId === traceId)).toBe(true)

  const everything = to.got.map(({ body }) => body).join("\n")
  expect(everything).toContain("tested")
  expect(everything).not.toContain("canary")
  expect(everything).not.toContain("sk-test-0123456789")
  expect(to.got.every(({ headers }) => headers["x-otlp-key"] === "canary-otlp-5e6f")).toBe(true)
})

it("keeps the spans of one streamed call apart from those of the next", async () => {
  const { made, to } = await begin()
  const traces = ["1af7651916cd43dd8448eb211c80319c", "2af7651916cd43dd8448eb211c80319c"]
  for (const trace of traces) await (await ask(made.address, true, { traceparent: `00-${trace}-b7ad6b7169203331-01` })).text()
  await made.stop()
  const spans = spansOf(to.got.filter(({ path }) => path === "/v1/traces").map(({ body }) => body))
  const [first, second] = traces.map((trace) => spans.filter(({ traceId }) => traceId === trace).map(({ name }) => name).sort())
  expect(first).toContain("plug respond")
  expect(second).toEqual(first)
})

it("sends metrics, and a broken traceparent begins a trace of its own", async () => {
  const { made, to } = await begin()
  const answer = await ask(made.address, false, { traceparent: "00-0000-zz" })
  await answer.text()
  expect(answer.headers.get("x-plugline-trace-id")).toMatch(/^[0-9a-f]{32}$/)
  await made.stop()
  const metrics = to.got.filter(({ path }) => path === "/v1/metrics").map(({ body }) => body).join("\n")
  expect(metrics).toContain("http.server.request.duration")
})
