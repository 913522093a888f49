/**
 * The way of a request through the plugs, as points: one per step, as deep as the plug stands in the line.
 *
 * @module
 */
import type { Walk } from "../../../../model/walk.ts"
import type { WalkStep } from "../../../../model/steps.ts"

export interface Point {
  readonly index: number
  /** Both from 0 to 1. */
  readonly x: number
  readonly y: number
}

/** A step to the right for each, and down to the row of its plug. */
export const pointsOf = ({ flat }: Walk, steps: ReadonlyArray<WalkStep>): ReadonlyArray<Point> => {
  const rows = new Map(flat.filter(({ attempt }) => attempt > 0).map(({ id }, index) => [id, index]))
  const deepest = Math.max(1, rows.size - 1)
  return steps.map(({ visit }, index) => ({
    index,
    x: steps.length === 1 ? 0.5 : index / (steps.length - 1),
    y: (rows.get(visit.id) ?? 0) / deepest
  }))
}

/** Which step an address means: `step=7`, or the first at a visit, `visit=2.yes.0#1`. */
export const stepOf = (query: string, steps: ReadonlyArray<WalkStep>): number => {
  const given = new URLSearchParams(query)
  const visit = given.get("visit")
  if (visit !== null)
    return Math.max(
      0,
      steps.findIndex((step) => step.visit.id === visit)
    )
  const number = Number(given.get("step") ?? 1)
  return Number.isInteger(number) ? Math.max(0, Math.min(steps.length - 1, number - 1)) : 0
}

/** The step that an arrow leads to. */
export const moved = (key: string, at: number, count: number): number | undefined => {
  switch (key) {
    case "ArrowDown":
    case "ArrowRight":
      return Math.min(count - 1, at + 1)
    case "ArrowUp":
    case "ArrowLeft":
      return Math.max(0, at - 1)
    case "Home":
      return 0
    case "End":
      return count - 1
    default:
      return undefined
  }
}
