/**
 * Light or dark: as the system has it, or as somebody chose.
 *
 * @module
 */
import { useSyncExternalStore } from "react"

export type Theme = "system" | "light" | "dark"

const place = "plugline.theme"
const listeners = new Set<() => void>()

/** What was chosen. */
export const theme = (): Theme => {
  const kept = read()
  return kept === "light" || kept === "dark" ? kept : "system"
}

/** Where there is no storage, a choice holds until the page is left. */
let chosen: string | null = null

const read = (): string | null => {
  try {
    return window.localStorage.getItem(place) ?? chosen
  } catch {
    return chosen
  }
}

/** Chooses, and keeps it for the next visit. */
export const setTheme = (next: Theme): void => {
  chosen = next
  try {
    window.localStorage.setItem(place, next)
  } catch {
    // Kept in `chosen`.
  }
  apply()
  for (const listener of listeners) listener()
}

/** Puts the choice where the stylesheets look. */
export const apply = (): void => {
  const now = theme()
  if (now === "system") delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = now
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, theme)

const dark = () => window.matchMedia("(prefers-color-scheme: dark)")

const subscribe = (changed: () => void): (() => void) => {
  listeners.add(changed)
  dark().addEventListener("change", changed)
  return () => {
    listeners.delete(changed)
    dark().removeEventListener("change", changed)
  }
}

/** Whether the page is dark now: for what draws on a canvas. */
export const useDark = (): boolean =>
  useSyncExternalStore(subscribe, () => (theme() === "system" ? dark().matches : theme() === "dark"))
