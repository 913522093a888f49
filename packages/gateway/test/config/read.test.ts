/** What a file may hold, and how it is told what it may not. */
import { Redacted } from "effect"
import fc from "fast-check"
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { Effect } from "effect"
import { load } from "../../src/config/load.ts"
import { read } from "../../src/config/read.ts"
import { env, loaded, refusal } from "./support.ts"

const example = readFileSync(new URL("../../../../examples/gateway.yaml", import.meta.url), "utf8")

describe("a file", () => {
  it("of nothing is a configuration, with every default", async () => {
    for (const text of ["", "# nothing\n", "{}"]) {
      const { config } = await loaded(text)
      expect(config.server).toMatchObject({ host: "127.0.0.1", port: 4141, bodyLimit: 10 * 1024 * 1024, grace: 30_000 })
      expect(config.stores.kind).toBe("memory")
      expect(config.telemetry.logs.content).toBe(false)
    }
  })

  it("is YAML or JSON", async () => {
    const yaml = await loaded("server:\n  port: 80\n  bodyLimit: 1.5kb\n")
    const json = await loaded(JSON.stringify({ server: { port: 80, bodyLimit: "1.5kb" } }))
    expect(yaml.config).toEqual(json.config)
    expect(yaml.config.server.bodyLimit).toBe(1536)
  })

  it("that stands in the documentation loads", async () => {
    const { config, lines, models, warnings } = await loaded(example, { ...env, ANTHROPIC_API_KEY: "x" })
    expect([...lines.keys()]).toEqual(["default", "steady", "vectors"])
    expect(models.slice(0, 4).map(({ id }) => id)).toEqual(["default", "fast", "careful", "house"])
    expect(config.tenants.acme?.budgets?.[0]?.amount).toBe("100.00")
    expect(warnings).toEqual([])
  })

  it.each([
    ["serve:\n  port: 1\n", "g.yaml, line 1: unknown field \"serve\"; did you mean \"server\"?"],
    ["server:\n  host: a\n  ports: 1\n", "g.yaml, line 3: server: unknown field \"ports\"; did you mean \"port\"?"],
    ["server:\n  port: 99999\n", "g.yaml, line 2: server.port must be a value between 0 and 65535, not \"99999\""],
    ["server:\n  bodyLimit: 10mc\n", "g.yaml, line 2: server.bodyLimit must be a size above 0"],
    ["server:\n  grace: 5 lightyears\n", "g.yaml, line 2: server.grace must be a length of time above 0"],
    ["stores:\n  kind: sqlit\n", "g.yaml, line 2: stores.kind must be"],
    ["stores:\n  kind: sqlit\n", "did you mean \"sqlite\"?"],
    ["models:\n  a:\n    provder: x\n    model: y\n", "g.yaml, line 3: models.a: unknown field \"provder\"; did you mean \"provider\"?"],
    ["models:\n  a:\n    model: y\n", "g.yaml, line 2: models.a.provider is missing"],
    ["models:\n  fast: opnai/gpt-5\n", "g.yaml, line 2: models.fast: unknown provider \"opnai\"; did you mean \"openai\"?"],
    ["models:\n  fast: openai\n", "g.yaml, line 2: models.fast must be written as openai/model"],
    ["models:\n  f:\n    provider: openai\n    model: x\n    options:\n      temprature: 1\n", "g.yaml, line 6: models.f: unknown option \"temprature\"; did you mean \"temperature\"?"],
    ["providers:\n  openai:\n    regoin: x\n", "g.yaml, line 3: providers.openai: unknown field \"regoin\"; did you mean \"region\"?"],
    ["providers:\n  openai:\n    region: x\n", "g.yaml, line 3: region is for bedrock, bedrock-mantle, not for openai"],
    ["providers:\n  opnai: {}\n", "g.yaml, line 2: unknown provider \"opnai\"; did you mean \"openai\"?"],
    ["providers:\n  mine:\n    type: opnai\n", "g.yaml, line 3: unknown type \"opnai\"; did you mean \"openai\"?"],
    ["providers:\n  mine:\n    type: openai-compatible\n", "g.yaml, line 2: mine needs its baseUrl"],
    ["providers:\n  openai:\n    api: respones\n", "g.yaml, line 3: unknown api \"respones\"; did you mean \"responses\"?"],
    ["providers:\n  openai:\n    apiKey: env:OPENAI_KEY\n", "g.yaml, line 3: providers.openai.apiKey: the environment variable OPENAI_KEY is not set; did you mean OPENAI_API_KEY?"],
    ["providers:\n  openai:\n    apiKey: env:9\n", "g.yaml, line 3: providers.openai.apiKey: env: must be followed by the name of a variable"],
    ["limits:\n  - per: usr\n    requestsPerMinute: 1\n", "g.yaml, line 2: limits.0.per must be"],
    ["limits:\n  - per: key\n    requestsPerMinute: 1\n  - per: key\n    requestsPerMinute: 2\n", "g.yaml, line 4: limits.1.name: must be a name that no other limit has"],
    ["budgets:\n  - per: global\n    amount: 5\n    every: day\ntenants:\n  acme:\n    budgets:\n      - per: key\n        amount: much\n        every: day\n", "g.yaml, line 9: tenants.acme.budgets.0.amount: must be an amount of USD"],
    ["routes:\n  chta: default\n", "g.yaml, line 2: routes: unknown operation \"chta\""],
    ["routes:\n  chat: fast\npipelines:\n  fasts: []\n", "g.yaml, line 2: routes.chat: unknown pipeline \"fast\"; did you mean \"fasts\"?"],
    ["tenants:\n  acme:\n    pipeline: nope\n", "g.yaml, line 3: tenants.acme.pipeline: unknown pipeline \"nope\""],
    ["tenants:\n  acme:\n    providers:\n      - opnai\n", "g.yaml, line 4: tenants.acme: unknown provider \"opnai\""],
    ["server:\n  cors:\n    origins: ['*']\n    credentials: true\n", "g.yaml, line 4: server.cors.credentials cannot be true for the origin *"],
    ["server:\n  cors:\n    origins:\n      - https://a.example/x\n", "g.yaml, line 4: \"https://a.example/x\" is no origin"],
    ["server:\n  trustedProxies: [10.0.0.0/8, everyone]\n", "g.yaml, line 2: server.trustedProxies.1 must be an IP address"],
    ["- a\n", "g.yaml: must be fields and their values"]
  ])("%j is refused with its line", async (text, said) => {
    expect(await refusal(text)).toContain(said)
  })

  it("is told of everything that is wrong with it, in order", async () => {
    const said = await refusal("server:\n  port: x\ninspector:\n  kep: 3\nstores:\n  kind: disk\n")
    expect(said.split("\n").map((line) => /line (\d+)/.exec(line)?.[1])).toEqual(["2", "4", "6"])
  })

  it("with any one field misspelt is refused at that field's line, with the field that was meant", async () => {
    // Names that the writer chooses, and options of plugs and models, are checked by others.
    const lines = example.split("\n")
    const fields = ["server", "port", "bodyLimit", "cors", "origins", "timeouts", "apiKey", "baseUrl", "needsKey", "allowPrivate",
      "options", "limits", "requestsPerMinute", "budgets", "every", "stores", "kind"]
    const places = lines.flatMap((line, index) => {
      const name = /^\s*(?:- )?(\w+):/.exec(line)?.[1]
      return name !== undefined && fields.includes(name) ? [{ index, name }] : []
    })
    expect(places.length).toBeGreaterThan(15)
    await fc.assert(fc.asyncProperty(fc.constantFrom(...places), fc.nat(), async ({ index, name }, at) => {
      const broken = `${name.slice(0, at % name.length)}${name.slice(at % name.length)}x`
      const text = lines.with(index, lines[index]!.replace(name, broken)).join("\n")
      const said = await refusal(text)
      expect(said).toContain(`g.yaml, line ${index + 1}: `)
      expect(said).toContain(`unknown field "${broken}"; did you mean "${name}"?`)
    }), { numRuns: 60 })
  })
})

