/**
 * What every dialect asks of an answer's parts: what only one provider says, the arguments of a call, when it was made,
 * and what of a piece of content is said only at its end.
 *
 * @module
 */
import type { JsonObject, Metadata, Part, Parts } from "plugline"

/** What a provider alone says of a part. */
export const ownOf = (metadata: Metadata | undefined, provider: string): JsonObject | undefined => {
  if (metadata === undefined || !Object.hasOwn(metadata, provider)) return undefined
  return metadata[provider] ?? undefined
}

/** The arguments of a call as text: as the model wrote them where they are no JSON. */
export const argumentsOf = ({ invalid, params }: { readonly params: unknown; readonly invalid?: true }): string => {
  if (invalid === true && typeof params === "string") return params
  return JSON.stringify(params) ?? "{}"
}

/** When an answer was made, in ms since 1970; `now` where nobody said. */
export const timeOf = (timestamp: string | undefined, now: number): number => {
  const time = timestamp === undefined ? Number.NaN : Date.parse(timestamp)
  return Number.isNaN(time) ? now : time
}

/**
 * What is said of a text or a thought from its beginning to its end, as far as these parts hold it: a stream may say at
 * the end what another dialect has to write at the beginning. `from` is the place of its beginning.
 */
export const metadataOf = (parts: Parts, from: number): ReadonlyArray<Metadata> => {
  const start = parts[from] as Part & { readonly id: string }
  const end = start.type === "text-start" ? "text-end" : "reasoning-end"
  const out: Array<Metadata> = start.metadata === undefined ? [] : [start.metadata]
  for (let index = from + 1; index < parts.length; index++) {
    const part = parts[index]!
    if (part.type !== end || part.id !== start.id || part.choice !== start.choice) continue
    if (part.metadata !== undefined) out.push(part.metadata)
    break
  }
  return out
}

/** The whole of a call whose arguments begin at `from`, where these parts hold it. */
export const callOf = (parts: Parts, from: number): (Part & { readonly type: "tool-call" }) | undefined => {
  const start = parts[from] as Part & { readonly id: string }
  for (let index = from + 1; index < parts.length; index++) {
    const part = parts[index]!
    if (part.type === "tool-call" && part.id === start.id && part.choice === start.choice) return part
  }
  return undefined
}
