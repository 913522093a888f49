/**
 * Reads the tools that Google ran itself: code with its output, searches and the like with their answers. Which part
 * each came in is noted in the metadata as `part`, so that it can go back as that part.
 *
 * @module
 */
import type { JsonValue } from "@plugline/core"
import { defined, type Fields, object, text } from "../wire/read.ts"
import { type Mark, metadataOf, nameOf, rest, type Shared } from "./shared.ts"

/** The parts in which they come. */
export const executedParts = ["executableCode", "codeExecutionResult", "toolCall", "toolResponse"] as const

type Kind = typeof executedParts[number]

/** What code is called as a tool. */
export const codeExecution = "code_execution"

/** Whether a run of code went wrong. */
export const wentWrong = ({ outcome }: Fields): boolean => typeof outcome === "string" && outcome !== "OUTCOME_OK"

/** The tools that were run for one candidate. */
export class Executed {
  readonly #shared: Shared
  readonly #mark: Mark
  #last: string | undefined
  #count = 0

  constructor(shared: Shared, mark: Mark) {
    this.#shared = shared
    this.#mark = mark
  }

  /** A part. Answers whether it was one of these. */
  add(part: Fields): boolean {
    for (const kind of executedParts) {
      const block = object(part[kind])
      if (block === undefined) continue
      this.#add(kind, block, part)
      return true
    }
    return false
  }

  #add(kind: Kind, block: Fields, part: Fields): void {
    const { id: given, ...fields } = block
    const said = defined(fields)
    switch (kind) {
      case "executableCode":
        return this.#called(kind, text(given), codeExecution, said, part)
      case "toolCall":
        return this.#called(kind, text(given), text(block.toolType) ?? "tool", block.args ?? {}, part)
      case "codeExecutionResult":
        return this.#answered(kind, text(given), codeExecution, said, wentWrong(block), part)
      case "toolResponse":
        return this.#answered(kind, text(given), text(block.toolType) ?? "tool", block.response ?? null, false, part)
    }
  }

  #called(kind: Kind, given: string | undefined, name: string, params: JsonValue, part: Fields): void {
    const id = this.#last = given ?? this.#next()
    const ran = { providerExecuted: true }
    this.#shared.out.push(
      { type: "tool-params-start", id, name, ...ran, ...this.#mark },
      { type: "tool-params-delta", id, delta: JSON.stringify(params), ...this.#mark },
      { type: "tool-params-end", id, ...this.#mark },
      { type: "tool-call", id, name, params, ...ran, ...this.#own(kind, part), ...this.#mark }
    )
  }

  #answered(
    kind: Kind,
    given: string | undefined,
    name: string,
    result: JsonValue,
    isFailure: boolean,
    part: Fields
  ): void {
    // An answer without a name is one to the last call.
    const id = given ?? this.#last ?? this.#next()
    this.#shared.out.push({
      type: "tool-result",
      id,
      name,
      result,
      isFailure,
      providerExecuted: true,
      ...this.#own(kind, part),
      ...this.#mark
    })
  }

  #next(): string {
    return nameOf(this.#shared, this.#mark, `x${this.#count++}`)
  }

  #own(kind: Kind, part: Fields) {
    return metadataOf({ part: kind, ...rest(part, new Set([kind])) }, this.#shared)
  }
}
