/**
 * What became of a plug, in words, colours and pictures.
 *
 * @module
 */
import { Ban, Check, CircleSlash, OctagonX, Pencil, Reply, Unplug } from "lucide-react"
import type { Branch, Outcome } from "../../../../model/walk.ts"
import type { Tone } from "../../../ui/format.ts"

const outcomes: { readonly [Name in Outcome]: { readonly tone: Tone; readonly icon: typeof Check; readonly says: string } } = {
  ran: { tone: "plain", icon: Check, says: "ran and changed nothing" },
  changed: { tone: "accent", icon: Pencil, says: "changed the request or its answer" },
  answered: { tone: "good", icon: Reply, says: "answered the request itself" },
  halted: { tone: "warn", icon: Ban, says: "halted the request" },
  failed: { tone: "bad", icon: OctagonX, says: "failed" },
  skipped: { tone: "plain", icon: CircleSlash, says: "was not visited" },
  interrupted: { tone: "warn", icon: Unplug, says: "was interrupted" }
}

/** Where the request is at this step, in words. */
export const ways = { down: "on the way down", back: "on the way back", end: "at the end of the stream" } as const

export const toneOfOutcome = (outcome: Outcome): Tone => outcomes[outcome].tone

export const sayingOf = (outcome: Outcome): string => outcomes[outcome].says

export const OutcomeIcon = ({ outcome }: { readonly outcome: Outcome }) => {
  const { icon: Icon } = outcomes[outcome]
  return <Icon aria-hidden />
}

export const toneOfBranch = (outcome: Branch["outcome"]): Tone =>
  outcome === "answered" ? "good" : outcome === "failed" ? "bad" : outcome === "interrupted" ? "warn" : "plain"
