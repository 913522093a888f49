/**
 * Where the page is, as a hash: `#/traces/req_1/walk`. Read and written here alone. Pure.
 *
 * @module
 */
/** The views of one recorded run, in the order of their tabs. */
export const traceViews = ["walk", "waterfall", "stream", "wire", "replay", "explain"] as const

export type TraceView = (typeof traceViews)[number]

/** A place on the page. */
export type Route =
  | { readonly view: "traffic"; readonly query: string }
  | { readonly view: "trace"; readonly id: string; readonly tab: TraceView; readonly query: string }
  | { readonly view: "compare"; readonly a: string; readonly b: string }
  | { readonly view: "pipelines"; readonly name?: string; readonly other?: string }
  | { readonly view: "playground"; readonly query: string }
  | { readonly view: "health"; readonly query: string }
  | { readonly view: "nowhere"; readonly hash: string }

/** Reads the hash of an address. What it does not know is nowhere. */
export const parse = (hash: string): Route => {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2)
  const [view = "", ...rest] = path
    .split("/")
    .filter((step) => step !== "")
    .map(decoded)
  switch (view) {
    case "":
    case "traffic":
      return { view: "traffic", query }
    case "traces": {
      const [id, tab = "walk"] = rest
      if (id === undefined || !isTab(tab)) return { view: "nowhere", hash }
      return { view: "trace", id, tab, query }
    }
    case "compare": {
      const [a, b] = rest
      return a === undefined || b === undefined ? { view: "nowhere", hash } : { view: "compare", a, b }
    }
    case "pipelines": {
      const [name, other] = rest
      return { view: "pipelines", ...(name !== undefined && { name }), ...(other !== undefined && { other }) }
    }
    case "playground":
    case "health":
      return { view, query }
    default:
      return { view: "nowhere", hash }
  }
}

const isTab = (tab: string): tab is TraceView => (traceViews as ReadonlyArray<string>).includes(tab)

/** A text that is no good percent encoding stands for itself. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The hash of a place, from its steps: `to("traces", id, "walk")`. */
export const to = (...steps: ReadonlyArray<string>): string => `#/${steps.map(encodeURIComponent).join("/")}`

/** The hash with a query; empty values are left out. */
export const withQuery = (hash: string, values: { readonly [name: string]: string | undefined }): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== "") query.set(name, value)
  const text = query.toString()
  return text === "" ? hash : `${hash}?${text}`
}
