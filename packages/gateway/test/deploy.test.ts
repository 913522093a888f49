import { Effect } from "effect"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"
import { describe, expect, it } from "vitest"
import { load } from "../src/config/load.ts"

const root = join(import.meta.dirname, "../../..")
const deploy = join(root, "deploy")
const read = (name: string) => readFileSync(join(deploy, name), "utf8")
const yaml = (name: string) =>
  parseAllDocuments(read(name)).map((document) => {
    expect(document.errors).toEqual([])
    return document.toJS() as Record<string, never>
  })

const env = {
  PLUGLINE_ADMIN_KEY: "a".repeat(40),
  PLUGLINE_METRICS_KEY: "m".repeat(40),
  REDIS_URL: "redis://127.0.0.1:6379",
  OPENAI_API_KEY: "sk-test-0123456789"
}

const files = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : path.endsWith(".ts") ? [path] : []
  })

/** Every metric of the code, as Prometheus sees its name. */
const metrics = ["plugs", "gateway"].flatMap((name) => files(join(root, "packages", name, "src"))).flatMap((path) =>
  [...readFileSync(path, "utf8").matchAll(/\b(?:counter|gauge|histogram)\(\s*"([^"]+)"/g)].map(([, name]) => name!.replaceAll(".", "_")))

const isKnown = (name: string) => metrics.some((metric) => name === metric || name.startsWith(`${metric}_`))

/** The metrics of an expression: words that are neither functions nor labels. */
const named = (expression: string) =>
  [...expression.replace(/\{[^}]*\}|by \([^)]*\)|\$__rate_interval/g, " ").matchAll(/\b[a-z_]{4,}\b(?!\()/g)].map(([name]) => name!)
    .filter((name) => !["rate", "increase", "histogram_quantile"].includes(name))

describe("what is deployed", () => {
  it("the configuration of the containers can be loaded", async () => {
    const loaded = await Effect.runPromise(load(join(deploy, "gateway.yaml"), env))
    expect(loaded.config.auth?.keys.map(({ name }) => name)).toEqual(["admin", "prometheus"])
  })

  it("the manifests of Kubernetes hold what belongs together, and a configuration that can be loaded", async () => {
    const documents = yaml("kubernetes.yaml") as unknown as ReadonlyArray<{ kind: string; metadata: { name: string } }>
    expect(documents.map(({ kind }) => kind)).toEqual(["ConfigMap", "Deployment", "Service", "PodDisruptionBudget"])
    const { from } = await import("../src/config/load.ts")
    const [{ data }] = documents as unknown as readonly [{ data: { "gateway.yaml": string } }]
    const loaded = await Effect.runPromise(from(data["gateway.yaml"], "kubernetes.yaml", { env, folder: deploy, path: undefined }))
    expect(loaded.config.stores.kind).toBe("redis")
    const deployment = documents[1] as unknown as {
      spec: { template: { metadata: { labels: object }; spec: { terminationGracePeriodSeconds: number } }; selector: { matchLabels: object } }
    }
    expect(deployment.spec.selector.matchLabels).toEqual(deployment.spec.template.metadata.labels)
    expect(deployment.spec.template.spec.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(loaded.config.server.grace)
  })

  it("compose mounts files that are there", () => {
    const [compose] = yaml("compose.yaml") as unknown as readonly [{ services: Record<string, { volumes?: ReadonlyArray<string> }> }]
    const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes).filter((volume) => volume.startsWith("./"))
    expect(mounted.length).toBeGreaterThan(4)
    for (const volume of mounted) expect(statSync(join(deploy, volume.split(":")[0]!)).isFile()).toBe(true)
  })

  it("alert rules ask for metrics that there are", () => {
    const [{ groups }] = yaml("alerts.yaml") as unknown as readonly [{ groups: ReadonlyArray<{ rules: ReadonlyArray<{ alert: string; expr: string }> }> }]
    const rules = groups.flatMap(({ rules }) => rules)
    expect(rules.length).toBeGreaterThan(5)
    for (const { alert, expr } of rules) {
      if (alert === "PluglineDown") continue
      expect(named(expr).length, alert).toBeGreaterThan(0)
      for (const name of named(expr)) expect(isKnown(name), `${alert}: ${name}`).toBe(true)
    }
  })

  it("the dashboard asks for metrics that there are, and no two panels overlap", () => {
    const { panels } = JSON.parse(read("grafana/plugline.json")) as {
      panels: ReadonlyArray<{ title: string; gridPos: { x: number; y: number; w: number; h: number }; targets: ReadonlyArray<{ expr: string }> }>
    }
    for (const { targets, title } of panels) {
      for (const { expr } of targets) for (const name of named(expr)) expect(isKnown(name), `${title}: ${name}`).toBe(true)
    }
    const taken = new Set<string>()
    for (const { gridPos: { h, w, x, y }, title } of panels) {
      for (let left = x; left < x + w; left++) {
        for (let top = y; top < y + h; top++) {
          expect(taken.has(`${left} ${top}`), title).toBe(false)
          taken.add(`${left} ${top}`)
        }
      }
    }
  })

  it("the image copies what is there", () => {
    for (const [, from] of read("Dockerfile").matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const path of from!.split(" ")) expect(statSync(join(root, path)), path).toBeDefined()
    }
  })
})
