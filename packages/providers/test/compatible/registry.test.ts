/**
 * What holds of every provider that is shipped, and that using one loads no other.
 *
 * @module
 */
import { Pipeline } from "@plugline/core"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, relative, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { all } from "../../src/all.ts"
import { keyNames } from "../../src/Credentials.ts"

const source = resolve(import.meta.dirname, "../../src")
const fileOf = (name: string): string => {
  const file = resolve(source, `${name}.ts`)
  return existsSync(file) ? file : resolve(source, name, "index.ts")
}
const valueOf = (name: string): string => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

const each = all.map((provider) => [provider.name, provider] as const)

/** Keys that providers share on purpose. */
const shared: { readonly [key: string]: ReadonlyArray<string> } = {
  OLLAMA_API_KEY: ["ollama", "ollama-cloud"]
}

describe("the providers that are shipped", () => {
  it("have each a name of their own, and stand in its order", () => {
    const names = all.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).toEqual([...names].sort())
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
  })

  it.each(each)("%s stands in the file of its name", async (name, provider) => {
    const module = await import(fileOf(name)) as { readonly [value: string]: unknown }
    expect(module[valueOf(name)]).toBe(provider)
  })

  it("are all of those that are made", () => {
    const made = readdirSync(source).filter((file) =>
      file.endsWith(".ts") && !/^[A-Z]/.test(file) && /= (compatible|Provider\.make|make)\(\{/.test(readFileSync(resolve(source, file), "utf8"))
    )
    expect(all.map(({ name }) => `${name}.ts`)).toEqual(expect.arrayContaining(made))
  })

  it.each(each)("%s has a pipeline for each of its wires", (_, provider) => {
    // The built-in one answers by itself, with no wire.
    if (provider.baseUrl === "") return
    expect(Object.keys(provider.pipelines)).toEqual(Object.keys(provider.wires))
    for (const pipeline of Object.values(provider.pipelines)) {
      expect(Pipeline.names(pipeline)).toEqual(["validate", "configure", "prepare", "send", "parse"])
    }
    expect(provider.wires.chat === undefined).toBe(provider.wires.stream === undefined)
    expect(provider.title.length).toBeGreaterThan(1)
  })

  it.each(each)("%s is asked over TLS, or on this machine", (_, provider) => {
    const { baseUrl, settings = {} } = provider
    if (baseUrl === "") return
    const filled = baseUrl.replace(/\{(\w+)\}/g, (_, name: string) => {
      const { fallback, kind } = settings[name]!
      return fallback ?? (kind === "url" ? "https://a.test" : "a")
    })
    expect(filled).toMatch(/^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost)\b)/)
  })

  it("know their keys by the names that services give them, each its own", () => {
    const owners = new Map<string, Array<string>>()
    for (const { keys, name } of all) {
      for (const source of keys) {
        for (const key of keyNames(source).split(" and ")) {
          expect(key).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/)
          // Those of a whole cloud are for all of its services.
          if (typeof source === "string") owners.set(key, [...owners.get(key) ?? [], name])
        }
      }
    }
    for (const [key, names] of owners) if (names.length > 1) expect({ [key]: names }).toEqual({
      [key]: shared[key] ?? sharedByCloud(key, names)
    })
  })
})

/** A cloud's own credentials open several of its services. */
const sharedByCloud = (key: string, names: ReadonlyArray<string>): ReadonlyArray<string> | undefined =>
  [/^(GOOGLE|GEMINI|VERTEX)_/, /^AWS_/].some((cloud) => cloud.test(key)) ? names : undefined

// --- what is loaded --------------------------------------------------------------------------------------------------

/** Every file that a file imports, by whatever way. Imports of types alone load nothing. */
const reached = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = readFileSync(file, "utf8").replace(/\/\*[^]*?\*\//g, "")
  for (const [, type, names, from] of text.matchAll(/^(?:import|export)\s+(type\s+)?(?:([^;"'=]*?)\s+from\s+)?"([^"]+)"/gm)) {
    if (type !== undefined || (names !== undefined && /^\{(\s*type\s[^,}]+,?)+\s*\}$/.test(names))) continue
    if (from!.startsWith(".")) reached(resolve(dirname(file), from!), seen)
  }
  return seen
}

const folders = readdirSync(
  source,
  { withFileTypes: true }
).filter((entry) => entry.isDirectory()).map(({ name }) => name)
/** What every provider may stand on. */
const common = ["call", "wire", "transport", "credentials", "oauth"]
/** Families that build on others. */
const beside: { readonly [name: string]: ReadonlyArray<string> } = {
  google: ["openai"],
  vertex: ["google", "anthropic", "openai"],
  bedrock: ["anthropic", "openai"],
  "bedrock-mantle": ["bedrock", "openai", "responses", "anthropic"],
  ollama: ["openai"],
  "ollama-cloud": ["openai"]
}

describe("using one provider", () => {
  it.each(all.map(({ name }) => [name]))("%s loads no other's family", (name) => {
    const isCompatible = [...reached(fileOf(name))].some((file) => file.endsWith("OpenAiCompatible.ts"))
    const allowed = [...common, ...beside[name] ?? [], ...(isCompatible ? ["openai", "responses"] : [name])]
    const families = new Set<string>()
    const entries: Array<string> = []
    for (const file of reached(fileOf(name))) {
      const path = relative(source, file).split("/")
      if (path.length > 1 && folders.includes(path[0]!)) families.add(path[0]!)
      else if (/^[a-z]/.test(path[0]!) && path[0] !== `${name}.ts`) entries.push(path[0]!)
    }
    expect([...families].filter((family) => !allowed.includes(family))).toEqual([])
    expect(entries).toEqual([])
  })

  it("finds what it looks for", () => {
    const files = [...reached(resolve(source, "all.ts"))].map((file) => relative(source, file))
    expect(files).toEqual(expect.arrayContaining(
      ["groq.ts", "openai/chat.ts", "anthropic.ts", "call/send.ts", "wire/read.ts"]
    ))
  })
})
