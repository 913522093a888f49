/**
 * Settles where the provider is and how long it may take. What it writes is to be seen by anyone: no credential is read
 * here.
 *
 * @module
 */
import { LlmError, type Operation, Plug, Request, type Timeouts } from "@plugline/core"
import { Effect } from "effect"
import { addressOf, baseUrl, environment, type Values, valuesOf } from "./address.ts"
import type { Definition } from "./definition.ts"
import { defaultTimeouts } from "../transport/outgoing.ts"
import { conclude } from "./conclude.ts"

/** The second plug of a provider: `config.baseUrl`, `config.timeouts` and the settings, each with its default. */
export const configure = (provider: Definition, operation: Operation): Plug => {
  const options = { provider: provider.name, operation, baseUrl: provider.baseUrl }
  return Object.keys(provider.settings).length === 0
    ? Plug.make("configure", handler(provider, {}), { options })
    : Plug.of({
      name: "configure",
      options,
      make: Effect.map(environment(provider), (env) => new Plug.Linear(handler(provider, env)))
    })
}

const handler = (provider: Definition, env: Values) => {
  const usual = { ...defaultTimeouts, ...provider.timeouts }
  const settled = Object.keys(provider.settings).length > 0
  return (request: Request): Request => {
    if (request.state !== "pending") return request
    const { config } = request
    try {
      return Request.mergeConfig(request, {
        ...(settled && valuesOf(provider, config, env)),
        baseUrl: config.baseUrl === undefined || config.baseUrl === provider.baseUrl
          ? addressOf(provider, config, env)
          : baseUrl(config.baseUrl),
        timeouts: config.timeouts === undefined ? usual : { ...usual, ...limits(config.timeouts) }
      })
    } catch (thrown) {
      return conclude(request, LlmError.fromUnknown(thrown, { provider: provider.name }))
    }
  }
}

const limits = (timeouts: Timeouts): Timeouts => {
  for (const [name, limit] of Object.entries(timeouts)) {
    if (!Object.hasOwn(defaultTimeouts, name) || !(typeof limit === "number" && limit > 0)) {
      throw LlmError.make({
        _tag: "Configuration",
        option: `timeouts.${name}`,
        expected: "connect, firstToken, idle and total: each a number of ms above 0, Infinity for none",
        message: `timeouts.${name} must be one of connect, firstToken, idle, total and a number of ms above 0`
      })
    }
  }
  return timeouts
}
