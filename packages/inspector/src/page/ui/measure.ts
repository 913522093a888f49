/**
 * How wide something is.
 *
 * @module
 */
import { type RefObject, useLayoutEffect, useState } from "react"

/** The width of an element as it changes, in pixels. */
export const useWidth = (box: RefObject<HTMLElement | null>, first = 600): number => {
  const [width, setWidth] = useState(first)
  useLayoutEffect(() => {
    const { current } = box
    if (current === null) return
    setWidth(current.clientWidth)
    const look = new ResizeObserver(() => setWidth(current.clientWidth))
    look.observe(current)
    return () => look.disconnect()
  }, [box])
  return width
}
