/** `/v1/moderations` with OpenAI's own client, over services that moderate and services that do not. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import OpenAI, { APIError } from "openai"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type Stage, stage } from "./harness.ts"

const key = (name: string) => `${name}-0123456789abcdef0123456789abcdef`

/** A service that moderates: as OpenAI does, or below `/mistral` as Mistral does. */
const asked: Array<{ readonly path: string; readonly body: { readonly model?: string; readonly input: unknown } }> = []
let left: (() => void) | undefined
const service = createServer((request, response) => {
  const pieces: Array<Buffer> = []
  request.on("data", (piece: Buffer) => pieces.push(piece))
  request.on("end", () => {
    const path = request.url ?? ""
    const body = JSON.parse(Buffer.concat(pieces).toString("utf8")) as (typeof asked)[number]["body"]
    asked.push({ path, body })
    const say = (status: number, answer: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer, null, 1))
    const { input, model } = body
    if (input === "hold") return void response.on("close", () => left?.())
    if (input === "fail") {
      return say(429, { error: { message: "Too Many Requests", type: "invalid_request_error", param: null, code: null } })
    }
    if (input === "empty") return say(200, { id: "modr-0", model, results: [] })
    const inputs = Array.isArray(input) && input.every((each) => typeof each === "string") ? input : [JSON.stringify(input)]
    const isMistral = path.startsWith("/mistral")
    say(200, {
      id: "modr-1",
      model: model ?? "omni-moderation-2024-09-26",
      results: inputs.map((text) => {
        const violence = text.includes("hurt")
        if (isMistral) return { categories: { violence_and_threats: violence, pii: false }, category_scores: { violence_and_threats: violence ? 0.9 : 0.1 }, own: 7 }
        return {
          flagged: violence,
          categories: { violence, illicit: null },
          category_scores: { violence: violence ? 0.9000000000000001 : 1e-7 },
          category_applied_input_types: { violence: ["text"] },
          novel: { deep: [1] }
        }
      }),
      novel: true
    })
  })
})

let at: Stage
beforeAll(async () => {
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve))
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
  at = await stage({
    providers: [
      "  local: {}",
      `  mistral: { baseUrl: "${url}/mistral/v1", apiKey: sk-mistral-0123456789, allowPrivate: true }`,
      `  judge: { type: openai, baseUrl: "${url}/v1", apiKey: sk-judge-0123456789, allowPrivate: true }`
    ].join("\n"),
    pipelines: [
      "  checks:",
      "    - metrics",
      "    - trackCost",
      "  kept: [cache]",
      "  limited: [{ plug: rateLimit, limits: [{ per: global, requestsPerMinute: 1 }] }]"
    ].join("\n"),
    yaml: [
      "routes: { moderations: checks }",
      "models:",
      "  default: anthropic/claude-sonnet-4-6",
      "  omni-moderation-latest: judge/omni-moderation-latest",
      "tenants: { once: { pipeline: limited }, kept: { pipeline: kept } }",
      "auth:",
      "  roles: { talker: { permissions: [chat, embeddings] } }",
      "  keys:",
      `    - { name: dev, key: ${key("dev")}, role: developer }`,
      `    - { name: admin, key: ${key("admin")}, role: admin }`,
      `    - { name: talker, key: ${key("talker")}, role: talker }`,
      `    - { name: once, key: ${key("once")}, role: developer, tenant: once }`,
      `    - { name: kept, key: ${key("kept")}, role: developer, tenant: kept }`
    ].join("\n")
  })
})
afterAll(async () => {
  await at.close()
  service.closeAllConnections()
  service.close()
})

const client = (name = "dev") => new OpenAI({ baseURL: `${at.address}/v1`, apiKey: key(name), maxRetries: 0 })
const post = (body: object, name = "dev") =>
  fetch(`${at.address}/v1/moderations`, {
    method: "POST",
    headers: { authorization: `Bearer ${key(name)}`, "content-type": "application/json" },
    body: JSON.stringify(body)
  })

