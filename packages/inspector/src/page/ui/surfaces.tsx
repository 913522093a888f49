/**
 * What is shown around things: badges, notices, emptiness, waiting, failure, code.
 *
 * @module
 */
import { CircleAlert, CircleCheck, Info, TriangleAlert, WifiOff } from "lucide-react"
import type { ReactNode } from "react"
import { Refused } from "../api/client.ts"
import { Button, CopyButton } from "./controls.tsx"
import type { Tone } from "./format.ts"

export const Badge = ({ children, tone = "plain" }: { readonly children: ReactNode; readonly tone?: Tone }) => (
  <span className="badge" data-tone={tone}>
    {children}
  </span>
)

const pictures = { good: CircleCheck, bad: CircleAlert, warn: TriangleAlert, plain: Info } as const

/** Something that must be said. */
export const Notice = ({
  children,
  end,
  title,
  tone = "plain"
}: {
  readonly title: string
  readonly children?: ReactNode
  readonly end?: ReactNode
  readonly tone?: keyof typeof pictures
}) => {
  const Picture = pictures[tone]
  return (
    <div className="notice" data-tone={tone} role={tone === "bad" ? "alert" : "status"}>
      <Picture aria-hidden />
      <div className="grow">
        <strong>{title}</strong>
        {children !== undefined && <div>{children}</div>}
      </div>
      {end}
    </div>
  )
}

/** There is nothing here; why, and what to do about it. */
export const Empty = ({
  children,
  icon,
  title
}: {
  readonly icon?: ReactNode
  readonly title: string
  readonly children?: ReactNode
}) => (
  <div className="empty">
    {icon}
    <h2>{title}</h2>
    {children}
  </div>
)

export const Loading = ({ what }: { readonly what: string }) => (
  <div className="loading" role="status">
    <span className="spinner" aria-hidden />
    {what}
  </div>
)

/** A failure, with what was said about it and a way to try again. */
export const Failure = ({ again, error }: { readonly error: unknown; readonly again?: () => void }) => {
  const status = error instanceof Refused ? error.status : undefined
  const title =
    status === 0
      ? "No connection to the gateway"
      : status === 403
        ? "You may not see this"
        : status === 404
          ? "It is not here"
          : "That did not work"
  return (
    <Empty icon={status === 0 ? <WifiOff aria-hidden /> : <CircleAlert aria-hidden />} title={title}>
      <p role="alert">{error instanceof Error ? error.message : String(error)}</p>
      {again !== undefined && <Button onPress={again}>Try again</Button>}
    </Empty>
  )
}

/** Text as it is, to be copied. */
export const Code = ({ label, text }: { readonly text: string; readonly label: string }) => (
  <div className="code">
    <pre tabIndex={0} role="region" aria-label={label}>
      {text}
    </pre>
    <CopyButton icon text={text} label="Copy" />
  </div>
)

/** Names and values, side by side. */
export const Facts = ({ facts }: { readonly facts: ReadonlyArray<readonly [name: string, value: ReactNode] | undefined> }) => (
  <dl className="facts">
    {facts.map(
      (fact) =>
        fact !== undefined && (
          <div key={fact[0]}>
            <dt>{fact[0]}</dt>
            <dd>{fact[1]}</dd>
          </div>
        )
    )}
  </dl>
)

/** A plain table: rows of cells, the first row of which are its headings. */
export const Table = ({
  caption,
  head,
  right = [],
  rows
}: {
  readonly caption: string
  readonly head: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<ReactNode>>
  /** Which columns hold numbers. */
  readonly right?: ReadonlyArray<number>
}) => (
  <div className="table-wrap" tabIndex={0} role="region" aria-label={caption}>
    <table className="table">
      <caption className="unseen">{caption}</caption>
      <thead>
        <tr>
          {head.map((name, at) => (
            <th key={name} scope="col" className={right.includes(at) ? "right" : ""}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {row.map((cell, at) => (
              <td key={at} className={right.includes(at) ? "right" : ""}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)