describe("what is in the environment", () => {
  it("stands wherever env: names it, as what the field takes", async () => {
    const { config } = await loaded(
      "server:\n  port: env:PORT\n  cors:\n    credentials: env:COOKIES\nproviders:\n  openai:\n    apiKey: [env:A, env:B?]\n    baseUrl: env:URL?\n",
      { PORT: "8080", COOKIES: "true", A: " sk-a \n" }
    )
    expect(config.server.port).toBe(8080)
    expect(config.server.cors.credentials).toBe(true)
    const keys = config.providers?.openai?.apiKey as ReadonlyArray<Redacted.Redacted<string>>
    expect(keys.map(Redacted.value)).toEqual(["sk-a"])
    expect(config.providers?.openai?.baseUrl).toBeUndefined()
  })

  it("is not shown where it does not fit", async () => {
    const said = await refusal("server:\n  port: env:PORT\n", { PORT: "canary-in-port" })
    expect(said).toContain("line 2: server.port must be")
    expect(said).not.toContain("canary")
  })

  it("wraps secrets at once", () => {
    const { config } = read("providers:\n  openai:\n    apiKey: sk-canary-1\n    headers:\n      x-a: canary-2\n", "g", {})
    expect(JSON.stringify(config)).not.toContain("canary")
    expect(Redacted.isRedacted(config.providers?.openai?.headers?.["x-a"])).toBe(true)
  })
})

