/**
 * What sets the Gemini API and Vertex AI apart, the two places where Google serves the same wire: where a model is, and
 * which generation of it knows what.
 *
 * @module
 */
import { LlmError, type Request } from "@plugline/core"
import { address } from "../wire/draft.ts"

/** `gemini`: the Gemini API. `vertex`: Vertex AI. */
export type Surface = "gemini" | "vertex"

const geminiUrl = "https://generativelanguage.googleapis.com/v1beta"

/** Where the service is. */
export const baseOf = ({ config: { baseUrl } }: Request, surface: Surface): string =>
  surface === "vertex" ? vertexBase(baseUrl ?? "https://aiplatform.googleapis.com/v1beta1") : baseUrl ?? geminiUrl

/**
 * Not every location has a host that is named after it: `global` has the bare one, `us` and `eu` have their own form.
 */
const vertexBase = (base: string): string =>
  base.replace(/^https:\/\/global-aiplatform\.googleapis\.com\//, "https://aiplatform.googleapis.com/")
    .replace(/^https:\/\/(us|eu)-aiplatform\.googleapis\.com\//, "https://aiplatform.$1.rep.googleapis.com/")

/** The address of a model's method. */
export const methodUrl = (request: Request, model: string, method: string, surface: Surface): string => {
  const base = baseOf(request, surface)
  const path = pathOf(model, surface, request.provider)
  // A tuned model or an endpoint names its project itself.
  return address(path.startsWith("/projects/") ? base.replace(/\/projects\/[^?]*/, "") : base, `${path}:${method}`)
}

/** The address of the list of models. Those of Vertex belong to no project. */
export const modelsUrl = (request: Request, surface: Surface): string => {
  const base = baseOf(request, surface)
  return surface === "gemini"
    ? address(base, "/models")
    : address(base.replace(/\/projects\/[^?]*/, ""), "/publishers/google/models")
}

/** An address with more of a query. */
export const withQuery = (url: string, query: { readonly [name: string]: string | undefined }): string => {
  let out = url
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) out += `${out.includes("?") ? "&" : "?"}${name}=${encodeURIComponent(value)}`
  }
  return out
}

const pathOf = (model: string, surface: Surface, provider: string): string => {
  const steps = model.split("/")
  if (steps.some((step) => step === "" || step === "." || step === "..")) {
    throw LlmError.make({
      _tag: "InvalidRequest",
      parameter: "model",
      message: `${provider} knows no model of this name: each part of it between slashes must be a name`
    }, { provider })
  }
  const path = steps.map((step) => encodeURIComponent(step).replaceAll("%40", "@")).join("/")
  if (surface === "gemini") return steps.length === 1 ? `/models/${path}` : `/${path}`
  if (/^(projects|publishers|endpoints)\//.test(path)) return `/${path}`
  const publisher = steps.length === 2 && steps[0] !== "models" ? encodeURIComponent(steps[0]!) : "google"
  return `/publishers/${publisher}/models/${last(path)}`
}

const last = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

/** The model and the method of an address, in the form in which callers give a model. */
export const readUrl = (url: string): { readonly model: string; readonly method: string } | undefined => {
  const query = url.search(/[?#]/)
  const path = query < 0 ? url : url.slice(0, query)
  const found = /(?:publishers\/([^/]+)\/)?(models|tunedModels|endpoints)\/([^/:]+):([A-Za-z]+)$/.exec(path)
  if (found === null) return undefined
  const [, publisher = "google", kind, name, method] = found
  const owner = kind === "models" ? publisher === "google" ? "" : `${publisher}/` : `${kind}/`
  return { model: decoded(`${owner}${name}`), method: method! }
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

// --- generations -----------------------------------------------------------------------------------------------------

/** `3` of `gemini-3.1-pro`. A name such as `gemini-flash-latest` means the newest. */
const generation = (model: string): number | undefined => {
  const found = /gemini-(?:robotics-er-|live-)?(\d{1,3})(?![0-9])/.exec(model)
  return found === null ? model.includes("gemini-") ? Infinity : undefined : Number(found[1])
}

/** Whether thinking is asked for as a level; before, it was a number of tokens. */
export const thinksInLevels = (model: string): boolean => (generation(model) ?? Infinity) >= 3

/** Whether a tool's answer may hold files. */
export const takesFilesInResults = (model: string): boolean => (generation(model) ?? 0) >= 3

/** Whether a call of the model must come back with a thought signature. */
export const needsSignatures = (model: string): boolean => (generation(model) ?? 0) >= 3
