/**
 * Leaves out of a service's own events the usage that the client did not ask for: a service is always asked for it,
 * because it is counted here.
 *
 * @module
 */
import type { Call } from "../../Dialect.ts"
import { object } from "../shared/json.ts"
import { asksUsage } from "./stream.ts"

/** Some whole events, without a chunk that tells nothing but usage, where the client asked for none. */
export const trim = (events: string, call: Call): string =>
  asksUsage(call) ? events : events.split(/(?<=\r\n\r\n|\n\n|\r\r)/).filter((event) => !isUsage(event)).join("")

const isUsage = (event: string): boolean => {
  if (!event.includes("\"usage\"")) return false
  const data = event.split(/\r\n|\r|\n/).flatMap((line) => line.startsWith("data:") ? [line.slice(5)] : []).join("\n")
  try {
    const chunk = object(JSON.parse(data))
    return Array.isArray(chunk?.choices) && chunk.choices.length === 0 && object(chunk.usage) !== undefined
  } catch {
    return false
  }
}
