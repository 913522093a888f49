/**
 * The real gateway with a service behind it, both started here, and requests that show what the inspector shows.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { type Answer, type Body, type Script, type Upstream, upstream } from "./upstream.ts"

const main = fileURLToPath(new URL("../../../gateway/src/cli/main.ts", import.meta.url))

export interface Stage {
  /** `http://127.0.0.1:41234` */
  readonly address: string
  readonly upstream: Upstream
  /** Asks the gateway, and gives the id of the request with its status and what was answered. */
  readonly ask: (
    body: object,
    options?: { readonly path?: string; readonly headers?: { readonly [name: string]: string } }
  ) => Promise<Asked>
  readonly close: () => Promise<void>
}

export interface Asked {
  readonly id: string
  readonly status: number
  readonly text: string
}

const text = ({ messages }: Body): string =>
  messages.map(({ content }) => (typeof content === "string" ? content : JSON.stringify(content))).join("\n")

/** Answers by what the conversation is about. */
export const script: Script = (body, call): Answer => {
  const said = text(body)
  if (said.includes("two thousand"))
    return { text: Array.from({ length: 2_000 }, (_, index) => `word-${index + 1} `).join(""), between: 0 }
  if (said.includes("slowly")) return { text: late, between: 120 }
  if (said.includes("HOSTILE")) return { text: hostile }
  if (said.includes("4711-B") && call === 1)
    return {
      status: 429,
      delay: 48,
      error: "Rate limit reached for gpt-5-mini on requests per minute",
      headers: { "retry-after-ms": "60" }
    }
  if (said.includes("4711-B")) return { text: late, delay: 130, between: 14 }
  if (said.includes("everything is down") && body.model.startsWith("gpt-5-mini"))
    return { status: 503, delay: 20, error: "The server is overloaded" }
  if (said.includes("no key")) return { status: 401, delay: 20, error: "Incorrect API key provided" }
  if (said.includes("weather"))
    return { tool: { name: "weather", arguments: '{"city":"Lisbon","unit":"celsius"}' }, delay: 60, between: 8 }
  if (said.includes("as JSON")) return { text: '{"name":"Brompton C Line","gears":6,"folds":true}', delay: 70, between: 10 }
  return {
    text: `${greetings[said.length % greetings.length]!} You asked about ${said.length} characters of things.`,
    delay: 15 + (said.length % 90),
    between: 6
  }
}

const greetings = ["Certainly.", "Of course.", "Yes, with pleasure.", "Let me see."]

export const late =
  "I am sorry that order 4711-B is late. According to the carrier it left our warehouse on Monday and has been in transit since. "
  + "I have asked them to look into it, and you will hear from us by e-mail as soon as they answer. If you would rather not "
  + "wait, you can collect a replacement in our shop."

/** Everything a page must not take for more than text. */
export const hostile =
  '<img src=x onerror="window.owned=1"><script>window.owned=2</script><a href="javascript:window.owned=3">click</a> '
  + "![pixel](https://evil.example/pixel.png) [link](https://evil.example/) "
  + '<iframe srcdoc="<script>parent.owned=4</script>"></iframe> '
  + "<style>body{display:none}</style> <svg onload=\"window.owned=5\"></svg> {{constructor.constructor('window.owned=6')()}}"

const configuration = (url: string, more: string): string => `
providers:
  local: {}
  openai:
    apiKey: sk-stage-4f6d2b8c9a7e1d3f5b
    baseUrl: ${url}
    allowPrivate: true
  mistral:
    apiKey: stage-key-that-nobody-may-see
    baseUrl: ${url}
    allowPrivate: true
models:
  default: openai/gpt-5-mini
  support:
    provider: openai
    model: gpt-5-mini
    options:
      temperature: 0.2
    pipeline: support
  careful:
    provider: openai
    model: gpt-5-mini
    pipeline: steady
pipelines:
  support:
    - metrics
    - trackCost
    - plug: tokens.trim
      max: 90
    - plug: cache
      ttl: 1 hour
    - plug: retry
      attempts: 3
      base: 20
    - trackCost
    - circuitBreaker
    - plug: timeout
      firstToken: 20 seconds
  steady:
    - metrics
    - trackCost
    - plug: fallback
      steps:
        - provider: mistral
          model: mistral-small-latest
    - plug: retry
      attempts: 2
      base: 10
    - circuitBreaker
limits:
  - per: global
    requestsPerMinute: 6000
budgets:
  - per: global
    amount: "25.00"
    every: day
accounting:
  unpriced: allow
stores:
  kind: memory
${more}`

