/**
 * Keeps what Bedrock adds to the answers of invoked models, under names that begin with `amazon-bedrock-`, and puts it
 * where it belongs: counts of tokens into the usage, where the model tells none, and the rest into the metadata.
 *
 * @module
 */
import type { ChatResult, FinishPart, JsonValue, Metadata, Usage } from "@plugline/core"
import { type Fields, object, put } from "../../wire/read.ts"
import { metricsUsage } from "../usage.ts"

/** What is known so far. */
export class Additions {
  readonly #provider: string
  readonly #own: { [name: string]: JsonValue } = {}
  #usage: Usage | undefined

  constructor(provider: string) {
    this.#provider = provider
  }

  get isEmpty(): boolean {
    return Object.keys(this.#own).length === 0
  }

  /** Takes the additions out of what the model says. */
  take(event: Fields): { readonly [name: string]: JsonValue } {
    let added = false
    for (const name in event) if (name.startsWith("amazon-bedrock-")) added = true
    if (!added) return event as { readonly [name: string]: JsonValue }
    const rest: { [name: string]: JsonValue } = {}
    for (const [name, value] of Object.entries(event)) {
      if (value === undefined) continue
      if (!name.startsWith("amazon-bedrock-")) put(rest, name, value)
      else {
        put(this.#own, name, value)
        if (name === "amazon-bedrock-invocationMetrics") this.#usage = metricsUsage(object(value))
      }
    }
    return rest
  }

  /** The end of a stream with what was added to it. */
  finish(part: FinishPart): FinishPart {
    const usage = isUnknown(part.usage) ? this.#usage : undefined
    const metadata = this.#metadata(part.metadata)
    return {
      ...part,
      ...(this.#intervened && { reason: "content-filter" }),
      ...(usage !== undefined && { usage }),
      ...(metadata !== undefined && { metadata })
    }
  }

  /** A whole answer with what was added to it; `said` is the usage that its headers tell. */
  result(result: ChatResult, said: Usage | undefined): ChatResult {
    const usage = isUnknown(result.usage) ? this.#usage ?? said : undefined
    const metadata = this.#metadata(result.metadata)
    return {
      ...result,
      ...(this.#intervened && { finishReason: "content-filter" as const }),
      ...(usage !== undefined && { usage }),
      ...(metadata !== undefined && { metadata })
    }
  }

  get #intervened(): boolean {
    return this.#own["amazon-bedrock-guardrailAction"] === "INTERVENED"
  }

  #metadata(before: Metadata | undefined): Metadata | undefined {
    return this.isEmpty ? before : { ...before, [this.#provider]: { ...before?.[this.#provider], ...this.#own } }
  }
}

const isUnknown = ({ inputTokens, outputTokens }: Usage): boolean =>
  inputTokens.total === undefined && outputTokens.total === undefined
