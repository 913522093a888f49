/**
 * Copies, compares and freezes the plain data of requests.
 *
 * @module
 */
import { Json, Plug, Request } from "@plugline/core"
import type { PlugLike } from "@plugline/core"
import { differences } from "./compare.ts"

/** Everything of a request that is a value. A reply that is still arriving is none. */
const values = (request: Request) => ({
  id: request.id,
  operation: request.operation,
  provider: request.provider,
  messages: request.messages,
  options: request.options,
  config: request.config,
  state: request.state,
  halted: request.halted,
  providerRequest: request.providerRequest,
  headers: request.response?.headers,
  result: request.result,
  assigns: request.assigns,
  private: request.private,
  metadata: request.metadata,
  errors: request.errors.map(({ attempt, plug, provider, reason }) => ({ attempt, plug, provider, reason }))
})

/** Plain data copied all the way down; what is not plain stays the same object. */
export const copy = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(copy)
  if (!Json.isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, copy(field)]))
}

/** Plain data frozen all the way down. */
export const freeze = (value: unknown): void => {
  if (!(Array.isArray(value) || Json.isRecord(value)) || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const field of Object.values(value)) freeze(field)
}

/** A request whose plain data nobody else holds. */
export const loose = (request: Request): Request =>
  Request.patch(request, copy({
    messages: request.messages,
    options: request.options,
    metadata: request.metadata,
    assigns: request.assigns,
    config: request.config,
    ...(request.result !== undefined && { result: request.result })
  }) as Parameters<typeof Request.patch>[1])

/** Two plugs that are shown each request on its way and each answer on its way back, and change nothing. */
export const watch = (name: string, look: (where: string, request: Request) => void): ReadonlyArray<PlugLike> => [
  Plug.make(`${name}-request`, (request) => {
    look(`the request ${name} it`, request)
    return request
  }),
  Plug.after(`${name}-answer`, (request) => {
    look(`the answer ${name} it`, request)
    return request
  })
]

/** Remembers requests and says later which of them were changed. */
export const memory = () => {
  const seen: Array<{ readonly where: string; readonly request: Request; readonly before: unknown }> = []
  return {
    look: (where: string, request: Request): void => {
      seen.push({ where, request, before: copy(values(request)) })
    },
    /** Where a request is not what it was; the empty text where all are. */
    changed: (): string =>
      seen.map(({ before, request, where }) => {
        const found = differences(before, values(request))
        return found === "" ? "" : `${where} was changed in place:\n${found}`
      }).filter((line) => line !== "").join("\n")
  }
}

/** Freezes all plain data of a request. */
export const freezeRequest = (_where: string, request: Request): void => {
  freeze(Object.values(values(request)))
  Object.freeze(request.errors)
  Object.freeze(request)
}
