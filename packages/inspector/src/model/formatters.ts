/**
 * Shows requests and traces in the browser's debugger as a person would want to read them: at a breakpoint in a plug, what
 * the request is, and what each plug before made of it.
 *
 * Chrome asks for this under Settings → Preferences → Console → "Custom formatters".
 *
 * @module
 */
import { Diff, Message, Request, Trace } from "@plugline/core"
import { duration, service } from "./say.ts"

/** What a debugger draws: a tag, its style, and what is inside; or a value, which it shows its own way. */
export type JsonMl = readonly [
  tag: string,
  attributes: { readonly style?: string; readonly object?: unknown },
  ...inside: ReadonlyArray<unknown>
]

/** What a debugger asks of each value it shows. */
export interface Formatter {
  readonly header: (value: unknown) => JsonMl | null
  readonly hasBody: (value: unknown) => boolean
  readonly body: (value: unknown) => JsonMl | null
}

/** The formatter itself, for other debuggers that take one. Credentials are masked. */
export const formatter: Formatter = {
  header: (value) => guarded(value, headerOf),
  hasBody: (value) => value instanceof Request.Request || value instanceof Trace.Trace,
  body: (value) => guarded(value, bodyOf)
}

/**
 * Registers the formatter with the debugger of this page or process. What is given back takes it away again. Installing it
 * twice changes nothing.
 *
 * @example
 * ```ts
 * import { installFormatters } from "@plugline/inspector"
 *
 * const uninstall = installFormatters()
 * uninstall()
 * ```
 */
export const installFormatters = (target: { devtoolsFormatters?: ReadonlyArray<unknown> } = globalThis as {}): () => void => {
  const others = target.devtoolsFormatters ?? []
  if (!others.includes(formatter)) target.devtoolsFormatters = [...others, formatter]
  return () => {
    const left = (target.devtoolsFormatters ?? []).filter((each) => each !== formatter)
    if (left.length > 0) target.devtoolsFormatters = left
    else delete target.devtoolsFormatters
  }
}

/** A debugger must never stumble over what it shows. */
const guarded = (value: unknown, show: (value: Request | Trace) => JsonMl): JsonMl | null => {
  if (!(value instanceof Request.Request || value instanceof Trace.Trace)) return null
  try {
    return show(value)
  } catch {
    return null
  }
}

const headerOf = (value: Request | Trace): JsonMl => {
  if (value instanceof Trace.Trace) {
    const { final, steps } = value
    const ended = steps.reduce((last, { endedAt = 0 }) => Math.max(last, endedAt), 0)
    const came = tone(final === undefined ? " interrupted" : ` ${final.state}`, final?.state)
    return ["span", {}, bold("Trace"), ` ${steps.length} visits, ${duration(ended)}`, came]
  }
  const { errors, messages, operation, options, provider, state } = value
  const last = state === "error" ? errors.at(-1)?.message ?? "" : Message.text(messages.at(-1) ?? Message.user(""))
  const asked = ` ${operation} ${service(provider, options.model)}`
  return ["span", {}, bold("Request"), asked, tone(` ${state} `, state), dim(cut(last, 80))]
}

const bodyOf = (value: Request | Trace): JsonMl => {
  if (value instanceof Trace.Trace) return ["ol", { style: "margin: 4px 0; padding-left: 20px" }, ...visitsOf(value)]
  const json = Request.toJson(value)
  const fields = Object.entries(json).filter(([, field]) =>
    field !== false && field !== "" && !(typeof field === "object" && field !== null && Object.keys(field).length === 0))
  const history = Trace.of(value)
  return ["div", { style: "padding-left: 12px" },
    ...fields.map(([name, field]): JsonMl => ["div", {}, dim(`${name}: `), ["object", { object: field }]]),
    ...(history === undefined || history.steps.length === 0 ? [] : [historyOf(history)])
  ]
}

const historyOf = (history: Trace): JsonMl =>
  ["div", { style: "margin-top: 4px" },
    bold("How it came here"),
    ["ol", { style: "margin: 0; padding-left: 20px" }, ...visitsOf(history)]
  ]

/** Each visit: the plug, its own time, what it changed on the way down and back, and the request before and after. */
const visitsOf = (trace: Trace): ReadonlyArray<JsonMl> =>
  trace.steps.map((step): JsonMl => {
    const own = Trace.ownTime(step)
    const back = Trace.changesBack(step)
    const notes = [
      ...Trace.describe(Trace.changes(step)).map((note) => `→ ${note}`),
      ...(back === undefined || Diff.isEmpty(back) ? [] : Trace.describe(back).map((note) => `← ${note}`))
    ]
    return ["li", {},
      bold(step.name),
      step.attempt > 1 ? ` (${step.attempt})` : "",
      dim(own === undefined ? " not left yet" : ` ${duration(own)}`),
      ...notes.map((note): JsonMl => ["div", { style: "padding-left: 8px" }, cut(note, 200)]),
      ["div", { style: "padding-left: 8px" }, dim("in "), ["object", { object: step.in }],
        ...(step.out === undefined ? [] : [dim(" out "), ["object", { object: step.out }] as JsonMl])]
    ]
  })

const bold = (text: string): JsonMl => ["span", { style: "font-weight: bold" }, text]
const dim = (text: string): JsonMl => ["span", { style: "opacity: 0.65" }, text]
const tone = (text: string, state: string | undefined): JsonMl =>
  ["span", { style: `color: ${state === "error" ? "#c5221f" : state === "completed" ? "#188038" : "inherit"}` }, text]

const cut = (text: string, most: number): string => {
  const line = text.replace(/\s+/g, " ")
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}
