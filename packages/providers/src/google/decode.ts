/**
 * Reads a request as a client of the Gemini API or of Vertex AI sends it: the way back of `prepare`.
 *
 * Written again it is the same request, but for these defaults: names are spelt as `inlineData`, not `inline_data`,
 * modes in capitals, levels of thinking in small letters; lists are lists; a content has a role, a call has arguments;
 * `systemInstruction` has no role; what asks for nothing (an empty `generationConfig`) is left out; functions that
 * follow each other are declared together, every other tool for itself.
 *
 * @module
 */
import { LlmError, type Operation } from "@plugline/core"
import type { Asked, Wire } from "../Wire.ts"
import { conversation } from "./decodeContents.ts"
import { asked } from "./decodeOptions.ts"
import { fieldsOf, invalid } from "./fields.ts"
import { readUrl } from "./surface.ts"

const operations: { readonly [method: string]: Operation } = {
  generateContent: "chat",
  streamGenerateContent: "stream"
}

/** Reads a `generateContent` or `streamGenerateContent`; which of them, and of which model, the address says. */
export const decode: NonNullable<Wire["decode"]> = ({ body, url }, provider): Asked =>
  guarded(() => {
    const { method, model } = methodOf(url, Object.keys(operations))
    const { contents, systemInstruction, ...rest } = fieldsOf(body, "the request")
    const messages = conversation(contents, systemInstruction, provider)
    const { options, own } = asked(rest, model, provider)
    if (messages.rules !== undefined) own.systemInstruction = messages.rules
    return {
      operation: operations[method]!,
      messages: messages.messages,
      options: {
        model,
        ...options,
        ...(Object.keys(own).length > 0 && { providerOptions: { [provider]: own } })
      }
    }
  })

/** Model and method of an address. */
export const methodOf = (
  url: string,
  methods: ReadonlyArray<string>
): { readonly model: string; readonly method: string } => {
  const found = readUrl(url)
  if (found !== undefined && methods.includes(found.method)) return found
  throw invalid("the address", `…/models/{model}:${methods.join(" or :")}`)
}

/** Whatever a hostile request makes go wrong is the request's fault. */
export const guarded = (read: () => Asked): Asked => {
  try {
    return read()
  } catch (thrown) {
    if (LlmError.isLlmError(thrown)) throw thrown
    const message = "the request cannot be read: it nests too deep"
    throw LlmError.make({ _tag: "InvalidRequest", message }, { cause: thrown })
  }
}
