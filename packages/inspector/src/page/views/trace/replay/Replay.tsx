/**
 * Runs a recorded request again: as it was, which must come out equal, or another way.
 *
 * @module
 */
import { GitCompare, RotateCcw } from "lucide-react"
import { useState } from "react"
import type { Difference, Recorded, Replayed } from "../../../../api.ts"
import * as client from "../../../api/client.ts"
import { put } from "../../../api/recordings.ts"
import { to } from "../../../app/route.ts"
import { Button } from "../../../ui/controls.tsx"
import { Path } from "../../../ui/diff.tsx"
import { many } from "../../../ui/format.ts"
import { Scalar } from "../../../ui/json.tsx"
import { Notice } from "../../../ui/surfaces.tsx"
import { ForkForm } from "./ForkForm.tsx"
import { ForkSays } from "./ForkSays.tsx"
import "./replay.css"

const Replay = ({ recorded }: { readonly recorded: Recorded }) => (
  <div className="trace-scroll" tabIndex={0} role="region" aria-label="Replay and fork">
    <div className="replay">
      {recorded.fork !== undefined && <ForkSays fork={recorded.fork} />}
      <ReplayCard recorded={recorded} />
      <ForkForm recorded={recorded} />
    </div>
  </div>
)

export default Replay

type State =
  | { readonly is: "idle" | "running" }
  | { readonly is: "done"; readonly replayed: Replayed }
  | { readonly is: "failed"; readonly error: unknown }

const ReplayCard = ({ recorded }: { readonly recorded: Recorded }) => {
  const [state, setState] = useState<State>({ is: "idle" })
  const run = async () => {
    setState({ is: "running" })
    try {
      const replayed = await client.replay(recorded.summary.id)
      put(replayed.replayed)
      setState({ is: "done", replayed })
    } catch (error) {
      setState({ is: "failed", error })
    }
  }
  return (
    <section className="card">
      <div className="card-head">
        <h2>Replay</h2>
        <span className="end">
          <Button kind="main" icon={<RotateCcw aria-hidden />} onPress={() => void run()} isDisabled={state.is === "running"}>
            {state.is === "running" ? "Replaying" : "Replay now"}
          </Button>
        </span>
      </div>
      <div className="card-body stack">
        <p className="dim">
          Runs this request once more through the pipeline as it is configured now. The clock, random numbers, what stores said
          and every byte of the {many(recorded.world.exchanges.length, "upstream exchange")} come from the record: nobody outside
          is asked, nothing is charged.
        </p>
        <div aria-live="polite" className="outcome">
          {state.is === "failed" && (
            <Notice tone="bad" title="It could not be replayed">
              <p>{state.error instanceof Error ? state.error.message : String(state.error)}</p>
            </Notice>
          )}
          {state.is === "done" && <Outcome replayed={state.replayed} recorded={recorded} />}
        </div>
      </div>
    </section>
  )
}

const Outcome = ({
  recorded,
  replayed: { differences, equal, pipelineChanged, replayed }
}: {
  readonly recorded: Recorded
  readonly replayed: Replayed
}) => (
  <div className="stack">
    {equal ? (
      <Notice tone="good" title="Equal, step by step">
        <p>
          {many(recorded.trace.steps.length, "visit")} to plugs, {many(recorded.trace.parts.length, "part")} and the outcome are
          the same as they were recorded.
        </p>
      </Notice>
    ) : (
      <Notice
        tone="warn"
        title={many(differences.length, "difference")}
        end={
          <a className="button" href={to("compare", recorded.summary.id, replayed.summary.id)}>
            <GitCompare aria-hidden />
            Side by side
          </a>
        }
      >
        <p>
          {pipelineChanged
            ? "The pipeline is configured another way by now, which may be why."
            : "The pipeline is still the one that was recorded, so something it does depends on more than the record holds."}
        </p>
      </Notice>
    )}
    {equal && pipelineChanged && (
      <Notice tone="plain" title="The pipeline is configured another way by now">
        <p>It makes no difference to this request.</p>
      </Notice>
    )}
    {differences.length > 0 && <Differences differences={differences} />}
  </div>
)

/** By step, in the order in which they came. */
const Differences = ({ differences }: { readonly differences: ReadonlyArray<Difference> }) => {
  const groups = new Map<string, Array<Difference>>()
  for (const each of differences) {
    const place = /^steps\["?([^"\]]+)"?\]|^([^.[]+)/.exec(each.path)
    const name = place?.[1] ?? place?.[2] ?? each.path
    groups.set(name, [...(groups.get(name) ?? []), each])
  }
  return (
    <div className="differences">
      {[...groups].map(([name, list]) => (
        <details key={name} open={groups.size < 6}>
          <summary>
            <code>{name}</code>
            <span className="faint">{many(list.length, "difference")}</span>
          </summary>
          <ul className="entries">
            {list.slice(0, 100).map(({ after, before, path }) => (
              <li key={path} className="entry" data-kind="changed">
                <span />
                <Path path={path} />
                <div className="entry-value pair">
                  <del>
                    <Scalar value={before} />
                  </del>
                  <span className="pair-arrow" aria-hidden>
                    →
                  </span>
                  <ins>
                    <Scalar value={after} />
                  </ins>
                </div>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </div>
  )
}
