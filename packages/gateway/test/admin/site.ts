/**
 * A gateway with people of every role and two tenants, over two services on this machine.
 *
 * @module
 */
import { Effect, Exit, Scope } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Secret from "../../src/auth/secret.ts"
import { type Gateway, start } from "../../src/Gateway.ts"
import { type Answered, ask, type Ask } from "../server/harness.ts"
import { type Upstream, upstream } from "../server/upstream.ts"

/** Who asks. */
export const people = {
  root: { role: "admin" },
  ops: { role: "operator" },
  dev: { role: "developer", user: "dev" },
  view: { role: "viewer" },
  acme: { role: "admin", tenant: "acme" },
  acmeDev: { role: "developer", tenant: "acme", user: "ada" },
  other: { role: "admin", tenant: "other" }
} as const

/** Who asks, by name. */
export type Person = keyof typeof people

/** Their keys. */
export const secrets = Object.fromEntries(Object.keys(people).map((name) => [name, Secret.make()])) as Record<Person, string>

/** The keys of the services. */
export const serviceKeys = { openai: "sk-canary-openai-0123456789abcdef", anthropic: "CanaryWithoutForm7351aZqPlmXw" } as const

/** A gateway, with what stands around it. */
export interface Site {
  readonly gateway: Gateway
  readonly address: string
  readonly folder: string
  readonly path: string
  /** The service that `openai` is, and the one that `anthropic` is. */
  readonly one: Upstream
  readonly two: Upstream
  /** Everything that was written to the log. */
  readonly log: () => string
  /** Asks as somebody. */
  readonly as: (who: Person | string, path: string, more?: Ask) => Promise<Answer>
  /** How often the services were asked. */
  readonly asked: () => number
  /** Writes another configuration. */
  readonly write: (more: object) => void
  readonly stop: () => Promise<void>
  readonly close: () => Promise<void>
}

/** An answer, with its body where that is JSON. */
export interface Answer extends Answered {
  readonly json: Body
}

/** What a body holds, looked at field by field. */
export type Body = ReturnType<JSON["parse"]>

/** How a site is set up. */
export interface Setting {
  /** More sections of the configuration. */
  readonly config?: object
  /** A folder that is there already. */
  readonly folder?: string
  readonly env?: { readonly [name: string]: string }
}

const auth = {
  keys: Object.entries(people).map(([name, more]) => ({
    name, hash: `sha256:${Secret.digest(secrets[name as Person])}`, ...more
  }))
}

/** Sets up a site. */
export const site = async ({ config = {}, env = {}, folder: given }: Setting = {}): Promise<Site> => {
  const [one, two] = await Promise.all([upstream(), upstream()])
  const folder = given ?? mkdtempSync(join(tmpdir(), "plugline-admin-"))
  const path = join(folder, "gateway.json")
  const provider = (url: string, apiKey: string) => ({ baseUrl: `${url}/v1`, apiKey, allowPrivate: true })
  const write = (more: object): void =>
    writeFileSync(path, JSON.stringify({
      providers: {
        openai: provider(one.url, serviceKeys.openai),
        anthropic: provider(two.url, serviceKeys.anthropic)
      },
      pipelines: { default: ["metrics", "trackCost", "circuitBreaker"] },
      auth,
      ...config,
      ...more
    }))
  write({})
  const scope = Scope.makeUnsafe()
  let text = ""
  const gateway = await Effect.runPromise(Scope.provide(
    start({ config: path, port: 0, env, write: (more) => void (text += more), reload: false }),
    scope
  ))
  const { address } = gateway.server
  const stop = (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void))
  return {
    gateway, address, folder, path, one, two, write, stop,
    log: () => text,
    asked: () => one.asked.length + two.asked.length,
    as: async (who, to, more = {}) => {
      const key = Object.hasOwn(secrets, who) ? secrets[who as Person] : who
      const answered = await ask(address, to, { ...more, headers: { ...more.headers, authorization: `Bearer ${key}` } })
      return withJson(answered)
    },
    close: async () => {
      await Promise.all([one.close(), two.close()])
      await stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** An answer with its body read. */
export const withJson = (answered: Answered): Answer => {
  let json: unknown
  try {
    json = JSON.parse(answered.text)
  } catch {
    json = undefined
  }
  return { ...answered, json }
}

/** A question in OpenAI's words. */
export const question = (more: object = {}) => ({
  model: "openai/model-1", messages: [{ role: "user", content: "How are you?" }], ...more
})
