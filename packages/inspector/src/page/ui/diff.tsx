/**
 * What changed between two requests: messages as messages, long texts word by word, everything else by path.
 *
 * @module
 */
import type { Diff } from "@plugline/core"
import { Minus, Pencil, Plus } from "lucide-react"
import { type ReactNode, useMemo } from "react"
import { type Entry, part, type Sides } from "./changes.ts"
import { JsonTree, Scalar } from "./json.tsx"
import { AnswerDiff, TalkDiff, WordDiff } from "./talk.tsx"
import "./diff.css"

/** `names`: what the two sides are called. */
export const Changes = ({
  after,
  before,
  diff,
  names = ["before", "after"]
}: Sides & { readonly diff: Diff.Diff; readonly names?: readonly [string, string] }) => {
  const { answer, rest, talk } = useMemo(() => part(diff, { before, after }), [diff, before, after])
  return (
    <div className="changes">
      {talk !== undefined && (
        <Section title="Messages">
          <TalkDiff aligned={talk} />
        </Section>
      )}
      {answer !== undefined && (
        <Section title="Answer">
          <AnswerDiff before={answer.before} after={answer.after} />
        </Section>
      )}
      {rest.length > 0 && (
        <Section title={talk !== undefined || answer !== undefined ? "Other fields" : "Fields"}>
          <ul className="entries">
            {rest.map((entry) => (
              <EntryView key={`${entry.kind} ${entry.path}`} entry={entry} names={names} bare={answer !== undefined} />
            ))}
          </ul>
        </Section>
      )}
    </div>
  )
}

const Section = ({ children, title }: { readonly title: string; readonly children: ReactNode }) => (
  <section className="changes-section">
    <h3 className="label">{title}</h3>
    {children}
  </section>
)

const pictures = { added: Plus, removed: Minus, changed: Pencil }

const EntryView = ({
  bare,
  entry,
  names
}: {
  readonly entry: Entry
  readonly names: readonly [string, string]
  readonly bare: boolean
}) => {
  const Picture = pictures[entry.kind]
  return (
    <li className="entry" data-kind={entry.kind}>
      <Picture aria-hidden />
      <span className="unseen">{entry.kind}</span>
      <Path path={entry.path} />
      <div className="entry-value">
        {entry.kind === "changed" ? (
          <Pair before={entry.before} after={entry.after} names={names} />
        ) : (
          <Shown value={bare && entry.path === "result" ? withoutContent(entry.value) : entry.value} label={entry.path} />
        )}
      </div>
    </li>
  )
}

/** The answer itself was shown above. */
const withoutContent = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !("content" in value)) return value
  const { content: _, ...rest } = value
  return rest
}

/** A path whose last step is what one looks for. */
export const Path = ({ path }: { readonly path: string }) => {
  const last = /(?:[^.[\]"]+|\["(?:[^"\\]|\\.)*"\]|\[\d+\])$/.exec(path)?.index ?? 0
  return (
    <code className="path">
      <span>{path.slice(0, last)}</span>
      <b>{path.slice(last)}</b>
    </code>
  )
}

const Shown = ({ label, value }: { readonly value: unknown; readonly label: string }) =>
  typeof value === "object" && value !== null ? (
    <JsonTree value={value} label={label} open={2} />
  ) : (
    <code>
      <Scalar value={value} />
    </code>
  )

const Pair = ({
  after,
  before,
  names
}: {
  readonly before: unknown
  readonly after: unknown
  readonly names: readonly [string, string]
}) => {
  if (typeof before === "string" && typeof after === "string" && before.length + after.length > 60)
    return (
      <code className="pair-text">
        <WordDiff before={before} after={after} />
      </code>
    )
  const big = [before, after].some((value) => typeof value === "object" && value !== null)
  return (
    <div className={big ? "pair-big" : "pair"}>
      <del>
        <span className="unseen">{names[0]}: </span>
        <Shown value={before} label={names[0]} />
      </del>
      <span className="pair-arrow" aria-hidden>
        →
      </span>
      <ins>
        <span className="unseen">{names[1]}: </span>
        <Shown value={after} label={names[1]} />
      </ins>
    </div>
  )
}
