/** Holds the pages of the plugs to their sources: every option and every metric is on its page, and every plug has an example. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Schema } from "effect"
import { describe, expect, it } from "vitest"
import {
  Batch, Budget, Cache, Cascade, CircuitBreaker, Fallback, Hedge, Idempotency, Identity, Log, Metrics, order, PromptCache,
  Queue, RateLimit, Receipt, Retry, Route, SemanticCache, Timeout, Tokens, TrackCost
} from "../src/index.ts"

const sources = join(import.meta.dirname, "../src")
const pages = join(import.meta.dirname, "../../../docs/plugs")
const page = (name: string): string => readFileSync(join(pages, `${name}.md`), "utf8")

interface Documented {
  readonly page: string
  /** The file that holds the plug. */
  readonly source: string
  readonly options: { readonly fields: { readonly [name: string]: Schema.Top } }
}

const shipped: { readonly [name: string]: Documented } = {
  identity: { page: "identity", source: "identity", options: Identity.Options },
  log: { page: "log", source: "Log", options: Log.Options },
  receipt: { page: "receipt", source: "Receipt", options: Receipt.Options },
  metrics: { page: "metrics", source: "Metrics", options: Metrics.Options },
  trackCost: { page: "track-cost", source: "TrackCost", options: TrackCost.Options },
  idempotency: { page: "idempotency", source: "Idempotency", options: Idempotency.Options },
  "tokens.trim": { page: "tokens", source: "Tokens", options: Tokens.TrimOptions },
  "tokens.limit": { page: "tokens", source: "Tokens", options: Tokens.LimitOptions },
  cache: { page: "cache", source: "Cache", options: Cache.Options },
  semanticCache: { page: "semantic-cache", source: "SemanticCache", options: SemanticCache.Options },
  rateLimit: { page: "rate-limit", source: "RateLimit", options: RateLimit.Options },
  cascade: { page: "cascade", source: "Cascade", options: Cascade.Options },
  fallback: { page: "fallback", source: "Fallback", options: Fallback.Options },
  route: { page: "route", source: "Route", options: Route.Options },
  retry: { page: "retry", source: "Retry", options: Retry.Options },
  hedge: { page: "hedge", source: "Hedge", options: Hedge.Options },
  budget: { page: "budget", source: "Budget", options: Budget.Options },
  embeddings: { page: "batch", source: "Batch", options: Batch.EmbeddingsOptions },
  promptCache: { page: "prompt-cache", source: "PromptCache", options: PromptCache.Options },
  circuitBreaker: { page: "circuit-breaker", source: "CircuitBreaker", options: CircuitBreaker.Options },
  timeout: { page: "timeout", source: "Timeout", options: Timeout.Options },
  "Queue.layer": { page: "queue", source: "Queue", options: Queue.Options },
  "Queue.plug": { page: "queue", source: "Queue", options: Queue.PlugOptions }
}

/** The names in the first cells of a page's tables: `timeout`, `budget.usd`. */
const rowsOf = (text: string): ReadonlyMap<string, ReadonlyArray<string>> =>
  new Map(text.split("\n").filter((line) => line.startsWith("|")).flatMap((line) => {
    const cells = line.split("|").slice(1, -1).map((cell) => cell.trim())
    return [...cells[0]!.matchAll(/`([^`]+)`/g)].map(([, name]) => [name!, cells] as const)
  }))

/** An example that runs and tells what comes out. */
const example = /```ts\n[^]*?\/\/ => [^]*?```/

const examplesIn = (text: string): boolean => example.test(text.replace(/^ \* ?/gm, ""))

describe("every shipped plug", () => {
  it("is known here", () => expect(Object.keys(shipped)).toEqual(expect.arrayContaining([...order])))

  for (const [name, { options, page: file, source }] of Object.entries(shipped)) {
    it(`${name} has a page with an example, and every option with its default in a table`, () => {
      const text = page(file)
      expect(examplesIn(text)).toBe(true)
      const rows = rowsOf(text)
      for (const option of Object.keys(options.fields)) {
        const found = [...rows].filter(([row]) => row === option || row.startsWith(`${option}.`))
        expect(found.map(([row]) => row), option).not.toEqual([])
        for (const [, cells] of found) expect(cells.every((cell) => cell !== ""), option).toBe(true)
      }
    })

    it(`${name} has an example in its source`, () => {
      const [module] = readFileSync(join(sources, `${source}.ts`), "utf8").split("*/")
      expect(examplesIn(module!)).toBe(true)
      expect(module).toContain("@module")
    })
  }

  it("is in the overview, with every page", () => {
    const overview = page("README")
    for (const name of readdirSync(pages)) {
      if (name !== "README.md") expect(overview).toContain(`](${name})`)
    }
  })
})

describe("metrics", () => {
  const files = (folder: string): ReadonlyArray<string> =>
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name)
      return statSync(path).isDirectory() ? files(path) : [path]
    })
  const made = files(sources).flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/\b(?:counter|gauge|histogram|frequency|summary)\(\s*"([^"]+)"/g)].map(([, name]) => name!))

  it("have each a name of its own, in one way of writing", () => {
    expect(made.length).toBeGreaterThan(25)
    expect(new Set(made).size).toBe(made.length)
    for (const name of made) expect(name).toMatch(/^(plugline\.[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*|gen_ai\.(client|server)(\.[a-z_]+)+)$/)
  })

  it("are those of the page", () => {
    const told = [...rowsOf(page("metrics")).keys()].filter((name) => /^(plugline|gen_ai)\./.test(name))
    expect(told.toSorted()).toEqual(made.toSorted())
  })

  it("are called on other pages what they are called in the code", () => {
    for (const name of readdirSync(pages)) {
      const told = [...readFileSync(join(pages, name), "utf8").matchAll(/`(plugline\.[a-zA-Z_]+\.[a-zA-Z_]+)`/g)]
      for (const [, metric] of told) expect(made, name).toContain(metric)
    }
  })
})