const failure = async (promise: Promise<unknown>): Promise<APIError> => {
  const error = await promise.then(() => undefined, (error: unknown) => error)
  expect(error).toBeInstanceOf(APIError)
  return error as APIError
}

it("judges a text, without a model being named", async () => {
  const { id, model, results } = await client().moderations.create({ input: "I will hurt you" })
  expect({ id, model, flagged: results.map(({ flagged }) => flagged) }).toEqual({ id: "modr-1", model: "omni-moderation-latest", flagged: [true] })
  expect(results[0]!.category_applied_input_types.violence).toEqual(["text"])
  expect(asked.at(-1)).toEqual({ path: "/v1/moderations", body: { model: "omni-moderation-latest", input: "I will hurt you" } })
})

it("judges each text of a list, in its order", async () => {
  const input = ["hello", "I will hurt you", ""]
  const { results } = await client().moderations.create({ model: "judge/omni-moderation-latest", input })
  expect(results.map(({ flagged }) => flagged)).toEqual([false, true, false])
  expect(asked.at(-1)!.body.input).toEqual(input)
})

it("judges texts and images together, as they were sent", async () => {
  const input = [
    { type: "text" as const, text: "Do they hurt?" },
    { type: "image_url" as const, image_url: { url: "https://images.test/a.png" } },
    { type: "image_url" as const, image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } }
  ]
  const { results } = await client().moderations.create({ model: "omni-moderation-latest", input })
  expect(results).toHaveLength(1)
  expect(asked.at(-1)!.body.input).toEqual(input)
})

it("passes on to the letter what nobody here has a word for, both ways", async () => {
  const body = { model: "judge/omni-moderation-latest", input: ["x"], novel_option: { a: [1, null] } }
  const answer = await post(body)
  const text = await answer.text()
  expect(asked.at(-1)!.body).toEqual({ ...body, model: "omni-moderation-latest" })
  // The service's own spelling of a number and its own spaces.
  expect(text).toContain("\"violence\": 1e-7")
  expect(JSON.parse(text)).toMatchObject({ novel: true, results: [{ novel: { deep: [1] }, categories: { illicit: null } }] })
})

it("says of another service's answer what OpenAI's clients look at first", async () => {
  const { results } = await client().moderations.create({ model: "mistral/mistral-moderation-latest", input: ["hello", "I will hurt you"] })
  expect(results.map(({ flagged }) => flagged)).toEqual([false, true])
  expect(results[1]).toMatchObject({ categories: { violence_and_threats: true }, category_scores: { violence_and_threats: 0.9 } })
  expect(asked.at(-1)).toEqual({ path: "/mistral/v1/moderations", body: { model: "mistral-moderation-latest", input: ["hello", "I will hurt you"] } })
  const image = [{ type: "image_url" as const, image_url: { url: "https://images.test/a.png" } }]
  const error = await failure(client().moderations.create({ model: "mistral/mistral-moderation-latest", input: image }))
  expect([error.status, error.message]).toEqual([400, expect.stringContaining("text alone")])
})

it.each(["local/rules-1", "anthropic/claude-sonnet-4-6", "google/gemini-3-flash-preview"])("%s does not, and says who does", async (model) => {
  const before = asked.length
  const error = await failure(client().moderations.create({ model, input: "hello" }))
  expect(error.status).toBe(400)
  expect(error.code).toBe("unsupported")
  expect(error.message).toMatch(/has no operation "moderations"; these have: .*mistral.*judge/)
  expect(asked.length).toBe(before)
})

it.each([[{}, "input"], [{ input: 7 }, "input"], [{ input: ["a", { type: "text", text: "b" }] }, "input"]])(
  "refuses %j by its field before anybody is asked",
  async (body, param) => {
    const before = asked.length
    const answer = await post({ model: "judge/omni-moderation-latest", ...body })
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { param, type: "invalid_request_error" } }])
    expect(asked.length).toBe(before)
  }
)

