/**
 * Where the page is now, and how it gets somewhere else.
 *
 * @module
 */
import { useSyncExternalStore } from "react"
import { parse, type Route } from "./address.ts"

export { to, traceViews, withQuery } from "./address.ts"
export type { Route, TraceView } from "./address.ts"

/** Goes there, with a new entry in the history. */
export const go = (hash: string): void => {
  window.location.hash = hash
}

/** Goes there in place of where it is now. */
export const replace = (hash: string): void => {
  window.history.replaceState(null, "", hash)
  window.dispatchEvent(new HashChangeEvent("hashchange"))
}

/** The place where the page is now. */
export const useRoute = (): Route => parse(useSyncExternalStore(subscribe, () => window.location.hash))

const subscribe = (changed: () => void): (() => void) => {
  window.addEventListener("hashchange", changed)
  return () => window.removeEventListener("hashchange", changed)
}
