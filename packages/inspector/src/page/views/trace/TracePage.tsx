/**
 * One recorded run: what it was, and its views as tabs.
 *
 * @module
 */
import {
  ArrowLeft,
  ChartNoAxesGantt,
  Download,
  Footprints,
  GitCompare,
  Lightbulb,
  RotateCcw,
  Unplug,
  Waypoints
} from "lucide-react"
import { lazy, Suspense } from "react"
import { Button as AriaButton } from "react-aria-components/Button"
import { Menu, MenuItem, MenuTrigger } from "react-aria-components/Menu"
import { Popover } from "react-aria-components/Popover"
import type { Recorded, Summary } from "../../../api.ts"
import { Refused } from "../../api/client.ts"
import { isFile, useRecorded } from "../../api/recordings.ts"
import { to, type TraceView } from "../../app/route.ts"
import { useVisitor } from "../../app/session.tsx"
import { CopyButton } from "../../ui/controls.tsx"
import { cost, count, duration, moment, toneOfCache, toneOfStatus, unknown } from "../../ui/format.ts"
import { Badge, Empty, Facts, Failure, Loading } from "../../ui/surfaces.tsx"
import { save } from "./save.ts"
import { Walk } from "./walk/Walk.tsx"
import { CompareWith } from "./CompareWith.tsx"
import "./trace.css"

const Waterfall = lazy(() => import("./Waterfall.tsx"))
const Stream = lazy(() => import("./Stream.tsx"))
const Wire = lazy(() => import("./Wire.tsx"))
const Replay = lazy(() => import("./replay/Replay.tsx"))
const Explain = lazy(() => import("./Explain.tsx"))

const tabs: ReadonlyArray<{ readonly tab: TraceView; readonly name: string; readonly icon: typeof Footprints }> = [
  { tab: "walk", name: "Walk", icon: Footprints },
  { tab: "waterfall", name: "Waterfall", icon: ChartNoAxesGantt },
  { tab: "stream", name: "Stream", icon: Waypoints },
  { tab: "wire", name: "Wire", icon: Unplug },
  { tab: "replay", name: "Replay", icon: RotateCcw },
  { tab: "explain", name: "Explain", icon: Lightbulb }
]

const TracePage = ({ id, query, tab }: { readonly id: string; readonly tab: TraceView; readonly query: string }) => {
  const { again, error, value } = useRecorded(id)
  const visitor = useVisitor()
  if (value === undefined)
    return error === undefined ? <Loading what="Loading the recorded run" /> : <Missing error={error} again={again} />
  const mayRun = visitor.may("replay") && !isFile(id)
  const shown = tabs.filter((each) => each.tab !== "replay" || mayRun)
  return (
    <div className="trace">
      <Head recorded={value} />
      <nav className="tabs trace-tabs" aria-label="Views of this run">
        {shown.map(({ icon: Icon, name, tab: each }) => (
          <a key={each} className="tab" href={to("traces", id, each)} aria-current={each === tab ? "page" : undefined}>
            <Icon aria-hidden />
            {name}
          </a>
        ))}
      </nav>
      {tab === "replay" && !mayRun ? (
        <NotRun fromFile={isFile(id)} />
      ) : value.trace.steps.length === 0 && tab !== "explain" ? (
        <NotRecorded summary={value.summary} />
      ) : (
        <Suspense fallback={<Loading what="Loading" />}>{viewOf(tab, value, query)}</Suspense>
      )}
    </div>
  )
}

export default TracePage

const viewOf = (tab: TraceView, recorded: Recorded, query: string) => {
  switch (tab) {
    case "walk":
      return <Walk recorded={recorded} query={query} />
    case "waterfall":
      return <Waterfall recorded={recorded} />
    case "stream":
      return <Stream recorded={recorded} />
    case "wire":
      return <Wire recorded={recorded} />
    case "replay":
      return <Replay recorded={recorded} />
    case "explain":
      return <Explain recorded={recorded} />
  }
}

