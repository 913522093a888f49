/**
 * Looks ahead in parts that arrive together: of an item the service's own fields, its id among them, ride on the last
 * part that it became, and are written with the first where they are known in time.
 *
 * @module
 */
import type { JsonObject, Parts } from "plugline"
import { ownOf } from "../shared/answer.ts"
import { object } from "../shared/json.ts"

/** The fields of the item that begins with this text or thought. */
export const itemAhead = (parts: Parts, from: number, provider: string): JsonObject | undefined => {
  const isText = parts[from]!.type === "text-start"
  for (let index = from; index < parts.length; index++) {
    const part = parts[index]!
    if (part.choice !== undefined && part.choice !== 0) continue
    const isLast = isText ? part.type === "text-end" || part.type === "raw" : part.type === "reasoning-end"
    const item = isLast ? object(ownOf(part.metadata, provider)?.item) : undefined
    if (item !== undefined) return item
    // A message ends where something else begins; what was thought may end much later.
    if (isText && endsMessage.has(part.type)) return undefined
  }
  return undefined
}

const endsMessage: ReadonlySet<string> = new Set([
  "reasoning-start", "tool-params-start", "tool-call", "tool-result", "file", "finish", "error"
])
