/**
 * Any JSON as a tree that opens and closes. It is text and nothing else, whatever stands in it.
 *
 * @module
 */
import { ChevronRight } from "lucide-react"
import { type ReactNode, useState } from "react"
import "./json.css"

/** Values of a list or record that are shown before somebody asks for more. */
const page = 100

/** Characters of a text that are shown before somebody asks for more. */
const enough = 600

/** `open`: how many levels are open at first. */
export const JsonTree = ({
  label,
  open = 2,
  value
}: {
  readonly value: unknown
  readonly label: string
  readonly open?: number
}) => (
  <div className="json" role="group" aria-label={label}>
    <Value value={value} open={open} />
  </div>
)

const Value = ({
  name,
  open,
  value
}: {
  readonly value: unknown
  readonly name?: ReactNode
  readonly open: number
}): ReactNode =>
  typeof value === "object" && value !== null ? (
    <Branch value={value} name={name} open={open} />
  ) : (
    <div className="json-line">
      {name}
      <Scalar value={value} />
    </div>
  )

const Branch = ({ name, open, value }: { readonly value: object; readonly name?: ReactNode; readonly open: number }) => {
  const list = Array.isArray(value)
  const entries = list ? value.map((item: unknown, index) => [String(index), item] as const) : Object.entries(value)
  const [isOpen, setOpen] = useState(open > 0)
  const [shown, setShown] = useState(page)
  const [first, last] = list ? ["[", "]"] : ["{", "}"]
  if (entries.length === 0)
    return (
      <div className="json-line">
        {name}
        <span className="json-mark">
          {first}
          {last}
        </span>
      </div>
    )
  return (
    <div>
      <button type="button" className="json-line json-fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <ChevronRight aria-hidden />
        {name}
        <span className="json-mark">{first}</span>
        {!isOpen && (
          <>
            <span className="json-count">
              {entries.length} {list ? (entries.length === 1 ? "item" : "items") : entries.length === 1 ? "field" : "fields"}
            </span>
            <span className="json-mark">{last}</span>
          </>
        )}
      </button>
      {isOpen && (
        <div className="json-inside">
          {entries.slice(0, shown).map(([key, item]) => (
            <Value
              key={key}
              value={item}
              open={open - 1}
              name={<span className={list ? "json-index" : "json-key"}>{key}</span>}
            />
          ))}
          {entries.length > shown && (
            <button type="button" className="more" onClick={() => setShown(shown + 10 * page)}>
              Show more of {entries.length}
            </button>
          )}
        </div>
      )}
    </div>
  )
}

/** One value in a line, as it is written in JSON. */
export const Scalar = ({ value }: { readonly value: unknown }) => {
  if (typeof value === "string") return <LongText text={value} quoted />
  if (value === undefined) return <span className="json-null">absent</span>
  return (
    <span className={value === null ? "json-null" : typeof value === "number" ? "json-number" : "json-word"}>
      {typeof value === "object" ? JSON.stringify(value) : String(value)}
    </span>
  )
}

/** A text that is cut where it is very long, until somebody asks for all of it. */
export const LongText = ({
  limit = enough,
  quoted = false,
  text
}: {
  readonly text: string
  readonly limit?: number
  readonly quoted?: boolean
}) => {
  const [all, setAll] = useState(false)
  const cut = !all && text.length > limit + 80
  const shown = cut ? text.slice(0, limit) : text
  return (
    <span className={quoted ? "json-text" : "plain-text"}>
      {quoted ? `"${shown.replaceAll('"', '\\"')}${cut ? "" : '"'}` : shown}
      {cut && (
        <>
          …{" "}
          <button type="button" className="more" onClick={() => setAll(true)}>
            Show all {text.length.toLocaleString("en-US")} characters
          </button>
        </>
      )}
    </span>
  )
}
