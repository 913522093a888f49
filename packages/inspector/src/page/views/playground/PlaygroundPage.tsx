/**
 * Asks a pipeline by hand: streamed or whole, with tools, with a schema for the answer; then leads into the walk.
 *
 * @module
 */
import { Send, Square, Trash2 } from "lucide-react"
import { type FormEvent, lazy, Suspense, useEffect, useMemo, useRef, useState } from "react"
import { ComboBox } from "react-aria-components/ComboBox"
import { Button as AriaButton } from "react-aria-components/Button"
import { Input } from "react-aria-components/Input"
import { Label } from "react-aria-components/Label"
import { ListBox, ListBoxItem } from "react-aria-components/ListBox"
import { Popover } from "react-aria-components/Popover"
import { ChevronsUpDown } from "lucide-react"
import * as client from "../../api/client.ts"
import { useResource } from "../../api/resource.ts"
import { useVisitor } from "../../app/session.tsx"
import { Button, LongText, Select, Switch, Text } from "../../ui/controls.tsx"
import { Badge, Empty, Failure, Loading } from "../../ui/surfaces.tsx"
import { type Answer, empty, open, type Settings, type Turn } from "./chat.ts"
import { run } from "./run.ts"
import { ToolAnswer, TurnView } from "./Turns.tsx"
import "./playground.css"

const JsonEditor = lazy(() => import("../../ui/JsonEditor.tsx"))

const PlaygroundPage = ({ query }: { readonly query: string }) => {
  const { may } = useVisitor()
  const { again, error, value } = useResource("playground", async (signal) => {
    const [{ pipelines }, models] = await Promise.all([client.pipelines(signal), client.models(signal).catch(() => [])])
    return { pipelines, models }
  })
  if (!may("chat"))
    return (
      <Empty title="You may look, but not ask">
        <p>
          The playground sends requests like any client. Your role does not hold the permission <code>chat</code>.
        </p>
      </Empty>
    )
  if (value === undefined)
    return error === undefined ? <Loading what="Loading pipelines and models" /> : <Failure error={error} again={again} />
  return <Playground query={query} pipelines={value.pipelines.map(({ name }) => name)} models={value.models} />
}

export default PlaygroundPage

const exampleTools = JSON.stringify(
  [
    {
      type: "function",
      function: {
        name: "weather",
        description: "The weather in a city",
        parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false }
      }
    }
  ],
  undefined,
  2
)

const exampleSchema = JSON.stringify(
  {
    type: "object",
    properties: { name: { type: "string" }, gears: { type: "integer" } },
    required: ["name", "gears"],
    additionalProperties: false
  },
  undefined,
  2
)

