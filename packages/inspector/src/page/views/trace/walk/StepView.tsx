/**
 * One step: which plug, which way, what it changed, and the whole request before and after.
 *
 * @module
 */
import { ArrowDown, ArrowUp, Equal, Flag } from "lucide-react"
import { useMemo, useState } from "react"
import type { WalkStep } from "../../../../model/steps.ts"
import { Segments } from "../../../ui/controls.tsx"
import { part } from "../../../ui/changes.ts"
import { Changes } from "../../../ui/diff.tsx"
import { duration, percent } from "../../../ui/format.ts"
import { JsonTree } from "../../../ui/json.tsx"
import { RequestView } from "../../../ui/request.tsx"
import { Badge, Notice } from "../../../ui/surfaces.tsx"
import { sayingOf, toneOfOutcome, ways } from "./outcomes.tsx"

const pictures = { down: ArrowDown, back: ArrowUp, end: Flag }

type Side = "changes" | "before" | "after"

export const StepView = ({ step }: { readonly step: WalkStep }) => {
  const { after, at, before, diff, direction, visit } = step
  const [side, setSide] = useState<Side>("changes")
  const Picture = pictures[direction]
  const size = useMemo(() => part(diff, { before, after }).count, [diff, before, after])
  return (
    <div className="step">
      <div className="step-head">
        <h2>{visit.name}</h2>
        <span className="way" data-direction={direction}>
          <Picture aria-hidden />
          {ways[direction]}
        </span>
        {visit.attempt > 1 && <Badge tone="warn">visit {visit.attempt}</Badge>}
        <Badge tone={toneOfOutcome(visit.outcome)}>{visit.outcome}</Badge>
        <span className="step-facts num">
          at {duration(at)}
          {visit.own !== undefined && (
            <>
              {" "}
              · {duration(visit.own)} itself{visit.share !== undefined && ` (${percent(visit.share)})`}
            </>
          )}
          {visit.total !== undefined && visit.own !== visit.total && <> · {duration(visit.total)} with the rest</>}
          {" · place "}
          <code>{visit.path}</code>
        </span>
      </div>
      {visit.options !== null && direction === "down" && (
        <details className="step-options">
          <summary>Options of this plug</summary>
          <JsonTree value={visit.options} label={`Options of ${visit.name}`} />
        </details>
      )}
      {visit.error !== undefined && (
        <Notice tone={visit.outcome === "halted" ? "warn" : "bad"} title={visit.error.reason._tag}>
          <p>{visit.error.reason.message}</p>
        </Notice>
      )}
      <Segments<Side>
        label="What to show"
        value={side}
        onChange={setSide}
        items={[
          { key: "changes", label: "Changes", count: size },
          { key: "before", label: "Request before" },
          { key: "after", label: "Request after" }
        ]}
      />
      {side === "changes" ? (
        size > 0 ? (
          <Changes diff={diff} before={before} after={after} />
        ) : (
          <Nothing step={step} />
        )
      ) : (
        <RequestView request={side === "before" ? before : after} />
      )}
    </div>
  )
}

const Nothing = ({ step: { direction, visit } }: { readonly step: WalkStep }) => (
  <p className="nothing">
    <Equal aria-hidden />
    {direction === "down"
      ? visit.calls.length === 0
        ? `${visit.name} ${sayingOf(visit.outcome)}.`
        : `${visit.name} handed the request on as it was${visit.calls.length > 1 ? `, ${visit.calls.length} times` : ""}.`
      : direction === "back"
        ? `${visit.name} gave the answer back as it got it.`
        : `${visit.name} changed nothing at the end of the stream.`}
  </p>
)
