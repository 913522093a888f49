/**
 * Plays time: at real or any other speed, to be stopped, moved and gone on with.
 *
 * @module
 */
import { useCallback, useEffect, useRef, useState } from "react"
import { advanced } from "./advance.ts"

export interface Player {
  /** Where it is, in ms. */
  readonly at: number
  readonly playing: boolean
  /** Starts or stops; at the end it starts from the beginning. */
  readonly toggle: () => void
  readonly seek: (at: number) => void
}

export const usePlayer = (end: number, speed: number): Player => {
  const [at, setAt] = useState(end)
  const [playing, setPlaying] = useState(false)
  const now = useRef({ at, speed })
  now.current.speed = speed
  const seek = useCallback(
    (next: number) => {
      now.current.at = Math.max(0, Math.min(end, next))
      setAt(now.current.at)
    },
    [end]
  )
  useEffect(() => {
    if (!playing) return
    let last = performance.now()
    let frame = requestAnimationFrame(function tick(time) {
      const next = advanced(now.current.at, Math.max(0, time - last), now.current.speed, end)
      last = time
      now.current.at = next.at
      setAt(next.at)
      if (next.playing) frame = requestAnimationFrame(tick)
      else setPlaying(false)
    })
    return () => cancelAnimationFrame(frame)
  }, [playing, end])
  const toggle = useCallback(() => {
    if (!playing && now.current.at >= end) seek(0)
    setPlaying(!playing)
  }, [playing, end, seek])
  return { at, playing, toggle, seek }
}
