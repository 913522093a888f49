import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { check, print, schema } from "../../src/cli/config.ts"
import { ended, folder, screen } from "./support.ts"

const file = (text: string): string => {
  const path = join(folder(), "g.yaml")
  writeFileSync(path, text)
  return path
}

const canary = "sk-canary-aaaaaaaaaaaaaaaaaaaaaaaa"
const env = { OPENAI_API_KEY: canary }

describe("config check", () => {
  it("says that a good file is good, with what may be meant otherwise", async () => {
    const path = file("providers:\n  openai: {}\n  groq: {}\n")
    const out = screen()
    expect(await ended(check({ file: path, env, json: false }, out))).toBeUndefined()
    expect(out.text()).toBe(
      `${path} is good\nwarning: ${path}, line 3: providers.groq has no key: write apiKey, or set its environment variable\n`
    )
  })

  it("names each error with its line", async () => {
    const path = file("server:\n  prt: 1\nprovders: {}\n")
    const out = screen()
    const told = await ended(check({ file: path, env, json: false }, out))
    expect(told?.split("\n").toSorted()).toEqual([
      "",
      `${path}, line 2: server: unknown field "prt"; did you mean "port"?`,
      `${path}, line 3: unknown field "provders"; did you mean "providers"?`,
      "2 errors"
    ].toSorted())
    expect(out.text()).toBe("")
  })

  it("finds what only a start would: a host for everybody without keys, and a weak key", async () => {
    expect(await ended(check({ file: file("server: { host: 0.0.0.0 }\n"), env, json: false }, screen()))).toContain("no key is configured")
    const weak = file("auth:\n  keys:\n    - { name: a, key: env:WEAK }\n")
    const told = await ended(check({ file: weak, env: { WEAK: "short-secret" }, json: false }, screen()))
    expect(told).toContain("at least 32 characters")
    expect(told).not.toContain("short-secret")
  })

  it("speaks JSON to programs, and still fails", async () => {
    const good = screen()
    await ended(check({ file: undefined, env, json: true }, good))
    expect(JSON.parse(good.text())).toEqual({ good: true, warnings: [] })
    const bad = screen()
    expect(await ended(check({ file: file("server: 3\n"), env, json: true }, bad))).toBeDefined()
    expect(JSON.parse(bad.text())).toMatchObject({ good: false, errors: [expect.stringContaining("line 1")] })
  })
})

describe("config print", () => {
  it("fills in defaults and shows no secret", async () => {
    const path = file(`providers:\n  openai: { apiKey: ${canary}-file }\n  groq: { apiKey: "env:OPENAI_API_KEY" }\n`)
    const out = screen()
    expect(await ended(print({ file: path, env, json: false }, out))).toBeUndefined()
    expect(out.text()).toContain("port: 4141")
    expect(out.text()).toContain("env:OPENAI_API_KEY")
    expect(out.text()).not.toContain("sk-canary")
    const machine = screen()
    await ended(print({ file: path, env, json: true }, machine))
    expect(JSON.parse(machine.text())).toMatchObject({ server: { port: 4141 }, providers: { openai: { apiKey: "<redacted>" } } })
  })
})

it("config schema is JSON Schema", () => {
  const out = screen()
  schema(out)
  expect(JSON.parse(out.text())).toMatchObject({ type: "object", properties: { server: { type: "object" } } })
})
