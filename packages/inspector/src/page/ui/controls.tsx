/**
 * Buttons, choices and fields: real components of `react-aria-components`, dressed by `controls.css`.
 *
 * @module
 */
import { Check, ChevronsUpDown, Copy, Search, X } from "lucide-react"
import { type ReactNode, useEffect, useRef, useState } from "react"
import { Button as AriaButton, type ButtonProps } from "react-aria-components/Button"
import { Input } from "react-aria-components/Input"
import { Label } from "react-aria-components/Label"
import { ListBox, ListBoxItem } from "react-aria-components/ListBox"
import { Popover } from "react-aria-components/Popover"
import { SearchField } from "react-aria-components/SearchField"
import { Select as AriaSelect, SelectValue } from "react-aria-components/Select"
import { Switch as AriaSwitch } from "react-aria-components/Switch"
import { TextArea as AriaTextArea } from "react-aria-components/TextArea"
import { TextField } from "react-aria-components/TextField"
import { ToggleButton } from "react-aria-components/ToggleButton"
import { ToggleButtonGroup } from "react-aria-components/ToggleButtonGroup"
import { Tooltip, TooltipTrigger } from "react-aria-components/Tooltip"

type Press = Pick<ButtonProps, "isDisabled" | "onPress" | "autoFocus" | "type" | "slot"> & { readonly "aria-pressed"?: boolean }

/** Does something. `tip`: more words on hover and focus. */
export const Button = ({
  children,
  icon,
  kind,
  tip,
  ...press
}: Press & {
  readonly children: ReactNode
  readonly icon?: ReactNode
  readonly kind?: "main" | "plain" | "danger"
  readonly tip?: string
}) => {
  const button = (
    <AriaButton {...press} className="button" data-kind={kind}>
      {icon}
      {children}
    </AriaButton>
  )
  return tip === undefined ? button : <Tip text={tip}>{button}</Tip>
}

/** Does something, shown by a picture alone; `label` is its name and tooltip. */
export const IconButton = ({
  icon,
  kind = "plain",
  label,
  ...press
}: Press & {
  readonly icon: ReactNode
  readonly label: string
  readonly kind?: "main" | "plain" | "danger"
}) => (
  <Tip text={label}>
    <AriaButton {...press} className="button" data-icon data-kind={kind} aria-label={label}>
      {icon}
    </AriaButton>
  </Tip>
)

/** More words about what is inside, which must be something that can be focused. */
export const Tip = ({ children, text }: { readonly children: ReactNode; readonly text: string }) => (
  <TooltipTrigger delay={450} closeDelay={80}>
    {children}
    <Tooltip className="tooltip" offset={6}>
      {text}
    </Tooltip>
  </TooltipTrigger>
)

/** Puts a text on the clipboard, and says so. */
export const CopyButton = ({
  icon = false,
  label,
  text
}: {
  readonly text: string | (() => string)
  readonly label: string
  /** Shown by a picture alone. */
  readonly icon?: boolean
}) => {
  const [done, setDone] = useState<"copied" | "failed">()
  const timer = useRef<number>(undefined)
  useEffect(() => () => window.clearTimeout(timer.current), [])
  const copy = () => {
    const finish = (how: "copied" | "failed") => {
      setDone(how)
      window.clearTimeout(timer.current)
      timer.current = window.setTimeout(() => setDone(undefined), 1600)
    }
    try {
      navigator.clipboard.writeText(typeof text === "string" ? text : text()).then(
        () => finish("copied"),
        () => finish("failed")
      )
    } catch {
      // The clipboard is closed on pages that came over plain HTTP from another machine.
      finish("failed")
    }
  }
  const picture = done === "copied" ? <Check aria-hidden /> : done === "failed" ? <X aria-hidden /> : <Copy aria-hidden />
  const said = done === "copied" ? "Copied" : done === "failed" ? "The browser did not allow it" : label
  return (
    <>
      {icon ? (
        <IconButton icon={picture} label={said} onPress={copy} />
      ) : (
        <Button icon={picture} onPress={copy}>
          {said}
        </Button>
      )}
      <span role="status" className="unseen">
        {done === undefined ? "" : said}
      </span>
    </>
  )
}

