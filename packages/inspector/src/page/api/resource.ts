/**
 * Something that is fetched and may come late, fail, or be asked for anew.
 *
 * @module
 */
import { useCallback, useEffect, useState } from "react"

export interface Resource<A> {
  readonly value: A | undefined
  readonly error: unknown
  readonly loading: boolean
  /** Fetches it anew. What was there stays in view until then. */
  readonly again: () => void
}

interface State<A> {
  readonly key: string
  readonly value?: A
  readonly error?: unknown
  readonly loading: boolean
}

/** Fetches whenever `key` becomes another one; what was asked for before is dropped. No key: nothing is fetched. */
export const useResource = <A>(key: string | undefined, load: (signal: AbortSignal) => Promise<A>): Resource<A> => {
  const [state, setState] = useState<State<A>>({ key: "", loading: key !== undefined })
  const [round, setRound] = useState(0)
  useEffect(() => {
    if (key === undefined) return
    const control = new AbortController()
    setState((now) => (now.key === key && now.value !== undefined ? { ...now, loading: true } : { key, loading: true }))
    load(control.signal).then(
      (value) => control.signal.aborted || setState({ key, value, loading: false }),
      (error: unknown) => control.signal.aborted || setState({ key, error, loading: false })
    )
    return () => control.abort()
    // `load` is another function at each drawing; what it does is told by the key.
  }, [key, round])
  const again = useCallback(() => setRound((now) => now + 1), [])
  const fits = state.key === key
  return {
    value: fits ? state.value : undefined,
    error: fits ? state.error : undefined,
    loading: key !== undefined && (!fits || state.loading),
    again
  }
}