it("refuses addresses that lead into a private network", async () => {
  const input = [{ type: "image_url", image_url: { url: "http://169.254.169.254/latest" } }]
  expect((await post({ model: "omni-moderation-latest", input })).status).toBe(400)
})

it("answers a service's error in the dialect, and takes no answer without a verdict", async () => {
  const model = "judge/omni-moderation-latest"
  const limited = await failure(client().moderations.create({ model, input: "fail" }))
  expect([limited.status, limited.message]).toEqual([429, expect.stringContaining("Too Many Requests")])
  const empty = await failure(client().moderations.create({ model, input: "empty" }))
  expect([empty.status, empty.code]).toEqual([502, "malformed_response"])
})

it("is a permission of its own", async () => {
  const error = await failure(client("talker").moderations.create({ input: "hello" }))
  expect([error.status, error.message]).toEqual([403, expect.stringContaining("\"moderations\"")])
})

it("goes through the pipeline of its route, which can be printed", async () => {
  const answer = await fetch(`${at.address}/admin/pipelines`, { headers: { authorization: `Bearer ${key("admin")}` } })
  const { pipelines } = await answer.json() as { readonly pipelines: ReadonlyArray<{ readonly name: string; readonly routes: ReadonlyArray<string>; readonly text: string }> }
  const found = pipelines.find(({ routes }) => routes.includes("POST /v1/moderations (moderations)"))
  expect(found?.name).toBe("checks")
  expect(found?.text).toContain("trackCost")
})

it("costs nothing where the catalog knows so, else what nobody knows", async () => {
  const free = await post({ model: "judge/omni-moderation-latest", input: "hello" })
  expect(free.headers.get("x-plugline-cost-usd")).toBe("0")
  const unknown = await post({ model: "mistral/mistral-moderation-latest", input: "hello" })
  expect(unknown.headers.get("x-plugline-cost-usd")).toBe("unknown")
})

it("is kept by a cache, and not asked again under one idempotency key", async () => {
  const before = asked.length
  const [first, second] = [await post({ input: ["keep", "hurt"] }, "kept"), await post({ input: ["keep", "hurt"] }, "kept")]
  expect([first.headers.get("x-plugline-cache"), second.headers.get("x-plugline-cache")]).toEqual(["miss", "hit"])
  const [told, again] = [await first.json() as { results: object }, await second.json() as { results: object }]
  expect(again.results).toEqual(told.results)
  const twice = [1, 2].map(() => fetch(`${at.address}/v1/moderations`, {
    method: "POST",
    headers: { authorization: `Bearer ${key("dev")}`, "idempotency-key": "judge-1" },
    body: JSON.stringify({ input: "once" })
  }).then((answer) => answer.status))
  expect(await Promise.all(twice)).toEqual([200, 200])
  expect(asked.length).toBe(before + 2)
})

it("is limited, measured and logged", async () => {
  expect((await post({ input: "hello" }, "once")).status).toBe(200)
  const second = await post({ input: "hello" }, "once")
  expect([second.status, second.headers.get("retry-after") !== null]).toEqual([429, true])
  const metrics = await (await fetch(`${at.address}/metrics`, { headers: { authorization: `Bearer ${key("admin")}` } })).text()
  expect(metrics).toMatch(/http_server_request_duration\w*\{[^}]*http_route="\/v1\/moderations"/)
  expect(metrics).toMatch(/gen_ai_operation_name="moderations"/)
  await expect.poll(() => at.log.filter((line) => (line as { readonly operation?: string }).operation === "moderations").length).toBeGreaterThan(5)
})

it("leaves the service when the client leaves", async () => {
  const controller = new AbortController()
  const gone = new Promise<void>((resolve) => left = resolve)
  const before = asked.length
  const call = client().moderations.create({ input: "hold" }, { signal: controller.signal }).catch((error: unknown) => error)
  await expect.poll(() => asked.length).toBe(before + 1)
  controller.abort()
  await gone
  await call
  await expect.poll(() => at.gateway.server.active()).toBe(0)
})
