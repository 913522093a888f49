/**
 * A gateway in this process over services on this machine, and clients that speak each of its dialects.
 *
 * @module
 */
import { Effect, Exit, Scope } from "effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { Agent, request as httpRequest } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Pipeline, Plug } from "plugline"
import { type Gateway, start } from "../../src/Gateway.ts"
import { type Upstream, upstream } from "./upstream.ts"

/** A gateway, with the services behind it. */
export interface Stage {
  readonly gateway: Gateway
  readonly upstream: Upstream
  readonly address: string
  /** The configuration file. */
  readonly path: string
  /** What was written to the log, one entry a request. */
  readonly log: Array<{
    readonly requestId: string
    readonly status: number
    readonly error?: { readonly reason: string }
  }>
  /** Asks the gateway to end, as a signal does. */
  readonly stop: () => Promise<void>
  /** Ends everything. */
  readonly close: () => Promise<void>
}

/** How a stage is set. */
export interface Setting {
  /** More sections of the configuration, as YAML. */
  readonly yaml?: string
  /** More of `server`, as YAML. */
  readonly server?: string
  /** Time limits of the services, as YAML in braces. */
  readonly timeouts?: string
  /** More providers, as YAML. */
  readonly providers?: string
  /** Pipelines beside the default one, as YAML. */
  readonly pipelines?: string
  /** Stands in front of every pipeline. */
  readonly plug?: Plug
}

/** The configuration of a stage. */
export const yamlOf = (url: string, setting: Setting): string => {
  const timeouts = setting.timeouts ?? "{}"
  const provider = (name: string, path: string): string =>
    `  ${name}: { baseUrl: "${url}${path}", apiKey: sk-test-0123456789, allowPrivate: true, timeouts: ${timeouts} }`
  return [
    "server:",
    "  port: 0",
    ...(setting.server ?? "").split("\n").map((line) => `  ${line}`),
    "providers:",
    provider("openai", "/v1"),
    provider("anthropic", "/v1"),
    provider("google", "/v1beta"),
    setting.providers ?? "",
    "pipelines:",
    "  default: []",
    setting.pipelines ?? "",
    setting.yaml ?? ""
  ].join("\n")
}

/** Sets a stage. */
export const stage = async (setting: Setting = {}): Promise<Stage> => {
  const service = await upstream()
  const folder = mkdtempSync(join(tmpdir(), "plugline-server-"))
  const path = join(folder, "gateway.yaml")
  writeFileSync(path, yamlOf(service.url, setting))
  const log: Array<Stage["log"][number]> = []
  const scope = Scope.makeUnsafe()
  const write = (text: string): void => {
    for (const line of text.split("\n")) if (line !== "") log.push(JSON.parse(line) as Stage["log"][number])
  }
  const starting = start({ config: path, port: 0, env: {}, write, reload: false })
  const gateway = await Effect.runPromise(Scope.provide(starting, scope))
  if (setting.plug !== undefined) inFront(gateway, setting.plug)
  const stop = (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void))
  return {
    gateway,
    upstream: service,
    address: gateway.server.address,
    path,
    log,
    stop,
    close: async () => {
      await service.close()
      await stop()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** A plug of a test's own, which no configuration can name. */
const inFront = ({ configuration }: Gateway, plug: Plug): void => {
  const { loaded } = configuration.current()
  const made = new Map<unknown, Pipeline>()
  const { pipelineFor } = loaded
  Object.assign(loaded, {
    pipelineFor: (call: Parameters<typeof pipelineFor>[0]) => {
      const line = pipelineFor(call)
      const known = made.get(line) ?? [plug, ...line as Pipeline]
      made.set(line, known)
      return known
    }
  })
}

/** An answer of the gateway. */
export interface Answered {
  readonly status: number
  readonly headers: { readonly [name: string]: string | ReadonlyArray<string> | undefined }
  readonly text: string
  /** The pieces in which it came. */
  readonly bytes: Buffer
  /** Whether it came to its end. */
  readonly whole: boolean
}

/** How something is asked. */
export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string | ReadonlyArray<string>>
  readonly body?: string | Buffer | object
  readonly agent?: Agent
}

/** Asks the gateway and reads its answer to the end. */
export const ask = (address: string, path: string, { agent, body, headers = {}, method }: Ask = {}) =>
  new Promise<Answered>((resolve, reject) => {
    const sent = typeof body === "object" && !Buffer.isBuffer(body) ? JSON.stringify(body) : body
    const about = sent !== undefined && { "content-type": "application/json", "content-length": Buffer.byteLength(sent) }
    const request = httpRequest(address, {
      // As it is written: a URL would be put in order first.
      path,
      method: method ?? (body === undefined ? "GET" : "POST"),
      agent: agent ?? false,
      headers: { ...about, ...headers }
    }, (response) => {
      const pieces: Array<Buffer> = []
      response.on("data", (piece: Buffer) => pieces.push(piece))
      response.on("error", () => {})
      response.on("close", () => {
        const bytes = Buffer.concat(pieces)
        const { complete, headers, statusCode = 0 } = response
        resolve({ status: statusCode, headers, bytes, text: bytes.toString("utf8"), whole: complete })
      })
    })
    request.on("error", reject)
    request.end(sent)
  })

/** Waits a while, in ms. */
export const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