/** Starts both. `more`: added to the configuration; `key`: sent with each request. */
export const stage = async (
  options: { readonly more?: string; readonly key?: string; readonly env?: { readonly [name: string]: string } } = {}
): Promise<Stage> => {
  const folder = await mkdtemp(join(tmpdir(), "plugline-stage-"))
  const service = await upstream(script)
  const file = join(folder, "gateway.yaml")
  await writeFile(file, `server:\n  port: 0\n${configuration(service.url, options.more ?? "")}`)
  const child = spawn(process.execPath, [main, "serve", "--config", file], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", ...options.env }
  })
  const closing = { yes: false }
  const address = await addressOf(child, closing)
  return {
    address,
    upstream: service,
    ask: async (body, { headers = {}, path = "/v1/chat/completions" } = {}) => {
      const response = await fetch(`${address}${path}`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(options.key !== undefined && { authorization: `Bearer ${options.key}` }),
          ...headers
        },
        body: JSON.stringify(body)
      })
      return { id: response.headers.get("x-request-id") ?? "", status: response.status, text: await response.text() }
    },
    close: async () => {
      closing.yes = true
      const ended = new Promise((resolve) => child.once("exit", resolve))
      child.kill("SIGTERM")
      await Promise.race([ended, sleep(5_000).then(() => child.kill("SIGKILL"))])
      await service.close()
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Where it listens. A gateway that ends by itself later says why where the tests are read. */
const addressOf = (child: ChildProcess, closing: { readonly yes: boolean }): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = ""
    const hear = (chunk: Buffer): void => {
      said += chunk.toString()
      const found = /listens on (http:\S+)/.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    }
    child.stdout?.on("data", hear)
    child.stderr?.on("data", hear)
    child.once("exit", (code, signal) => {
      const why = `the gateway ended with ${code ?? signal}:\n${said.slice(-4_000)}`
      if (!closing.yes) process.stderr.write(`${why}\n`)
      reject(new Error(why))
    })
  })

// --- requests
// ---------------------------------------------------------------------------------------------------------------------

const shop = { role: "system", content: "You are the support assistant of a bicycle shop. Be brief and friendly." }

const conversation = [
  shop,
  { role: "user", content: "Do you have mudguards for a 28 inch touring bike?" },
  { role: "assistant", content: "Yes, we keep three kinds in stock." },
  {
    role: "user",
    content:
      "Great. My order 4711-B has not arrived. It was sent on Monday, and the tracking page has said “in transit” since then. "
      + "Where is it, and when will I get it?"
  }
]

/** The requests that the tour walks through, by what they show. */
export const play = async ({ ask }: Pick<Stage, "ask">) => {
  const stream = await ask({ model: "support", messages: conversation, temperature: 0.9, stream: true })
  const whole = await ask({
    model: "careful",
    messages: [shop, { role: "user", content: "Suppose everything is down. What do you do?" }]
  })
  const question = {
    model: "support",
    messages: [shop, { role: "user", content: "When do you open on Saturdays?" }],
    temperature: 0
  }
  const first = await ask(question)
  const cached = await ask(question)
  const tool = await ask({
    model: "gpt-5-mini",
    messages: [{ role: "user", content: "What is the weather in Lisbon?" }],
    tools: [
      {
        type: "function",
        function: {
          name: "weather",
          description: "The weather in a city",
          parameters: { type: "object", properties: { city: { type: "string" }, unit: { type: "string" } } }
        }
      }
    ],
    stream: true
  })
  const failed = await ask({ model: "openai/gpt-5", messages: [{ role: "user", content: "There is no key for this." }] })
  const local = await ask({ model: "local/rules-1", messages: [{ role: "user", content: "What is 6 times 7?" }] })
  const bad = await ask({ model: "openai/gpt-5-mini", messages: "not a list" })
  const long = await ask({
    model: "openai/gpt-5-mini",
    messages: [{ role: "user", content: "Count to two thousand." }],
    stream: true
  })
  const evil = await ask({ model: "openai/gpt-5-mini", messages: [{ role: "user", content: `HOSTILE ${hostile}` }] })
  return { stream, whole, first, cached, tool, failed, local, bad, long, evil }
}

const topics = [
  "brakes",
  "a dynamo hub",
  "winter tyres",
  "the price of a service",
  "a child's seat",
  "puncture kits",
  "saddles",
  "panniers",
  "lights",
  "a lost key"
]

/** Many small requests to several models. */
export const crowd = async ({ ask }: Pick<Stage, "ask">, count: number): Promise<void> => {
  for (let index = 0; index < count; index++) {
    const model = ["support", "careful", "openai/gpt-5", "openai/gpt-5-mini", "mistral/mistral-small-latest", "local/rules-1"][
      (index * 7) % 6
    ]!
    const topic = topics[index % topics.length]!
    await ask({
      model,
      stream: index % 3 === 0,
      messages: [
        shop,
        {
          role: "user",
          content: index % 11 === 5 ? "There is no key for this." : `Tell me about ${topic}${".".repeat(index % 17)}`
        }
      ]
    })
  }
}
