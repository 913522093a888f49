/**
 * Looks over a whole configuration before it is used, and refuses what would go wrong later, each with its reason:
 * names that lead nowhere, and lines whose order or size cannot be meant.
 *
 * @module
 */
import { Catalog } from "@plugline/catalog"
import { type LlmError, type Plug, Request, Suggest } from "plugline"
import type { Config } from "./Config.ts"
import { asked } from "./lines.ts"
import { type Line, type Needs, standard } from "./pipelines.ts"
import type { Offer } from "./providers.ts"
import type { Path, Read } from "./read.ts"

const { operations } = Request

type Refuse = (path: Path, message: string) => LlmError

/** What is looked over. */
export interface Subject {
  readonly config: Config
  readonly offer: Offer
  readonly lines: ReadonlyMap<string, Line>
  readonly references: Read["references"]
}

/** Something that is taken, though it may be meant otherwise. */
export interface Warning {
  readonly path: Path
  readonly message: string
}

/** The most calls that one request may become, all attempts at all providers counted. */
export const mostCalls = 32

/**
 * What is wrong with a configuration, and what may be.
 *
 * @throws what `refuse` gives.
 */
export const check = (subject: Subject, refuse: Refuse): ReadonlyArray<Warning> => {
  checkServer(subject.config, refuse)
  checkNames(subject, refuse)
  for (const [name, line] of subject.lines) checkLine(subject, ["pipelines", name], plugsOf(line), refuse)
  return Object.entries(subject.config.pipelines).flatMap(([name, written]) =>
    steps(written).flatMap(({ path, step }) => checkStep(subject, ["pipelines", name, ...path], step, refuse)))
}

const plugsOf = (line: Line): ReadonlyArray<Plug<Needs>> => line as ReadonlyArray<Plug<Needs>>

// --- names
// --------------------------------------------------------------------------------------------------------------------

const checkServer = ({ server: { cors } }: Config, refuse: Refuse): void => {
  if (cors.credentials && cors.origins.includes("*")) {
    throw refuse(
      ["server", "cors", "credentials"],
      "server.cors.credentials cannot be true for the origin *: every page could ask as whoever looks at it"
    )
  }
  for (const [index, origin] of cors.origins.entries()) {
    if (origin !== "*" && URL.parse(origin)?.origin !== origin) {
      throw refuse(
        ["server", "cors", "origins", index],
        `${Suggest.quote(origin)} is no origin: scheme, host and port such as https://app.example.com`
      )
    }
  }
}

const checkNames = ({ config, lines, offer: { registry } }: Subject, refuse: Refuse): void => {
  const pipelines = [...lines.keys(), standard]
  const isPipeline = (path: Path, name: string | undefined): void => {
    if (name !== undefined && !pipelines.includes(name)) {
      throw refuse(path, `${path.join(".")}: ${Suggest.refusal("pipeline", name, pipelines)}`)
    }
  }
  const areRoutes = (path: Path, routes: { readonly [name: string]: string } = {}): void => {
    for (const [route, pipeline] of Object.entries(routes)) {
      if (!route.startsWith("/") && route !== standard && !(operations as ReadonlyArray<string>).includes(route)) {
        throw refuse(
          [...path, route],
          `${path.join(".")}: ${Suggest.refusal("operation", route, [...operations, standard])}; a path begins with "/"`
        )
      }
      isPipeline([...path, route], pipeline)
    }
  }
  areRoutes(["routes"], config.routes)
  for (const [name, alias] of Object.entries(config.models)) {
    if (typeof alias !== "string") isPipeline(["models", name, "pipeline"], alias.pipeline)
  }
  for (const [tenant, { models = [], pipeline, providers = [], routes }] of Object.entries(config.tenants)) {
    const path = ["tenants", tenant]
    isPipeline([...path, "pipeline"], pipeline)
    areRoutes([...path, "routes"], routes)
    for (const [index, provider] of providers.entries()) {
      if (!registry.has(provider)) {
        throw refuse(
          [...path, "providers", index],
          `${path.join(".")}: ${Suggest.refusal("provider", provider, registry.names)}`
        )
      }
    }
    for (const [index, model] of models.entries()) {
      if (Object.hasOwn(config.models, model) || !model.includes("/") || registry.has(model.split("/")[0]!)) continue
      throw refuse(
        [...path, "models", index],
        `${path.join(".")}: ${Suggest.refusal("provider", model.split("/")[0]!, registry.names)}`
      )
    }
  }
}

// --- who is asked
// ----------------------------------------------------------------------------------------------------------------

interface Step {
  readonly path: Path
  readonly step: { readonly [field: string]: unknown }
}

/** Everyone that the plugs of a written pipeline ask besides the provider. */
const steps = (written: Config["pipelines"][string]): ReadonlyArray<Step> => {
  const listed = (list: unknown, path: Path): ReadonlyArray<Step> =>
    (Array.isArray(list) ? list as ReadonlyArray<unknown> : []).flatMap((step, index) =>
      typeof step === "object" && step !== null && "provider" in step ? [{ path: [...path, index], step: step as Step["step"] }] : [])
  if (!Array.isArray(written)) return listed((written as { readonly fallback?: unknown }).fallback, ["fallback"])
  return (written as ReadonlyArray<unknown>).flatMap((entry, index) => {
    if (typeof entry !== "object" || entry === null) return []
    const options = entry as { readonly [option: string]: unknown }
    const list = typeof options.plug === "string" && Object.hasOwn(asked, options.plug) ? asked[options.plug]! : undefined
    return list === undefined ? [] : listed(options[list], [index, list])
  })
}