const Head = ({ recorded }: { readonly recorded: Recorded }) => {
  const { summary } = recorded
  const {
    asked,
    at,
    attempts,
    cache,
    error,
    firstToken,
    id,
    inputTokens,
    model,
    operation,
    outputTokens,
    parent,
    pipeline,
    provider,
    route,
    status,
    took
  } = summary
  return (
    <header className="trace-head">
      <div className="row row-wrap trace-title">
        <a className="button" data-icon data-kind="plain" href="#/traffic" aria-label="Back to the traffic">
          <ArrowLeft aria-hidden />
        </a>
        <Badge tone={toneOfStatus(status)}>{status}</Badge>
        <h1>{model ?? asked ?? operation}</h1>
        <span className="dim hide-small">{provider}</span>
        {error !== undefined && <Badge tone="bad">{error.reason}</Badge>}
        <span className="trace-id">
          <code>{id}</code>
          <CopyButton icon text={id} label="Copy the id" />
        </span>
        <div className="trace-actions">
          <CompareWith recorded={recorded} />
          <Export recorded={recorded} />
        </div>
      </div>
      <Facts
        facts={[
          ["When", moment(at)],
          [
            "Route",
            <span key="route" title={route}>
              {route}
            </span>
          ],
          parent === undefined
            ? undefined
            : [
                `${route === "fork" ? "Fork" : "Replay"} of`,
                <a key="parent" href={to("traces", parent, "walk")}>
                  {parent}
                </a>
              ],
          parent === undefined
            ? undefined
            : [
                "Side by side",
                <a key="compare" href={to("compare", parent, id)}>
                  <GitCompare aria-hidden className="inline" /> compare
                </a>
              ],
          ["Pipeline", pipeline === "" ? unknown : pipeline],
          ["Latency", duration(took)],
          firstToken === undefined ? undefined : ["First token", duration(firstToken)],
          [
            "Tokens",
            inputTokens === undefined && outputTokens === undefined
              ? unknown
              : `${count(inputTokens)} in, ${count(outputTokens)} out`
          ],
          ["Cost", cost(summary.cost)],
          cache === undefined
            ? undefined
            : [
                "Cache",
                <Badge key="cache" tone={toneOfCache(cache)}>
                  {cache}
                </Badge>
              ],
          attempts === undefined ? undefined : ["Attempts", String(attempts)],
          summary.tenant === undefined ? undefined : ["Tenant", summary.tenant]
        ]}
      />
    </header>
  )
}

const Export = ({ recorded }: { readonly recorded: Recorded }) => (
  <MenuTrigger>
    <AriaButton className="button" aria-label="Export">
      <Download aria-hidden />
      <span className="hide-small">Export</span>
    </AriaButton>
    <Popover className="popover" placement="bottom end">
      <Menu className="list" onAction={(form) => void save(recorded, String(form) as "trace" | "har" | "otlp")}>
        <MenuItem id="trace" className="list-item" textValue="Trace file">
          Trace file <span className="faint">opens here again</span>
        </MenuItem>
        <MenuItem id="har" className="list-item" textValue="HAR">
          HAR <span className="faint">upstream exchanges</span>
        </MenuItem>
        <MenuItem id="otlp" className="list-item" textValue="OTLP">
          OTLP <span className="faint">spans as JSON</span>
        </MenuItem>
      </Menu>
    </Popover>
  </MenuTrigger>
)

const NotRecorded = ({ summary }: { readonly summary: Summary }) => (
  <Empty icon={<Footprints aria-hidden />} title="The steps of this request were not kept">
    <p>
      Only its summary is there{summary.error === undefined ? "." : `: ${summary.error.message}`} Which requests are recorded, and
      for how long, is set under <code>inspector</code> in the configuration.
    </p>
  </Empty>
)

const NotRun = ({ fromFile }: { readonly fromFile: boolean }) => (
  <Empty icon={<RotateCcw aria-hidden />} title="You may look, but not run it again">
    <p>
      {fromFile
        ? "This run was opened from a file that the gateway did not take."
        : "Your role does not hold the permission replay."}
    </p>
  </Empty>
)

const Missing = ({ again, error }: { readonly error: unknown; readonly again: () => void }) => (
  <div className="stack">
    <h1 className="unseen">Not here</h1>
    {error instanceof Refused && error.code === "not_recorded" ? (
      <Empty icon={<Footprints aria-hidden />} title="The steps of this request were not kept">
        <p role="alert">{error.message}</p>
      </Empty>
    ) : (
      <Failure error={error} again={again} />
    )}
    <p className="missing">
      <a href="#/traffic">Back to the traffic</a>
    </p>
  </div>
)
