/**
 * The pipeline as it was run: every plug in order, with what it did, its time, and its stops on the way down and back.
 *
 * @module
 */
import { ArrowDown, ArrowUp, CornerDownRight, Flag } from "lucide-react"
import { Fragment, type ReactNode, useEffect, useMemo, useRef } from "react"
import type { WalkStep } from "../../../../model/steps.ts"
import type { Branch, Visit, Walk } from "../../../../model/walk.ts"
import { sizeOf } from "../../../ui/changes.ts"
import { duration, many, percent } from "../../../ui/format.ts"
import { OutcomeIcon, sayingOf, toneOfBranch, toneOfOutcome, ways } from "./outcomes.tsx"

interface Told {
  readonly stops: ReadonlyMap<string, ReadonlyArray<WalkStep>>
  readonly here: WalkStep | undefined
  readonly onGo: (index: number) => void
}

export const Tree = ({
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
  const stops = useMemo(() => {
    const out = new Map<string, Array<WalkStep>>()
    for (const step of steps) out.set(step.visit.id, [...(out.get(step.visit.id) ?? []), step])
    return out
  }, [steps])
  const list = useRef<HTMLDivElement>(null)
  useEffect(() => {
    list.current?.querySelector("[data-here]")?.scrollIntoView({ block: "nearest" })
  }, [at])
  return (
    <div className="tree" ref={list}>
      <Visits visits={walk.visits} told={{ stops, here: steps[at], onGo }} />
    </div>
  )
}

const Visits = ({ told, visits }: { readonly visits: ReadonlyArray<Visit>; readonly told: Told }): ReactNode => (
  <ol>
    {visits.map((visit) => (
      <VisitRow key={visit.id} visit={visit} told={told} />
    ))}
  </ol>
)

const VisitRow = ({ told, visit }: { readonly visit: Visit; readonly told: Told }) => {
  const { attempt, branches, error, name, outcome, own, share = 0 } = visit
  const stops = told.stops.get(visit.id) ?? []
  const [first] = stops
  const here = told.here?.visit.id === visit.id
  return (
    <li className="visit">
      <div
        className="visit-row"
        data-here={here ? "" : undefined}
        data-skipped={outcome === "skipped" ? "" : undefined}
        data-tone={toneOfOutcome(outcome)}
      >
        <span className="visit-node">
          <OutcomeIcon outcome={outcome} />
        </span>
        {first === undefined ? (
          <span className="visit-name">
            <span className="clip">{name}</span>
            <span className="visit-note">not visited</span>
          </span>
        ) : (
          <button
            type="button"
            className="visit-name"
            title={error?.reason.message ?? `${name} ${sayingOf(outcome)}`}
            aria-current={here && told.here === first ? "step" : undefined}
            onClick={() => told.onGo(first.index)}
          >
            <span className="clip">{name}</span>
            {attempt > 1 && <span className="visit-note">visit {attempt}</span>}
            {outcome !== "ran" && outcome !== "changed" && (
              <span className="visit-note" data-tone={toneOfOutcome(outcome)}>
                {error?.reason._tag ?? outcome}
              </span>
            )}
            <span className="unseen">, {sayingOf(outcome)}</span>
          </button>
        )}
        <span className="stops">
          {stops.map((stop) => (
            <Stop key={stop.index} stop={stop} here={told.here === stop} onGo={told.onGo} />
          ))}
        </span>
        <span className="visit-time num" title={own === undefined ? "" : `${duration(own)} itself, ${percent(share)} of the run`}>
          {own !== undefined && (
            <>
              <span className="share" aria-hidden>
                <i style={{ width: `${Math.max(share * 100, 1.5)}%` }} />
              </span>
              {duration(own)}
            </>
          )}
        </span>
      </div>
      {branches.map((branch, index) => (
        <Fragment key={index}>
          <BranchView branch={branch} told={told} />
        </Fragment>
      ))}
    </li>
  )
}

const pictures = { down: ArrowDown, back: ArrowUp, end: Flag }

const Stop = ({
  here,
  onGo,
  stop
}: {
  readonly stop: WalkStep
  readonly here: boolean
  readonly onGo: (index: number) => void
}) => {
  const Picture = pictures[stop.direction]
  const size = sizeOf(stop.diff)
  const label = `${stop.visit.name} ${ways[stop.direction]}: ${size === 0 ? "no change" : many(size, "change")}`
  return (
    <button
      type="button"
      className="stop"
      title={label}
      aria-label={label}
      aria-current={here ? "step" : undefined}
      data-changed={size > 0 ? "" : undefined}
      onClick={() => onGo(stop.index)}
    >
      <Picture aria-hidden />
    </button>
  )
}

const BranchView = ({ branch, told }: { readonly branch: Branch; readonly told: Told }) => {
  const { end, kind, label, outcome, start, visits } = branch
  return (
    <div className="branch" data-outcome={outcome}>
      <div className="branch-head">
        <CornerDownRight aria-hidden />
        <span>{kind === "attempt" ? label : `way “${label}”`}</span>
        <span className="branch-outcome" data-tone={toneOfBranch(outcome)}>
          {outcome === "skipped" ? "not taken" : outcome === "passed" ? "" : outcome}
        </span>
        {start !== undefined && end !== undefined && kind === "attempt" && (
          <span className="branch-time num">{duration(end - start)}</span>
        )}
      </div>
      <Visits visits={visits} told={told} />
    </div>
  )
}
