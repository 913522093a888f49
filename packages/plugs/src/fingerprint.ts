/**
 * Fingerprints of whatever a program hands over, also of what is no JSON.
 *
 * @module
 */
import { Mask } from "@plugline/core"
import * as Canonical from "./canonical.ts"

/** SHA-256 of a value's one form as JSON; where it has none (a cycle, a bigint), of what can be shown of it. */
export const fingerprint = (value: unknown): string => {
  try {
    return Canonical.fingerprint(value)
  } catch {
    return Canonical.fingerprint(Mask.content(value))
  }
}