/** One of a few, always in view. */
export const Segments = <Key extends string>({
  items,
  label,
  onChange,
  value
}: {
  readonly items: ReadonlyArray<{ readonly key: Key; readonly label: string; readonly icon?: ReactNode; readonly count?: number }>
  readonly label: string
  readonly value: Key
  readonly onChange: (key: Key) => void
}) => (
  <ToggleButtonGroup
    className="segments"
    aria-label={label}
    selectionMode="single"
    disallowEmptySelection
    selectedKeys={[value]}
    onSelectionChange={(keys) => {
      const [key] = keys
      if (key !== undefined) onChange(key as Key)
    }}
  >
    {items.map(({ count, icon, key, label }) => (
      <ToggleButton key={key} id={key} className="segment">
        {icon}
        {label}
        {count !== undefined && <span className="count num">{count}</span>}
      </ToggleButton>
    ))}
  </ToggleButtonGroup>
)

export interface Choice {
  readonly key: string
  readonly label: string
}

/** One of a list. With `all`, also none of them. */
export const Select = ({
  all,
  isDisabled = false,
  items,
  label,
  onChange,
  shown = "inside",
  value
}: {
  readonly items: ReadonlyArray<Choice>
  readonly label: string
  readonly value: string
  readonly onChange: (key: string) => void
  /** What stands for no choice. Its key is the empty text. */
  readonly all?: string
  /** Where the label stands. */
  readonly shown?: "inside" | "above"
  readonly isDisabled?: boolean
}) => {
  const none = "\u0000none"
  const options = all === undefined ? items : [{ key: none, label: all }, ...items]
  return (
    <AriaSelect
      className={shown === "above" ? "select field" : "select select-inside"}
      data-set={all !== undefined && value !== "" ? "" : undefined}
      isDisabled={isDisabled}
      value={value === "" ? (all === undefined ? null : none) : value}
      onChange={(key) => onChange(key === none || key === null ? "" : String(key))}
    >
      <Label className="field-label">{label}</Label>
      <AriaButton className="button">
        <span className="select-value">
          <SelectValue>{({ defaultChildren, isPlaceholder }) => (isPlaceholder ? "choose" : defaultChildren)}</SelectValue>
        </span>
        <ChevronsUpDown aria-hidden />
      </AriaButton>
      <Popover className="popover">
        <ListBox className="list" items={options}>
          {({ key, label }) => (
            <ListBoxItem id={key} textValue={label} className="list-item">
              {({ isSelected }) => (
                <>
                  <span className="clip grow">{label}</span>
                  {isSelected && <Check className="tick" aria-hidden />}
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  )
}

/** Words to look for. Escape empties it. */
export const SearchBox = ({
  hint,
  label,
  onChange,
  placeholder,
  value
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (text: string) => void
  readonly placeholder?: string
  /** The key that leads here. */
  readonly hint?: string
}) => (
  <SearchField className="search" aria-label={label} value={value} onChange={onChange}>
    <Search aria-hidden />
    <Input className="input" placeholder={placeholder ?? ""} data-search />
    {hint !== undefined && value === "" && <kbd aria-hidden>{hint}</kbd>}
  </SearchField>
)

/** A line of text. */
export const Text = ({
  label,
  mono = false,
  onChange,
  placeholder,
  type = "text",
  value,
  ...rest
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (text: string) => void
  readonly placeholder?: string
  readonly type?: "text" | "password" | "number"
  readonly mono?: boolean
  readonly autoFocus?: boolean
}) => (
  <TextField className="field" value={value} onChange={onChange} type={type} autoComplete="off" {...rest}>
    <Label>{label}</Label>
    <Input className="input" placeholder={placeholder ?? ""} data-mono={mono ? "" : undefined} spellCheck={false} />
  </TextField>
)

/** Several lines of text. */
export const LongText = ({
  label,
  mono = false,
  onChange,
  placeholder,
  rows = 3,
  value
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (text: string) => void
  readonly placeholder?: string
  readonly rows?: number
  readonly mono?: boolean
}) => (
  <TextField className="field" value={value} onChange={onChange}>
    <Label>{label}</Label>
    <AriaTextArea className="input" rows={rows} placeholder={placeholder ?? ""} data-mono={mono ? "" : undefined} />
  </TextField>
)

/** On or off. */
export const Switch = ({
  children,
  onChange,
  value
}: {
  readonly children: ReactNode
  readonly value: boolean
  readonly onChange: (on: boolean) => void
}) => (
  <AriaSwitch className="switch" isSelected={value} onChange={onChange}>
    <span className="switch-track" aria-hidden />
    {children}
  </AriaSwitch>
)
