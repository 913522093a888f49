/**
 * Hands a call in the making to everything that takes an AI SDK model (specification version 4): its options, plugs and provider
 * become a model object for `generateText`, `streamText`, agents and whatever else is built on them. Nothing of the AI SDK is
 * loaded.
 *
 * The AI SDK repeats a failed call around the model. Retries belong to the pipeline here, so failures say that they are not to be
 * repeated.
 *
 * @module
 */
import type { Builder } from "../Builder.ts"
import { plugline } from "../Plugline.ts"
import type { Run } from "../Plugline.ts"
import { generated, streamed } from "./answer.ts"
import { callError } from "./failure.ts"
import { messages, options } from "./prompt.ts"
import type * as Spec from "./spec.ts"
import { Exit, Scope } from "effect"

/** How such a model runs. */
export interface AiSdkOptions {
  /** Runs Effects as Promises. Default: that of the built-in face, `plugline.run`. */
  readonly run?: Run
  /** What the AI SDK shows as provider. Default: `plugline`. */
  readonly provider?: string
}

/**
 * A model object of the AI SDK that asks through a builder: what its options say counts where a call says nothing else.
 *
 * @example
 * ```ts
 * import { generateText } from "ai"
 * import { build } from "plugline"
 * import { aiSdkModel } from "plugline/ai-sdk"
 *
 * const { text, usage } = await generateText({ model: aiSdkModel(build("local")), prompt: "What is 6 * 7?" })
 * text // => "6 * 7 = 42"
 * usage.outputTokens // => 9
 * ```
 */
export const aiSdkModel = (builder: Builder<"chat">, { provider = "plugline", run = plugline.run }: AiSdkOptions = {}): Spec.Model => {
  const call = (given: Spec.CallOptions): Builder<"chat"> => {
    const asked = builder.withMessages(messages(given.prompt)).withOptions(options(given))
    const headers = Object.entries(given.headers ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined)
    return headers.length === 0 ? asked : asked.withConfig({ headers: Object.fromEntries(headers) })
  }
  const signalOf = ({ abortSignal }: Spec.CallOptions) => abortSignal === undefined ? undefined : { signal: abortSignal }
  /** What was thrown, in the AI SDK's words; a call that was aborted fails with the signal's reason. */
  const failing = async <A>(given: Spec.CallOptions, go: () => Promise<A>): Promise<A> => {
    try {
      return await go()
    } catch (thrown) {
      given.abortSignal?.throwIfAborted()
      throw callError(thrown)
    }
  }

  return {
    specificationVersion: "v4",
    provider,
    modelId: builder.debugInfo().options.model ?? builder.debugInfo().provider,
    // Addresses are handed to the provider as they are; one that takes none refuses them itself.
    supportedUrls: { "*/*": [/^https?:\/\//] },

    doGenerate: (given) =>
      failing(given, async () => generated(await run(call(given).execute(), signalOf(given)))),

    doStream: (given) =>
      failing(given, async () => {
        const scope = Scope.makeUnsafe()
        const close = () => run(Scope.close(scope, Exit.void))
        const live = await run(Scope.provide(call(given).open(), scope), signalOf(given)).catch(async (thrown: unknown) => {
          await close()
          throw thrown
        })
        let begun = false
        const stream = new ReadableStream<Spec.StreamPart>({
          pull: async (controller) => {
            try {
              const parts = await run(live.pull, signalOf(given))
              if (!begun) {
                begun = true
                controller.enqueue({ type: "stream-start", warnings: [] })
              }
              for (const part of parts ?? []) for (const piece of streamed(part)) controller.enqueue(piece)
              if (parts !== undefined) return
              await close()
              controller.close()
            } catch (thrown) {
              await close()
              controller.error(given.abortSignal?.aborted === true ? given.abortSignal.reason : callError(thrown))
            }
          },
          cancel: close
        }, { highWaterMark: 0 })
        return { stream }
      })
  }
}

export type { Model } from "./spec.ts"
