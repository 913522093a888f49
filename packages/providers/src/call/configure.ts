/**
 * Settles where the provider is and how long it may take. What it writes is to be seen by anyone: no credential is read
 * here.
 *
 * @module
 */
import { LlmError, type Operation, Plug, Request, type Timeouts } from "@plugline/core"
import { baseUrl, type Definition } from "./definition.ts"
import { defaultTimeouts } from "../transport/outgoing.ts"
import { conclude } from "./conclude.ts"

/** The second plug of a provider: `config.baseUrl` and `config.timeouts`, each with its default. */
export const configure = (provider: Definition, operation: Operation): Plug => {
  const usual = { ...defaultTimeouts, ...provider.timeouts }
  return Plug.make("configure", (request) => {
    if (request.state !== "pending") return request
    const { config } = request
    try {
      return Request.mergeConfig(request, {
        baseUrl: config.baseUrl === undefined || config.baseUrl === provider.baseUrl ? provider.baseUrl : baseUrl(config.baseUrl),
        timeouts: config.timeouts === undefined ? usual : { ...usual, ...limits(config.timeouts) }
      })
    } catch (thrown) {
      return conclude(request, LlmError.fromUnknown(thrown, { provider: provider.name }))
    }
  }, { options: { provider: provider.name, operation, baseUrl: provider.baseUrl } })
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
