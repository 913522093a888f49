/**
 * Reads the pipelines of a configuration: lists of plugs, or a preset with its options; each refused with its line
 * where it cannot be meant.
 *
 * @module
 */
import { Fallback, Lines, Presets, shipped } from "@plugline/plugs"
import { LlmError, Pipeline, type Plug, Suggest } from "plugline"
import type { Config } from "./Config.ts"
import type { Line, Needs } from "./pipelines.ts"
import type { Path } from "./read.ts"

/** Plugs by the name under which they are written. */
export type Table = Lines.Table<Needs>

/** The plugs that are shipped. */
export const builtInPlugs = shipped as unknown as Table

type Written = Config["pipelines"][string]
type Refuse = (path: Path, message: string) => LlmError

/**
 * A pipeline as it is written.
 *
 * @throws what `refuse` gives, with the path inside the pipeline.
 */
export const lineOf = (written: Written, plugs: Table, refuse: Refuse): Line =>
  Array.isArray(written)
    ? written.map((entry: unknown, index) => plugOf(entry, plugs, (path, message) => refuse([index, ...path], message)))
    : presetOf(written as { readonly [option: string]: unknown }, refuse)

const plugOf = (entry: unknown, plugs: Table, refuse: Refuse): Plug<Needs> => {
  try {
    const [plug] = Lines.parse<Needs>(JSON.stringify([downTheLine(entry, refuse)]), { name: unnamed, plugs })
    return plug as Plug<Needs>
  } catch (thrown) {
    if (!LlmError.isLlmError(thrown) || thrown.reason._tag !== "Configuration" || !thrown.reason.message.startsWith(`${unnamed}, `)) {
      throw thrown
    }
    const { message, option } = thrown.reason
    throw refuse(option === undefined ? [] : pathOf(option), message.replace(/^.*?: /, ""))
  }
}

/** What messages call a text that is part of another, which knows its place better. */
const unnamed = "entry"

/** `steps.0.provider` as a path. */
export const pathOf = (option: string): Path => option.split(".").map(
  (step) => /^\d+$/.test(step) ? Number(step) : step
)

// --- who is asked
// ----------------------------------------------------------------------------------------------------------------

/** Where plugs that ask somebody else list whom. */
export const asked: { readonly [plug: string]: "steps" | "targets" } = { fallback: "steps", cascade: "steps", route: "targets" }

/** What a file cannot say of those who are asked. */
const unsaid: { readonly [field: string]: string } = {
  pipeline: "a pipeline in a pipeline cannot be written down; name the provider alone",
  plugs: "plugs of one step cannot be written down; put them behind this plug, where they hold for every step",
  config: "how a provider is reached, and its key, belongs to the section providers"
}

/**
 * The entry of a plug that asks somebody else, so that its requests go on down the line, where time limits, circuits
 * and budgets hold for them too.
 */
const downTheLine = (entry: unknown, refuse: Refuse): unknown => {
  if (!isFields(entry) || typeof entry.plug !== "string") return entry
  const list = Object.hasOwn(asked, entry.plug) ? asked[entry.plug]! : undefined
  if (list === undefined) return entry
  refuseUnsaid(entry[list], [list], refuse)
  if (entry.through === "providers") {
    throw refuse(["through"], `through: "providers" would lead around time limits, budgets and what whoever asks may use; leave it out`)
  }
  return entry.through === undefined ? { ...entry, through: "rest" } : entry
}

const refuseUnsaid = (steps: unknown, path: Path, refuse: Refuse): void => {
  for (const [index, step] of (Array.isArray(steps) ? steps as ReadonlyArray<unknown> : []).entries()) {
    if (!isFields(step)) continue
    const field = Object.keys(step).find((name) => Object.hasOwn(unsaid, name))
    if (field !== undefined) throw refuse([...path, index, field], `${field}: ${unsaid[field]}`)
  }
}

const isFields = (value: unknown): value is { readonly [field: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

// --- presets
// ---------------------------------------------------------------------------------------------------------------------

/** Lines that are shipped, by name, with their options. */
export const presets: { readonly [name: string]: ReadonlyArray<string> } = {
  resilient: ["deadline", "firstToken", "idle", "attempts", "fallback", "circuitBreaker"],
  economical: ["ttl", "limits"],
  middleware: ["requestsPerMinute", "tokensPerMinute", "ttl", "attempts"]
}

const presetOf = (written: { readonly [option: string]: unknown }, refuse: Refuse): Line => {
  const { preset, ...options } = written
  if (typeof preset !== "string") throw refuse([], "a pipeline is a list of plugs, or a preset by its name as `preset`")
  if (!Object.hasOwn(presets, preset)) throw refuse(["preset"], Suggest.refusal("preset", preset, Object.keys(presets)))
  const known = presets[preset]!
  const stranger = Object.keys(options).find((name) => !known.includes(name))
  if (stranger !== undefined) throw refuse([stranger], `${preset}: ${Suggest.refusal("option", stranger, known)}`)
  const line = made(preset, options, refuse)
  for (const plug of line) {
    const { reason } = (plug as Plug<Needs>).check() ?? {}
    if (reason === undefined) continue
    const option = reason._tag === "Configuration" ? reason.option?.split(".")[0] : undefined
    throw refuse(option !== undefined && Object.hasOwn(options, option) ? [option] : [], `${preset}: ${reason.message}`)
  }
  return line
}

const made = (preset: string, options: { readonly [option: string]: unknown }, refuse: Refuse): Line => {
  if (preset === "economical") return Presets.economical(options)
  if (preset === "middleware") return Presets.middleware(options)
  const { fallback, ...rest } = options as Omit<Presets.Resilient, "fallback"> & { readonly fallback?: unknown }
  const line = Presets.resilient(rest)
  if (fallback === undefined) return line
  if (!Array.isArray(fallback)) throw refuse(["fallback"], "fallback must be a list of those who are asked, in order")
  refuseUnsaid(fallback, ["fallback"], refuse)
  const { deadline = "60 seconds" } = rest
  return Pipeline.insertBefore<Needs, Needs>(
    line,
    "retry",
    Fallback.plug({ steps: fallback, deadline, through: "rest" })
  )
}
