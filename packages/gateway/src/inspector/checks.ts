/**
 * What was looked at when a pipeline was loaded, and what came of it, in words; and the stores it cannot be without.
 *
 * @module
 */
import type { PipelineView } from "@plugline/inspector"
import { Providers, Taped } from "@plugline/plugs"
import { Context, Effect, Exit } from "effect"
import { LlmError, Mask, Pipeline, type Plug, type Services } from "plugline"
import { checkLine, factors, mostCalls } from "../config/checks.ts"
import type { Loaded } from "../config/load.ts"
import type { Line } from "../config/pipelines.ts"

type Check = PipelineView["checks"][number]

const watchers = ["log", "receipt"]
const sharers = ["cache", "semanticCache", "idempotency"]
const counters = ["rateLimit", "budget"]

/** What was looked at, in the order in which it is told. */
export const checksOf = (name: string, line: Line, { config, references, warnings }: Loaded): ReadonlyArray<Check> => {
  const plugs = line as ReadonlyArray<Plug<never>>
  const names = plugs.map((plug) => plug.name)
  const some = (among: ReadonlyArray<string>): ReadonlyArray<string> => names.filter((each, at) => among.includes(each) && names.indexOf(each) === at)
  const wrong = refusal(() => checkLine({ config, references }, ["pipelines", name], plugs, (_path, message) =>
    LlmError.make({ _tag: "Configuration", option: name, message })))
  const parts = factors(plugs.map(({ name, options }) => ({ name, options: (options ?? {}) as { readonly [option: string]: unknown } })))
  const calls = parts.reduce((product, [, times]) => product * times, 1)
  const shared = some([...sharers, ...counters])
  const kept = some(sharers)
  const written = some(watchers)
  return [
    {
      name: "order",
      ok: wrong === undefined,
      says: wrong ?? `${names.length} plugs stand in an order that means what it says`
    },
    {
      name: "calls",
      ok: calls <= mostCalls,
      says: calls === 1
        ? "one request becomes one call"
        : `one request becomes at most ${calls} calls (${parts.filter(([, times]) => times > 1).map(([name, times]) => `${name} ${times}`).join(" × ")}); `
          + `${mostCalls} are allowed`
    },
    ...shared.length === 0 ? [] : [{ name: "identity", ok: true, says: `who asks is known before ${listed(shared)} ${shared.length === 1 ? "counts or shares" : "count or share"} anything` }],
    ...kept.length === 0 ? [] : [{ name: "tenants", ok: true, says: `${listed(kept)} ${kept.length === 1 ? "keeps" : "keep"} tenants apart, and no credential is part of a key` }],
    ...written.length === 0 ? [] : [{
      name: "content",
      ok: true,
      says: config.telemetry.logs.content
        ? `${listed(written)} may write what was said, credentials masked, behind whatever removes something from it`
        : `${listed(written)} ${written.length === 1 ? "writes" : "write"} nothing of what was said`
    }],
    limited("limits", names.includes("rateLimit"), "calls are held to limits", "nothing limits how often it may be asked"),
    limited("budget", names.includes("budget"), "calls stop when the money is spent", "nothing limits what may be spent"),
    ...warnings.filter((text) => text.includes(`pipelines.${name}.`) || text.includes(`pipelines.${name}:`)).map((text) => ({
      name: "warning", ok: false, says: Mask.text(text)
    }))
  ]
}

const limited = (name: string, is: boolean, yes: string, no: string): Check => ({ name, ok: true, says: is ? yes : no })

const listed = (names: ReadonlyArray<string>): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`

const refusal = (check: () => void): string | undefined => {
  try {
    check()
  } catch (thrown) {
    return Mask.text(LlmError.fromUnknown(thrown).reason.message)
  }
  return undefined
}

// --- needs
// ----------------------------------------------------------------------------------------------------------------------

const known = new WeakMap<Line, ReadonlyArray<string>>()

const services: ReadonlyArray<{ readonly name: string; readonly service: Context.Key<never, unknown> }> = [
  ...Taped.stores,
  { name: "Providers", service: Providers.Providers as unknown as Context.Key<never, unknown> }
]

/** The stores and services without which a pipeline cannot be compiled, by name. */
export const needsOf = (line: Line, context: Context.Context<Services>): ReadonlyArray<string> => {
  let found = known.get(line)
  if (found === undefined) {
    const needs = ({ service }: typeof services[number]): boolean => {
      const without = Context.omit(service as never)(context) as unknown as Context.Context<Services>
      // Another array each time: a pipeline that was compiled before is not compiled again.
      return Exit.isFailure(Effect.runSyncExitWith(without)(Pipeline.compile([...line] as Line)))
    }
    known.set(line, found = services.filter(needs).map(({ name }) => name))
  }
  return found
}
