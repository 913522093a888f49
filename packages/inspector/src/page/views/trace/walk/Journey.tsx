/**
 * The whole way of the request as one line: down to the provider, and back. A press on it goes there.
 *
 * @module
 */
import { type PointerEvent, useRef } from "react"
import type { WalkStep } from "../../../../model/steps.ts"
import type { Walk } from "../../../../model/walk.ts"
import { sizeOf } from "../../../ui/changes.ts"
import { useWidth } from "../../../ui/measure.ts"
import { pointsOf } from "./path.ts"
import { toneOfOutcome } from "./outcomes.tsx"

const height = 56
const edge = 9

export const Journey = ({
  at,
  onGo,
  steps,
  walk
}: {
  readonly walk: Walk
  readonly steps: ReadonlyArray<WalkStep>
  readonly at: number
  readonly onGo: (index: number) => void
}) => {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const points = pointsOf(walk, steps).map(({ index, x, y }) => ({
    index,
    x: edge + x * (width - 2 * edge),
    y: edge + y * (height - 2 * edge)
  }))
  const line = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ")
  const now = points[at]!
  const room = (width - 2 * edge) / Math.max(1, steps.length - 1)
  const size = room > 12 ? 4 : room > 7 ? 3 : 2
  const nearest = (event: PointerEvent) => {
    const { left } = event.currentTarget.getBoundingClientRect()
    onGo(Math.max(0, Math.min(steps.length - 1, Math.round((event.clientX - left - edge) / room))))
  }
  return (
    <div
      ref={box}
      className="journey"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        nearest(event)
      }}
      onPointerMove={(event) => event.buttons === 1 && nearest(event)}
    >
      <svg width={width} height={height} aria-hidden>
        <polyline points={line} className="journey-line" />
        <polyline
          points={points
            .slice(0, at + 1)
            .map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`)
            .join(" ")}
          className="journey-done"
        />
        {points.map(({ index, x, y }) => {
          const { diff, direction, visit } = steps[index]!
          return (
            <circle
              key={index}
              cx={x}
              cy={y}
              r={size}
              className="journey-dot"
              data-filled={sizeOf(diff) > 0 ? "" : undefined}
              data-direction={direction}
              data-tone={toneOfOutcome(visit.outcome)}
            />
          )
        })}
        <circle cx={now.x} cy={now.y} r={size + 3.5} className="journey-here" />
      </svg>
    </div>
  )
}
