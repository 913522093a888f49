/** What the tests of the configuration have in common. */
import { Effect, Result } from "effect"
import { LlmError } from "plugline"
import { from, type Loaded, type LoadOptions } from "../../src/config/load.ts"
import type { Env } from "../../src/config/read.ts"

export const env: Env = { OPENAI_API_KEY: "sk-canary-openai-000000000001", HOME: "/root" }

/** What a text becomes. */
export const loaded = (text: string, variables: Env = env, options: LoadOptions & { readonly folder?: string } = {}): Promise<Loaded> =>
  Effect.runPromise(from(text, "g.yaml", { env: variables, folder: "/tmp", path: undefined, ...options }))

/** Why a text is refused. */
export const refusal = async (text: string, variables: Env = env, options: LoadOptions & { readonly folder?: string } = {}): Promise<string> => {
  const outcome = await Effect.runPromise(Effect.result(from(text, "g.yaml", { env: variables, folder: "/tmp", path: undefined, ...options })))
  if (Result.isSuccess(outcome)) throw new Error("nothing was refused")
  if (!LlmError.isLlmError(outcome.failure) || outcome.failure.reason._tag !== "Configuration") throw outcome.failure
  return outcome.failure.reason.message
}
