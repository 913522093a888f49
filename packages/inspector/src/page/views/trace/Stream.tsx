/**
 * A streamed reply, part by part: played back at any speed, with what was there at each instant.
 *
 * @module
 */
import { Pause, Play, SkipBack, StepBack, StepForward, Waypoints } from "lucide-react"
import { useEffect, useMemo, useRef, useState } from "react"
import { Slider, SliderThumb, SliderTrack } from "react-aria-components/Slider"
import type { Recorded } from "../../../api.ts"
import { type PlaybackState, stateAt, type Timeline, timeline as timelineOf } from "../../../model/timeline.ts"
import { to } from "../../app/route.ts"
import { Button, IconButton, Select } from "../../ui/controls.tsx"
import { duration, many } from "../../ui/format.ts"
import { Message, Pieces } from "../../ui/messages.tsx"
import { Badge, Empty, Notice } from "../../ui/surfaces.tsx"
import { PartList } from "./PartList.tsx"
import { usePlayer } from "./player.ts"
import "./stream.css"

const speeds = ["0.1", "0.25", "0.5", "1", "2", "4", "10"].map((key) => ({ key, label: `${key}×` }))

const Stream = ({ recorded }: { readonly recorded: Recorded }) => {
  const timeline = timelineOf(recorded)
  return timeline.streamed ? <Played timeline={timeline} id={recorded.summary.id} /> : <Whole recorded={recorded} />
}

export default Stream

const Whole = ({ recorded }: { readonly recorded: Recorded }) => (
  <Empty icon={<Waypoints aria-hidden />} title="This reply did not come as a stream">
    <p>
      {recorded.summary.error === undefined ? "It was answered in one piece." : recorded.summary.error.message} Requests with{" "}
      <code>"stream": true</code> can be played back here, part by part.
    </p>
    <a className="button" href={to("traces", recorded.summary.id, "walk")}>
      Walk it instead
    </a>
  </Empty>
)

const Played = ({ id, timeline }: { readonly timeline: Timeline; readonly id: string }) => {
  const { halt, parts, to: end } = timeline
  const [speed, setSpeed] = useState("1")
  const { at, playing, seek, toggle } = usePlayer(end, Number(speed))
  const state = useMemo(() => stateAt(timeline, at), [timeline, at])
  useSpace(toggle)
  // A little later than the part itself, so that rounding does not lose it.
  const goTo = (index: number) => seek((parts[Math.max(0, Math.min(parts.length - 1, index))]?.at ?? 0) + 1e-6)
  return (
    <div className="stream">
      <div className="stream-bar" role="toolbar" aria-label="Playback">
        <IconButton icon={<SkipBack aria-hidden />} label="To the beginning" onPress={() => seek(0)} />
        <IconButton
          icon={<StepBack aria-hidden />}
          label="Back one part"
          onPress={() => goTo(state.index - 1)}
          isDisabled={state.index <= 0}
        />
        <Button kind="main" icon={playing ? <Pause aria-hidden /> : <Play aria-hidden />} onPress={toggle}>
          {playing ? "Pause" : "Play"}
        </Button>
        <IconButton
          icon={<StepForward aria-hidden />}
          label="Forward one part"
          onPress={() => goTo(state.index + 1)}
          isDisabled={state.index >= parts.length - 1}
        />
        <Select label="Speed" items={speeds} value={speed} onChange={setSpeed} />
        <span className="stream-now num" data-testid="stream-now">
          {duration(at)} <span className="faint">of {duration(end)}</span>
        </span>
        <span className="stream-count num">
          part {state.index + 1} of {parts.length}
        </span>
      </div>
      <Scrubber timeline={timeline} at={at} onSeek={seek} />
      {halt !== undefined && (
        <div className="stream-halt">
          <Notice tone="warn" title={saysOf(halt)} end={<Button onPress={() => goTo(halt.index)}>Go there</Button>}>
            <p>{halt.error.reason.message}</p>
          </Notice>
        </div>
      )}
      <div className="stream-panes">
        <section className="stream-left" aria-label="Parts">
          <PartList parts={parts} at={state.index} halt={halt?.index} onGo={goTo} />
        </section>
        <section className="stream-right" aria-label="The reply at this instant" tabIndex={0}>
          <SoFar state={state} playing={playing} id={id} />
        </section>
      </div>
    </div>
  )
}