const Playground = ({
  models,
  pipelines,
  query
}: {
  readonly pipelines: ReadonlyArray<string>
  readonly models: ReadonlyArray<string>
  readonly query: string
}) => {
  const [settings, setSettings] = useState<Settings>(() => {
    const given = new URLSearchParams(query)
    return {
      pipeline: given.get("pipeline") ?? pipelines[0] ?? "default",
      model: given.get("model") ?? models[0] ?? "",
      system: "",
      temperature: "",
      maxTokens: "",
      stream: true,
      tools: "",
      schema: ""
    }
  })
  const [turns, setTurns] = useState<ReadonlyArray<Turn>>([])
  const [arriving, setArriving] = useState<Answer>()
  const [text, setText] = useState("")
  const control = useRef<AbortController>(undefined)
  useEffect(() => () => control.current?.abort(), [])
  const end = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (turns.length > 0) end.current?.scrollIntoView({ block: "end" })
  }, [turns, arriving])
  const set = (changes: Partial<Settings>) => setSettings((now) => ({ ...now, ...changes }))

  const ask = async (next: ReadonlyArray<Turn>) => {
    setTurns(next)
    setArriving(empty)
    const mine = (control.current = new AbortController())
    const answer = await run(settings, next, (now) => mine === control.current && setArriving(now), mine.signal)
    if (mine !== control.current) return
    setArriving(undefined)
    setTurns([...next, answer])
  }
  const waiting = open(turns)
  const submit = (event?: FormEvent) => {
    event?.preventDefault()
    if (text.trim() === "" || arriving !== undefined) return
    setText("")
    void ask([...turns, { role: "user", text }])
  }
  return (
    <div className="playground">
      <aside className="play-settings" aria-label="Settings">
        <h1>Playground</h1>
        <Select
          label="Pipeline"
          shown="above"
          items={pipelines.map((name) => ({ key: name, label: name }))}
          value={settings.pipeline}
          onChange={(pipeline) => set({ pipeline })}
        />
        <ModelField models={models} value={settings.model} onChange={(model) => set({ model })} />
        <LongText
          label="System"
          rows={3}
          value={settings.system}
          onChange={(system) => set({ system })}
          placeholder="Rules of the conversation"
        />
        <div className="play-pair">
          <Text
            label="Temperature"
            value={settings.temperature}
            onChange={(temperature) => set({ temperature })}
            placeholder="its own"
          />
          <Text
            label="Most tokens"
            value={settings.maxTokens}
            onChange={(maxTokens) => set({ maxTokens })}
            placeholder="its own"
          />
        </div>
        <Switch value={settings.stream} onChange={(stream) => set({ stream })}>
          Stream the answer
        </Switch>
        <Json
          title="Tools"
          label="Tools as JSON"
          value={settings.tools}
          example={exampleTools}
          onChange={(tools) => set({ tools })}
        />
        <Json
          title="Structured answer"
          label="JSON Schema of the answer"
          value={settings.schema}
          example={exampleSchema}
          onChange={(schema) => set({ schema })}
        />
      </aside>
      <section className="play-chat" aria-label="Conversation">
        <div className="play-turns" tabIndex={0} role="log" aria-label="Turns">
          {turns.length === 0 && arriving === undefined && (
            <Empty title={`Ask through “${settings.pipeline}”`}>
              <p>It is a request like any other: it is recorded, counted and charged, and can be walked afterwards.</p>
            </Empty>
          )}
          {turns.map((turn, index) => (
            <TurnView key={index} turn={turn} />
          ))}
          {arriving !== undefined && <TurnView turn={arriving} arriving />}
          {arriving === undefined
            && waiting.map((call) => (
              <ToolAnswer
                key={call.id}
                call={call}
                onAnswer={(text) => {
                  const next: ReadonlyArray<Turn> = [...turns, { role: "tool", text, call }]
                  if (open(next).length === 0) void ask(next)
                  else setTurns(next)
                }}
              />
            ))}
          <div ref={end} />
        </div>
        <form className="play-form" onSubmit={submit}>
          <textarea
            className="input"
            aria-label="Message"
            rows={2}
            placeholder="Ask something"
            value={text}
            onChange={({ target }) => setText(target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) submit(event)
            }}
          />
          <div className="row">
            <span className="faint hide-small">
              <kbd>↵</kbd> send <kbd>⇧</kbd>
              <kbd>↵</kbd> new line
            </span>
            <span className="grow" />
            {turns.length > 0 && arriving === undefined && (
              <Button kind="plain" icon={<Trash2 aria-hidden />} onPress={() => setTurns([])}>
                Clear
              </Button>
            )}
            {arriving === undefined ? (
              <Button kind="main" type="submit" icon={<Send aria-hidden />} isDisabled={text.trim() === ""}>
                Send
              </Button>
            ) : (
              <Button kind="danger" icon={<Square aria-hidden />} onPress={() => control.current?.abort()}>
                Stop
              </Button>
            )}
          </div>
        </form>
      </section>
    </div>
  )
}

const ModelField = ({
  models,
  onChange,
  value
}: {
  readonly models: ReadonlyArray<string>
  readonly value: string
  readonly onChange: (model: string) => void
}) => {
  const items = useMemo(() => {
    const words = value.toLowerCase()
    const fitting = models.filter((id) => id.toLowerCase().includes(words))
    return (models.includes(value) ? models : fitting).slice(0, 200).map((id) => ({ id }))
  }, [models, value])
  return (
    <ComboBox
      className="field combo"
      allowsCustomValue
      inputValue={value}
      onInputChange={onChange}
      items={items}
      menuTrigger="focus"
      defaultFilter={() => true}
    >
      <Label>Model</Label>
      <div className="combo-field">
        <Input className="input" data-mono="" spellCheck={false} />
        <AriaButton className="button" data-icon data-kind="plain" aria-label="Show models">
          <ChevronsUpDown aria-hidden />
        </AriaButton>
      </div>
      <Popover className="popover">
        <ListBox className="list">
          {({ id }: { readonly id: string }) => (
            <ListBoxItem id={id} className="list-item" textValue={id}>
              {id}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  )
}

const Json = ({
  example,
  label,
  onChange,
  title,
  value
}: {
  readonly title: string
  readonly label: string
  readonly value: string
  readonly example: string
  readonly onChange: (text: string) => void
}) => {
  const [isOpen, setOpen] = useState(false)
  return (
    <details className="play-json" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        {title}
        {value.trim() !== "" && <Badge tone="accent">on</Badge>}
      </summary>
      {isOpen && (
        <div className="stack">
          <Suspense fallback={<Loading what="Loading the editor" />}>
            <JsonEditor label={label} value={value} onChange={onChange} />
          </Suspense>
          <div className="row">
            {value.trim() === "" ? (
              <Button onPress={() => onChange(example)}>Put in an example</Button>
            ) : (
              <Button kind="plain" onPress={() => onChange("")}>
                Empty
              </Button>
            )}
          </div>
        </div>
      )}
    </details>
  )
}
