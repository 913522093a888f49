/**
 * Who looks, and what may be done: asked for once, and again when a key is given or taken back.
 *
 * @module
 */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react"
import type { Session } from "../../api.ts"
import * as client from "../api/client.ts"

/** What the page knows of whoever looks. */
export interface Visitor {
  readonly state: "asking" | "signed-out" | "signed-in" | "failed"
  readonly session: Session | undefined
  readonly error: unknown
  readonly may: (permission: string) => boolean
  /** Takes a key, if the gateway does. */
  readonly signIn: (key: string) => Promise<void>
  readonly signOut: () => void
  readonly again: () => void
}

const Context = createContext<Visitor | undefined>(undefined)

export const useVisitor = (): Visitor => {
  const visitor = useContext(Context)
  if (visitor === undefined) throw new Error("there is no session around this")
  return visitor
}

interface State {
  readonly state: Visitor["state"]
  readonly session?: Session
  readonly error?: unknown
}

export const SessionProvider = ({ children }: { readonly children: ReactNode }) => {
  const [now, setNow] = useState<State>({ state: "asking" })
  const ask = useCallback(async () => {
    try {
      setNow({ state: "signed-in", session: await client.session() })
    } catch (error) {
      const refused = error instanceof client.Refused && (error.status === 401 || error.status === 403)
      setNow(refused ? { state: "signed-out", error } : { state: "failed", error })
      if (refused && client.key.get() !== undefined) client.key.clear()
    }
  }, [])
  useEffect(() => void ask(), [ask])
  useEffect(() => client.onSignedOut(() => setNow((now) => (now.state === "asking" ? now : { state: "signed-out" }))), [])
  const visitor = useMemo(
    (): Visitor => ({
      state: now.state,
      session: now.session,
      error: now.error,
      may: (permission) => now.session?.permissions.some((each) => each === permission || each === "*") === true,
      signIn: async (key) => {
        client.key.set(key)
        await ask()
      },
      signOut: () => {
        client.key.clear()
        setNow({ state: "asking" })
        void ask()
      },
      again: () => {
        setNow({ state: "asking" })
        void ask()
      }
    }),
    [now, ask]
  )
  return <Context value={visitor}>{children}</Context>
}