const checkStep = ({ offer }: Subject, path: Path, { model, provider }: Step["step"], refuse: Refuse): ReadonlyArray<Warning> => {
  const { kindOf, modelsOf, registry } = offer
  if (typeof provider !== "string") return []
  if (!registry.has(provider)) {
    throw refuse([...path, "provider"], `${path.join(".")}: ${Suggest.refusal("provider", provider, registry.names)}`)
  }
  if (typeof model !== "string") return []
  const own = modelsOf(provider)
  if (own !== undefined) {
    if (!own.includes(model)) {
      throw refuse([...path, "model"], `${path.join(".")}: ${Suggest.refusal("model", model, own)}`)
    }
    return []
  }
  const kind = kindOf(provider)
  const near = Catalog.get(kind, model) === undefined ? Catalog.suggest(kind, model, 1)[0] : undefined
  return near === undefined ? [] : [{
    path: [...path, "model"],
    message: `${path.join(".")}: the catalog does not know the model ${Suggest.quote(model)} of ${provider}; did you mean ${Suggest.quote(near)}?`
  }]
}

// --- lines
// --------------------------------------------------------------------------------------------------------------------

const keeps = (name: string): boolean => name === "cache" || name === "semanticCache"
const redacts = (name: string): boolean => /^(redact|pii)/i.test(name)
const guards = (name: string): boolean => /^guard/i.test(name)

/** What answers, or asks, before what stands behind it has looked. */
const answers = new Set(["cache", "semanticCache", "idempotency", "cascade", "fallback", "route", "retry", "hedge"])

/** Who a request is made for is told apart by these. */
const tellsApart = new Set(["cache", "semanticCache", "idempotency", "rateLimit", "budget", "receipt", "log"])

/**
 * Refuses a line whose order or size cannot be meant. `path`: where it is written.
 *
 * @throws what `refuse` gives.
 */
export const checkLine = (
  { config, references }: Pick<Subject, "config" | "references">,
  path: Path,
  line: ReadonlyArray<Plug<Needs>>,
  refuse: Refuse
): void => {
  const written = config.pipelines[String(path[1])]
  const place = (index: number): Path => Array.isArray(written) ? [...path, index] : path
  for (const [index, plug] of line.entries()) {
    const behind = line.slice(index + 1).map(({ name }) => name)
    const options = (plug.options ?? {}) as { readonly [option: string]: unknown }
    const refusePlug = (message: string, option?: string) =>
      refuse(option === undefined ? place(index) : [...place(index), option], `${path.join(".")}: ${message}`)

    if (tellsApart.has(plug.name) && behind.includes("identity")) {
      throw refusePlug(
        `identity must stand in front of ${plug.name}, because who asks must be known before anything is shared or counted`
      )
    }
    if ((plug.name === "log" || plug.name === "receipt") && options.content === true) {
      const redactor = behind.find(redacts)
      if (redactor !== undefined) {
        throw refusePlug(
          `${redactor} must stand in front of ${plug.name}, because ${plug.name} would write what is to be removed`,
          "content"
        )
      }
      if (!config.telemetry.logs.content) {
        throw refusePlug(`${plug.name} may not write what was said while telemetry.logs.content is false`, "content")
      }
    }
    if (answers.has(plug.name)) {
      const guard = behind.find(guards)
      if (guard !== undefined) {
        throw refusePlug(
          `${guard} must stand in front of ${plug.name}, because an answer could begin before it has looked`
        )
      }
    }
    if (keeps(plug.name)) {
      const redactor = behind.find(redacts)
      if (redactor !== undefined) {
        throw refusePlug(
          `${redactor} must stand in front of ${plug.name}, because ${plug.name} would keep what is to be removed`
        )
      }
      const { apart } = options
      if (Array.isArray(apart) && !apart.includes("tenant") && Object.keys(config.tenants).length > 0) {
        throw refusePlug(`${plug.name} must keep tenants apart, because there are some: add "tenant" to apart`, "apart")
      }
      const secret = [...references.keys()].find((key) => key.startsWith(`${place(index).join(".")}.`))
      if (secret !== undefined) {
        throw refuse([...place(index), secret.split(".").at(-1)!],
          `${secret}: what comes from the environment may be a credential, and must not become part of a cache's keys`)
      }
    }
  }
  const parts = factors(line.map((plug, index) => ({
    name: plug.name,
    // What a plug shows of its options is not always all of them.
    options: { ...plug.options as object, ...Array.isArray(written) ? written[index] as object : {} }
  })))
  const calls = parts.reduce((product, [, times]) => product * times, 1)
  if (calls > mostCalls) {
    const sum = parts.map(([name, times]) => `${name} ${times}`).join(" × ")
    throw refuse(path, `${path.join(".")}: one request could become ${calls} calls (${sum}), more than ${mostCalls}`)
  }
}

interface Shown {
  readonly name: string
  readonly options: { readonly [option: string]: unknown }
}

/** How many calls each plug can make out of one. */
export const factors = (line: ReadonlyArray<Shown>): ReadonlyArray<readonly [plug: string, times: number]> =>
  line.flatMap(({ name, options }): ReadonlyArray<readonly [string, number]> => {
    const { attempts, delay, max, percentile, steps, targets } = options
    const given = (value: unknown, otherwise: number): number => typeof value === "number" && value > 0 ? value : otherwise
    const length = (list: unknown): number => Array.isArray(list) ? list.length : 0
    switch (name) {
      case "retry":
        return [[name, given(attempts, 3)]]
      case "hedge":
        return [[name, delay === undefined && percentile === undefined ? 1 : 1 + given(max, 1)]]
      case "fallback":
        return [[name, 1 + length(steps)]]
      case "cascade":
        return [[name, Math.max(1, length(steps))]]
      case "route":
        return [[name, Math.max(1, Math.min(given(attempts, 3), length(targets)))]]
      default:
        return []
    }
  })
