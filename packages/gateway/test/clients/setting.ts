/**
 * A gateway in this process before the services, with a key of its own, and the table's cases as tests.
 *
 * @module
 */
import { Effect, Exit, Scope } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Gateway, start } from "../../src/Gateway.ts"
import {
  type Client, type ClientName, clients, type Flow, flowsOf, type Note, type Outcome, outcomeOf,
  type UpstreamName, upstreamsOf
} from "./table.ts"
import { type Held, type Upstreams, upstreams } from "./upstreams.ts"

/** The key that clients have; no service takes it. */
export const key = "pl-clients-0123456789abcdefghijklmnopqrstuv"

/** Where a flow runs. */
export interface At {
  readonly upstream: UpstreamName
  readonly address: string
  /** The model that chats, and the one that makes vectors. */
  readonly model: string
  readonly embedder: string
  /** What the case differs in. */
  readonly note: Note | undefined
  /** Has a client leave: `streams` once it has read something, else while it waits. The service is left at once. */
  readonly leaves: (streams: boolean, call: Call) => Promise<void>
}

/** A call that does not end: it says the text, calls `begun` once it has read something, and fails when it is left. */
export type Call = (text: string, signal: AbortSignal, begun: () => void, model: string) => Promise<unknown>

const models: { readonly [Name in UpstreamName]: readonly [chat: string, embed: string] } = {
  openai: ["openai/gpt-5-mini", "openai/text-embedding-3-small"],
  anthropic: ["anthropic/claude-sonnet-4-6", "anthropic/claude-sonnet-4-6"],
  google: ["google/gemini-3-flash-preview", "google/gemini-embedding-001"],
  ollama: ["ollama/qwen3", "ollama/nomic-embed-text"],
  cohere: ["cohere/command-a-reasoning-08-2025", "cohere/embed-v4.0"],
  bedrock: ["bedrock/anthropic.claude-sonnet-4-6", "bedrock/cohere.embed-english-v3"],
  local: ["local/rules-1", "local/ngrams-1"],
  "google-compatible": ["google-compatible/gemini-3-flash-preview", "google-compatible/gemini-embedding-001"],
  "ollama-compatible": ["ollama-compatible/qwen3", "ollama-compatible/nomic-embed-text"]
}

const yaml = (url: string): string => `
auth: { keys: [{ name: clients, role: developer, key: "env:CLIENT_KEY" }] }
providers:
  openai: { baseUrl: "${url}/openai", apiKey: sk-openai-service, allowPrivate: true }
  anthropic: { baseUrl: "${url}/anthropic", apiKey: sk-anthropic-service, allowPrivate: true }
  google: { api: generate, baseUrl: "${url}/google", apiKey: google-service-key, allowPrivate: true }
  ollama: { api: native, baseUrl: "${url}/ollama", allowPrivate: true, models: [qwen3, nomic-embed-text] }
  google-compatible:
    type: google
    baseUrl: "${url}/google"
    apiKey: google-service-key
    allowPrivate: true
    models: [gemini-3-flash-preview]
  ollama-compatible: { type: ollama, baseUrl: "${url}/ollama", allowPrivate: true, models: [qwen3] }
  cohere: { baseUrl: "${url}/cohere", apiKey: cohere-service-key, allowPrivate: true }
  bedrock: { baseUrl: "${url}/bedrock", apiKey: bedrock-service-key, region: eu-central-1, allowPrivate: true }
  local: {}
  slow: { type: local, tokenDelay: 300 }
models: { smart: openai/gpt-5-mini, limited: { provider: local, model: rules-1, pipeline: limited } }
pipelines:
  default: []
  limited: [{ plug: rateLimit, limits: [{ per: model, requestsPerMinute: 1 }] }]
`

let gateway: Gateway
let services: Upstreams
let close: () => Promise<void>
let count = 0

const open = async (): Promise<void> => {
  services = await upstreams()
  const folder = mkdtempSync(join(tmpdir(), "plugline-clients-"))
  const config = join(folder, "gateway.yaml")
  writeFileSync(config, yaml(services.url))
  const scope = Scope.makeUnsafe()
  gateway = await Effect.runPromise(
    Scope.provide(start({ config, port: 0, env: { CLIENT_KEY: key }, reload: false }), scope)
  )
  close = async () => {
    await services.close()
    await Effect.runPromise(Scope.close(scope, Exit.void))
    rmSync(folder, { recursive: true, force: true })
  }
}

const at = (upstream: UpstreamName, outcome: Outcome): At => ({
  upstream,
  address: gateway.server.address,
  model: models[upstream][0],
  embedder: models[upstream][1],
  note: "note" in outcome ? outcome.note : undefined,
  leaves: async (streams, call) => {
    const text = `hold ${++count}`
    const controller = new AbortController()
    const held = upstream === "local" ? undefined : services.held(text)
    let started: () => void = () => {}
    const begun = new Promise<void>((resolve) => started = resolve)
    const called = call(text, controller.signal, started, upstream === "local" ? "slow/rules-1" : models[upstream][0])
      .then(() => new Error("the call ended well"), (error: unknown) => error)
    const failed = called.then((error) => Promise.reject<Held>(error))
    const holding = await within(5_000, "nobody was asked", Promise.race([held ?? Promise.resolve(undefined), failed]))
    if (streams) await within(5_000, "nothing was read", Promise.race([begun, failed]))
    expect(gateway.server.active()).toBe(1)
    controller.abort()
    if (holding !== undefined) await within(1_000, "the service was not left", holding.left)
    await expect.poll(() => gateway.server.active(), { timeout: 1_000 }).toBe(0)
    const error = await called
    expect(error).toBeInstanceOf(Error)
    expect((error as Error).message).not.toBe("the call ended well")
  }
})

const within = <A>(ms: number, why: string, promise: Promise<A>): Promise<A> =>
  Promise.race([promise, new Promise<never>((_, reject) => setTimeout(() => reject(new Error(why)), ms))])

/** What a client's error says of itself. */
export interface Failure {
  readonly error: string
  readonly status: number | undefined
}

/** Every case of one client: each flow over each service, held to the table. */
export const cases = (
  name: ClientName,
  run: { readonly [Each in Flow]?: (at: At) => Promise<void> },
  describeError: (error: unknown) => Failure
): void => {
  const client: Client = clients[name]

  describe(client.title, () => {
    beforeAll(open)
    afterAll(() => close())

    for (const flow of flowsOf(client)) {
      it.each(upstreamsOf(client))(`${flow} over %s`, async (upstream) => {
        const outcome = outcomeOf(client, flow, upstream)
        const before = services.refused.length
        const here = at(upstream, outcome)
        // The gateway's own limit is one call.
        const isOurs = flow === "limited" && upstream === "local"
        if (isOurs) await run.limited!({ ...here, model: "limited" })
        const failed = await run[flow]!(
          isOurs ? { ...here, model: "limited" } : here
        ).then(() => undefined, (error: unknown) => error)
        if ("error" in outcome) {
          expect(
            failed === undefined ? "no error" : describeError(failed)
          ).toMatchObject({ error: outcome.error, status: outcome.status })
        } else if (failed !== undefined) throw failed
        expect(services.refused.slice(before), "what the service refused").toEqual([])
      })
    }

    it("leaves nothing behind", () => expect.poll(() => gateway.server.active()).toBe(0))
  })
}