describe("what is hostile", () => {
  it.each([
    ["an alias bomb", `a: &a [x,x]\nb: &b [*a,*a]\nserver: *b\n`, "alias or anchor"],
    ["an anchor alone", "server: &x\n  port: 1\n", "alias or anchor"],
    ["a tag", "server: !!js/function 'x'\n", "line 1: "],
    ["a tag of one's own", "server: !secret x\n", "line 1: "],
    ["a key that stands twice", "server:\n  port: 1\n  port: 2\n", "line 3: "],
    ["depth", `models: ${"[".repeat(90)}${"]".repeat(90)}\n`, "nests deeper than 32 levels"],
    ["a prototype", "providers:\n  __proto__:\n    type: openai\n", "is no name for a field"],
    ["a name with a line break", "models:\n  \"a\\nb\": openai/x\n", "is no name for a field"],
    ["size", `# ${"x".repeat(1_000_001)}`, "longer than"]
  ])("%s is refused", async (_, text, said) => {
    expect(await refusal(text)).toContain(said)
  })

  it("keeps a database below its folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "plugline-config-"))
    mkdirSync(join(folder, "data"))
    symlinkSync("/etc", join(folder, "out"))
    symlinkSync(join(folder, "elsewhere.db"), join(folder, "link.db"))
    const sqlite = (path: string) => refusal(`stores:\n  kind: sqlite\n  path: ${JSON.stringify(path)}\n`, env, { folder })
    expect(await sqlite("../x.db")).toContain("g.yaml, line 3: stores.path must lie below stores.root")
    expect(await sqlite("data/../../x.db")).toContain("must lie below stores.root")
    expect(await sqlite("data/../x.db")).toContain("must lie below stores.root")
    expect(await sqlite("/etc/x.db")).toContain("must lie below stores.root")
    expect(await sqlite("out/x.db")).toContain("passes through the link \"out\"")
    expect(await sqlite("link.db")).toContain("passes through the link \"link.db\"")
    expect(await sqlite("none/x.db")).toContain("a folder that is not there")
    expect(await sqlite("a\0b.db")).toContain("stores.path must be a path without NUL")
    expect((await loaded("stores:\n  kind: sqlite\n  path: data/x.db\n", env, { folder })).config.stores.path).toBe("data/x.db")
    expect((await loaded("stores:\n  kind: sqlite\n  path: ':memory:'\n", env, { folder })).config.stores.path).toBe(":memory:")
  })

  it("reads no file but a plain one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "plugline-config-"))
    writeFileSync(join(folder, "big.yaml"), `# ${"x".repeat(1_100_000)}`)
    const said = async (path: string) => String(await Effect.runPromise(Effect.flip(load(path, env))))
    expect(await said("a\0b")).toContain("its path holds NUL")
    expect(await said(folder)).toContain("it is no file")
    expect(await said(join(folder, "big.yaml"))).toContain("longer than")
    expect(await said(join(folder, "none.yaml"))).toContain("cannot be read")
  })

  it.each(["stores:\n  path: x.db\n", "stores:\n  kind: sqlite\n  url: redis://x\n", "stores:\n  kind: postgres\n", "stores:\n  kind: redis\n  url: http://x\n"])(
    "%j is refused: its settings do not go together",
    async (text) => expect(await refusal(text)).toMatch(/^g\.yaml, line \d: stores\./)
  )
})
