/**
 * Steps through a run, down to the provider and back: left the plugs as a tree, right what the step changed.
 *
 * @module
 */
import { ChevronLeft, ChevronRight, ChevronsLeft, ChevronsRight } from "lucide-react"
import { useEffect, useMemo, useRef, useState } from "react"
import type { Recorded } from "../../../../api.ts"
import { steps as stepsOf, type WalkStep } from "../../../../model/steps.ts"
import { walk as walkOf } from "../../../../model/walk.ts"
import { IconButton } from "../../../ui/controls.tsx"
import { sizeOf } from "../../../ui/changes.ts"
import { many } from "../../../ui/format.ts"
import { Empty } from "../../../ui/surfaces.tsx"
import { moved, stepOf } from "./path.ts"
import { Journey } from "./Journey.tsx"
import { ways } from "./outcomes.tsx"
import { StepView } from "./StepView.tsx"
import { Tree } from "./Tree.tsx"
import "./walk.css"

export const Walk = ({ query, recorded }: { readonly recorded: Recorded; readonly query: string }) => {
  const walk = walkOf(recorded)
  const steps = stepsOf(walk)
  const [at, setAt] = useState(() => stepOf(query, steps))
  const pane = useRef<HTMLDivElement>(null)
  useEffect(() => setAt(stepOf(query, steps)), [query, steps])
  const go = useMemo(
    () => (index: number) => {
      setAt(index)
      pane.current?.scrollTo({ top: 0 })
      // The address follows, so that a step can be handed to somebody else.
      const [hash] = window.location.hash.split("?")
      window.history.replaceState(null, "", `${hash}?step=${index + 1}`)
    },
    []
  )
  useArrows(at, steps.length, go)
  const step = steps[at]
  if (step === undefined)
    return (
      <Empty title="No plug was visited">
        <p>The request ended before it came to the first plug of its pipeline.</p>
      </Empty>
    )
  return (
    <div className="walk">
      <section className="walk-left" aria-label="Plugs">
        <Tree walk={walk} steps={steps} at={at} onGo={go} />
      </section>
      <section className="walk-right" aria-label="This step">
        <div className="walk-bar">
          <div className="row walk-buttons">
            <IconButton
              icon={<ChevronsLeft aria-hidden />}
              label="First step (Home)"
              onPress={() => go(0)}
              isDisabled={at === 0}
            />
            <IconButton
              icon={<ChevronLeft aria-hidden />}
              label="Back (arrow up or left)"
              onPress={() => go(at - 1)}
              isDisabled={at === 0}
            />
            <span className="walk-position num">
              step {at + 1} of {steps.length}
            </span>
            <IconButton
              icon={<ChevronRight aria-hidden />}
              label="Forward (arrow down or right)"
              onPress={() => go(at + 1)}
              isDisabled={at === steps.length - 1}
            />
            <IconButton
              icon={<ChevronsRight aria-hidden />}
              label="Last step (End)"
              onPress={() => go(steps.length - 1)}
              isDisabled={at === steps.length - 1}
            />
          </div>
          <Journey walk={walk} steps={steps} at={at} onGo={go} />
        </div>
        <div className="walk-pane" ref={pane} tabIndex={0} role="region" aria-label={`Step ${at + 1}: ${step.visit.name}`}>
          <StepView step={step} />
        </div>
        <p className="unseen" role="status">
          {said(step, steps.length)}
        </p>
      </section>
    </div>
  )
}

const said = ({ diff, direction, index, visit }: WalkStep, count: number): string => {
  const size = sizeOf(diff)
  return `Step ${index + 1} of ${count}: ${visit.name}, ${ways[direction]}, ${size === 0 ? "no change" : many(size, "change")}`
}

const needsArrows = [
  "input",
  "textarea",
  "select",
  "[contenteditable=true]",
  "[role=radiogroup] *",
  "[role=menu] *",
  "[role=listbox]",
  "[role=listbox] *",
  "[role=dialog] *",
  "[role=slider]"
].join(", ")

/** Arrows walk wherever the focus is, but in what needs arrows itself. */
const useArrows = (at: number, count: number, go: (index: number) => void): void => {
  const now = useRef({ at, count, go })
  now.current = { at, count, go }
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
      if (event.target instanceof HTMLElement && event.target.matches(needsArrows)) return
      const to = moved(event.key, now.current.at, now.current.count)
      if (to === undefined) return
      event.preventDefault()
      if (to !== now.current.at) now.current.go(to)
    }
    window.addEventListener("keydown", press)
    return () => window.removeEventListener("keydown", press)
  }, [])
}
