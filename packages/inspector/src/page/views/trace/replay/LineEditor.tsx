/**
 * A line of shipped plugs, to be put in another order, shortened, lengthened and given other options.
 *
 * @module
 */
import { ArrowDown, ArrowUp, Plus, Trash2 } from "lucide-react"
import { lazy, Suspense, useRef, useState } from "react"
import type { JsonValue as Json } from "@plugline/core"
import type { ShippedPlug } from "../../../../api.ts"
import { Button, IconButton, Select } from "../../../ui/controls.tsx"
import { type Entry, moved } from "./edits.ts"

const JsonEditor = lazy(() => import("../../../ui/JsonEditor.tsx"))

export const LineEditor = ({
  changed,
  line,
  onChange,
  onReset,
  shipped
}: {
  readonly line: ReadonlyArray<Entry>
  readonly shipped: ReadonlyArray<ShippedPlug>
  readonly onChange: (line: ReadonlyArray<Entry>) => void
  readonly onReset: () => void
  readonly changed: boolean
}) => {
  const [open, setOpen] = useState<number>()
  const [adding, setAdding] = useState("")
  const next = useRef(1_000)
  const says = (name: string): string => shipped.find((plug) => plug.name === name)?.says ?? ""
  return (
    <div className="line">
      <ol>
        {line.map(({ id, name, options }, index) => (
          <li key={id}>
            <div className="line-row">
              <span className="num faint">{index + 1}</span>
              <button
                type="button"
                className="line-name"
                aria-expanded={open === id}
                onClick={() => setOpen(open === id ? undefined : id)}
              >
                <strong>{name}</strong>
                <span className="clip faint">{options === null ? says(name) : JSON.stringify(options)}</span>
              </button>
              <IconButton
                icon={<ArrowUp aria-hidden />}
                label={`Move ${name} up`}
                isDisabled={index === 0}
                onPress={() => onChange(moved(line, id, -1))}
              />
              <IconButton
                icon={<ArrowDown aria-hidden />}
                label={`Move ${name} down`}
                isDisabled={index === line.length - 1}
                onPress={() => onChange(moved(line, id, 1))}
              />
              <IconButton
                icon={<Trash2 aria-hidden />}
                label={`Take ${name} out`}
                onPress={() => onChange(line.filter((entry) => entry.id !== id))}
              />
            </div>
            {open === id && (
              <div className="line-open">
                <p className="faint">{says(name)}</p>
                <Suspense fallback={undefined}>
                  <OptionsOf
                    name={name}
                    options={options}
                    onChange={(options) => onChange(line.map((entry) => (entry.id === id ? { ...entry, options } : entry)))}
                  />
                </Suspense>
              </div>
            )}
          </li>
        ))}
        <li className="line-row line-last">
          <span />
          <span className="faint">what asks the provider</span>
        </li>
      </ol>
      <div className="row row-wrap">
        <Select
          label="Plug"
          items={shipped.map(({ name }) => ({ key: name, label: name }))}
          value={adding}
          onChange={setAdding}
        />
        <Button
          icon={<Plus aria-hidden />}
          isDisabled={adding === ""}
          onPress={() => onChange([...line, { id: next.current++, name: adding, options: null }])}
        >
          Add at the end
        </Button>
        {changed && (
          <Button kind="plain" onPress={onReset}>
            Back to the recorded line
          </Button>
        )}
      </div>
    </div>
  )
}

const OptionsOf = ({
  name,
  onChange,
  options
}: {
  readonly name: string
  readonly options: Json
  readonly onChange: (options: Json) => void
}) => {
  const [text, setText] = useState(() => JSON.stringify(options ?? {}, undefined, 2))
  return (
    <JsonEditor
      label={`Options of ${name}`}
      value={text}
      onChange={(next) => {
        setText(next)
        try {
          const read = JSON.parse(next) as Json
          onChange(typeof read === "object" && read !== null && Object.keys(read).length === 0 ? null : read)
        } catch {
          // The editor shows where; until it can be read, the last options stand.
        }
      }}
    />
  )
}
