/**
 * Asks the gateway: with the key of whoever signed in, with a time limit, and with refusals as {@link Refused}.
 *
 * @module
 */

import type {
  Fork,
  Forked,
  Health,
  HealthQuery,
  Imported,
  PipelineView,
  Recorded,
  Replayed,
  Session,
  ShippedPlug,
  Traces,
  TracesQuery
} from "../../api.ts"

/** The gateway said no, or did not answer. */
export class Refused extends Error {
  /** HTTP status; 0 where nobody answered. */
  readonly status: number
  readonly code: string | undefined

  constructor(status: number, message: string, code?: string) {
    super(message)
    this.name = "Refused"
    this.status = status
    this.code = code
  }
}

const place = "plugline.key"

/** The key that requests are sent with: kept while this tab is open. */
export const key = {
  get: (): string | undefined => window.sessionStorage.getItem(place) ?? undefined,
  set: (value: string): void => window.sessionStorage.setItem(place, value),
  clear: (): void => window.sessionStorage.removeItem(place)
}

const signedOut = new Set<() => void>()

/** Is told when the gateway no longer takes the key. */
export const onSignedOut = (listener: () => void): (() => void) => {
  signedOut.add(listener)
  return () => void signedOut.delete(listener)
}

/** How long an answer may take to begin, in ms. */
const patience = 60_000

/** One request to the gateway that serves this page. */
export const send = async (path: string, init: RequestInit = {}): Promise<Response> => {
  const headers = new Headers(init.headers)
  const own = key.get()
  if (own !== undefined) headers.set("authorization", `Bearer ${own}`)
  const late = new AbortController()
  const timer = window.setTimeout(() => late.abort(), patience)
  const signal = init.signal == null ? late.signal : AbortSignal.any([init.signal, late.signal])
  let response: Response
  try {
    response = await window.fetch(path, {
      ...init,
      headers,
      signal,
      credentials: "same-origin",
      redirect: "error",
      cache: "no-store"
    })
  } catch (thrown) {
    if (init.signal?.aborted === true) throw thrown
    throw new Refused(0, late.signal.aborted ? "The gateway did not answer in time." : "The gateway cannot be reached.")
  } finally {
    window.clearTimeout(timer)
  }
  if (response.ok) return response
  if (response.status === 401) for (const listener of signedOut) listener()
  throw await refusal(response)
}

/** Refusals are errors in OpenAI's words; whatever else comes is shown by its status. */
const refusal = async (response: Response): Promise<Refused> => {
  const text = await response.text().catch(() => "")
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: string; readonly code?: string } | string }
    const message = typeof error === "string" ? error : error?.message
    if (message !== undefined) return new Refused(response.status, message, typeof error === "object" ? error.code : undefined)
  } catch {
    // Not JSON.
  }
  return new Refused(response.status, `The gateway answered ${response.status} ${response.statusText}`.trim())
}

const get = async <A>(path: string, signal?: AbortSignal): Promise<A> =>
  (await (await send(`/inspector/api${path}`, signal === undefined ? {} : { signal })).json()) as A

const post = async <A>(path: string, body: object, signal?: AbortSignal): Promise<A> =>
  (await (
    await send(`/inspector/api${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      ...(signal !== undefined && { signal })
    })
  ).json()) as A

const queryOf = (values: object): string => {
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, String(value)]]
  )
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`
}

const one = (id: string): string => `/traces/${encodeURIComponent(id)}`

export const session = (signal?: AbortSignal): Promise<Session> => get("/session", signal)

export const traces = (query: TracesQuery, signal?: AbortSignal): Promise<Traces> => get(`/traces${queryOf(query)}`, signal)

export const trace = (id: string, signal?: AbortSignal): Promise<Recorded> => get(one(id), signal)

export const replay = (id: string, signal?: AbortSignal): Promise<Replayed> => post(`${one(id)}/replay`, {}, signal)

export const fork = (id: string, changes: Fork, signal?: AbortSignal): Promise<Forked> => post(`${one(id)}/fork`, changes, signal)

/** Hands a recorded run from a file to the gateway, which keeps it for a while. */
export const imported = (recorded: Recorded, signal?: AbortSignal): Promise<Imported> => post("/import", recorded, signal)

export const pipelines = (
  signal?: AbortSignal
): Promise<{ readonly pipelines: ReadonlyArray<PipelineView>; readonly plugs: ReadonlyArray<ShippedPlug> }> =>
  get("/pipelines", signal)

export const health = (query: HealthQuery, signal?: AbortSignal): Promise<Health> => get(`/health${queryOf(query)}`, signal)

/** The models that may be asked for, by their ids. */
export const models = async (signal?: AbortSignal): Promise<ReadonlyArray<string>> => {
  const response = await send("/v1/models", signal === undefined ? {} : { signal })
  const { data } = (await response.json()) as { readonly data?: ReadonlyArray<{ readonly id: string }> }
  return (data ?? []).map(({ id }) => id)
}

/** The address at which a client reaches this gateway. */
export const origin = (): string => window.location.origin
