/**
 * Puts the request into the provider's words, and keeps what of it the provider cannot honour for the answer's warnings.
 *
 * @module
 */
import { Key, LlmError, type Operation, Plug, Request, type Result, type Warning } from "@plugline/core"
import type { Definition } from "./definition.ts"
import type { Wire } from "../Wire.ts"
import { conclude } from "./conclude.ts"

/** What the caller must be told about the answer. */
const warningsKey = Key.make<ReadonlyArray<Warning>>("providers.warnings")

/** The third plug of a provider: `providerRequest`, without the credential. */
export const prepare = (provider: Definition, operation: Operation, wire: Wire): Plug =>
  Plug.make("prepare", (request) => {
    if (request.state !== "pending") return request
    try {
      const { request: prepared, warnings } = wire.prepare(request)
      const headers = provider.headers(request)
      return warn(Request.putProviderRequest(request, { ...prepared, headers: { ...prepared.headers, ...headers } }), warnings)
    } catch (thrown) {
      return conclude(request, LlmError.fromUnknown(thrown, { provider: provider.name }))
    }
  }, { options: { provider: provider.name, operation } })

/** Notes warnings for the answer to come. */
export const warn = (request: Request, warnings: ReadonlyArray<Warning>): Request =>
  warnings.length === 0 && warningsOf(request).length === 0 ? request : Request.putPrivate(request, warningsKey, warnings)

/** The warnings noted for the answer to come. */
export const warningsOf = (request: Request): ReadonlyArray<Warning> => Request.getPrivate(request, warningsKey) ?? none

const none: ReadonlyArray<Warning> = []

/** The answer with the warnings that were noted for it, those first. */
export const warned = (result: Result, warnings: ReadonlyArray<Warning>): Result =>
  warnings.length === 0 || result.type === "list_models" || result.type === "validate"
    ? result
    : { ...result, warnings: [...warnings, ...result.warnings ?? []] }