/** Where it was broken off, and by whom. */
const saysOf = ({ at, index, plug }: NonNullable<Timeline["halt"]>): string =>
  `Halted at ${duration(at)}${plug === undefined ? "" : ` by ${plug}`}, after ${many(index, "part")}`

const useSpace = (toggle: () => void): void => {
  const now = useRef(toggle)
  now.current = toggle
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (
        event.key !== " "
        || event.defaultPrevented
        || (event.target instanceof HTMLElement
          && event.target.closest("button, input, a, [role=option], [role=listbox]") !== null)
      )
        return
      event.preventDefault()
      now.current()
    }
    window.addEventListener("keydown", press)
    return () => window.removeEventListener("keydown", press)
  }, [])
}

const Scrubber = ({
  at,
  onSeek,
  timeline
}: {
  readonly timeline: Timeline
  readonly at: number
  readonly onSeek: (at: number) => void
}) => {
  const { halt, parts, to: end } = timeline
  const path = useMemo(
    () => parts.map(({ at, part }) => `M${((at / end) * 10_000).toFixed(1)} ${part.type.endsWith("-delta") ? 4 : 0}V18`).join(""),
    [parts, end]
  )
  return (
    <div className="scrubber">
      <svg viewBox="0 0 10000 18" preserveAspectRatio="none" aria-hidden>
        <path d={path} />
      </svg>
      {halt !== undefined && <i className="scrubber-halt" style={{ left: `${(halt.at / end) * 100}%` }} />}
      <Slider
        aria-label="Instant"
        className="slider"
        minValue={0}
        maxValue={end}
        step={end / 2_000}
        value={Math.min(at, end)}
        onChange={(value) => onSeek(Array.isArray(value) ? value[0]! : (value as number))}
        formatOptions={{ maximumFractionDigits: 0 }}
      >
        <SliderTrack className="slider-track">
          {({ state }) => (
            <>
              <div className="slider-fill" style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
              <SliderThumb className="slider-thumb" />
            </>
          )}
        </SliderTrack>
      </Slider>
    </div>
  )
}

const SoFar = ({ playing, state }: { readonly state: PlaybackState; readonly playing: boolean; readonly id: string }) => {
  const { ended, error, index, reasoning, text, toolCalls } = state
  const pane = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const box = pane.current?.parentElement
    if (playing && box != null) box.scrollTop = box.scrollHeight
  }, [playing, text])
  return (
    <div className="stack" ref={pane}>
      <div className="row">
        <h2>The reply at this instant</h2>
        {ended === "finish" ? (
          <Badge tone="good">finished</Badge>
        ) : ended === undefined ? (
          <Badge tone="info">{index < 0 ? "waiting" : "arriving"}</Badge>
        ) : (
          <Badge tone={ended === "halted" ? "warn" : "bad"}>{ended}</Badge>
        )}
      </div>
      {index < 0 && <p className="nothing">Nothing has reached the reader yet.</p>}
      {reasoning !== "" && (
        <Message role="assistant">
          <Pieces content={[{ type: "reasoning", text: reasoning }]} />
        </Message>
      )}
      {text !== "" && (
        <Message role="assistant">
          <p className="so-far" data-testid="so-far">
            {text}
            {ended === undefined && <span className="caret" aria-hidden />}
          </p>
        </Message>
      )}
      {toolCalls.map(({ done, id, name, params }) => (
        <div key={id} className="piece">
          <span className="piece-head">
            calls <code>{name}</code>
            <span className="faint">{done ? id : "arguments arriving"}</span>
          </span>
          <pre className="plain-text">{params}</pre>
        </div>
      ))}
      {error !== undefined && (
        <Notice tone={ended === "halted" ? "warn" : "bad"} title={error.reason._tag}>
          <p>{error.reason.message}</p>
        </Notice>
      )}
    </div>
  )
}
