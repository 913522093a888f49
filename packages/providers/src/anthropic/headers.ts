/**
 * The headers of a request that are no secret: the version of the API, and the beta features it is to have.
 *
 * @module
 */
import { LlmError, type Request } from "@plugline/core"
import { list } from "../wire/read.ts"
import { version } from "./quirks.ts"

/** The headers of a request that has these beta features. */
export const headers = (betas: ReadonlyArray<string>): { readonly [name: string]: string } => ({
  "anthropic-version": version,
  ...(betas.length > 0 && { "anthropic-beta": betas.join(",") })
})

/**
 * The beta features that were asked for: those of `config.betas`, then those of `providerOptions[provider].betas`, then
 * what the request `needs`; each once.
 *
 * @throws LlmError `Configuration` where they are no texts.
 */
export const betasOf = (request: Request, needs: ReadonlyArray<string> = none): ReadonlyArray<string> => {
  const { config, options, provider } = request
  const own = options.providerOptions?.[provider]?.betas
  if (config.betas === undefined && own === undefined) return needs
  const all = new Set<string>()
  for (const [name, given] of [["betas", config.betas], ["providerOptions.betas", own], ["", needs]] as const) {
    if (given === undefined || given === null) continue
    const betas = typeof given === "string" ? [given] : list(given)
    for (const beta of betas ?? [undefined]) {
      // What stands in a header must not be able to add another.
      if (typeof beta === "string" && /^[\w.,: -]+$/.test(beta)) all.add(beta)
      else {
        throw LlmError.make({
          _tag: "Configuration",
          option: name,
          expected: "a list of the names of beta features",
          message: `${name} must be a list of the names of beta features, such as "files-api-2025-04-14"`
        }, { provider })
      }
    }
  }
  return [...all]
}

const none: ReadonlyArray<string> = []
