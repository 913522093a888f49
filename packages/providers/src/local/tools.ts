/**
 * Decides which of the tools on offer a message asks for, and fills in their arguments from it.
 *
 * @module
 */
import { Json, type JsonObject, type JsonValue, LlmError, type FunctionTool, type Message, type Options, Suggest } from "@plugline/core"
import { resolve } from "./check.ts"
import { dated, hints, words } from "./hints.ts"
import { satisfy } from "./schema.ts"

/** A tool, to be called with these arguments. */
export interface Call {
  readonly name: string
  readonly params: JsonValue
}

/**
 * The calls that answer a message; none where none is asked for.
 *
 * @throws LlmError `InvalidRequest` when a call is required and there is no such tool, `Unsupported` when no arguments satisfy
 * the schema of a tool that must be called.
 */
export const calls = (text: string, { parallelToolCalls, toolChoice = "auto", tools = [] }: Options): ReadonlyArray<Call> => {
  if (toolChoice === "none") return []
  const offered = tools.filter((tool): tool is FunctionTool => tool.type !== "provider")
  if (typeof toolChoice === "object") {
    const tool = offered.find(({ name }) => name === toolChoice.tool)
    if (tool === undefined) throw invalid(Suggest.refusal("tool", toolChoice.tool, offered.map(({ name }) => name)))
    return [forced(tool, text)]
  }
  if (toolChoice === "required" && offered.length === 0) throw invalid("toolChoice is \"required\" and no function is offered as a tool")
  const clauses = text.split(/(?<=[.?!;])\s+|,?\s+(?:and then|then|and)\s+/).filter((clause) => clause.trim() !== "").slice(0, 20)
  const ranked = offered
    .map((tool) => ({ tool, score: score(tool, text), clause: clauses.length < 2 ? text : best(tool, clauses) }))
    .sort((a, b) => b.score - a.score)
  const wanted = ranked.filter(({ score }) => score >= 3)
  const made = (parallelToolCalls === false ? wanted.slice(0, 1) : wanted).flatMap(({ clause, tool }) =>
    attempt(tool, clause) ?? attempt(tool, text) ?? [])
  const first = ranked[0]
  return made.length > 0 || toolChoice !== "required" || first === undefined ? made : [forced(first.tool, text)]
}

const invalid = (message: string): LlmError => LlmError.make({ _tag: "InvalidRequest", parameter: "toolChoice", message })

/** A call with arguments that come from the message; `undefined` where one that is needed is not said. */
const attempt = (tool: FunctionTool, text: string): ReadonlyArray<Call> | undefined => {
  const schema = tool.parameters ?? {}
  const hint = hints({ text })
  const properties = Json.isRecord(schema.properties) ? schema.properties as JsonObject : {}
  const required = Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === "string") : []
  const unsaid = required.some((name) => {
    const field = resolve(properties[name], schema)
    return Json.isRecord(field) && field.const === undefined && isPlain(field) && hint(name, field as JsonObject, false).length === 0
  })
  if (unsaid) return undefined
  try {
    return [forced(tool, text)]
  } catch {
    return undefined
  }
}

const isPlain = (schema: Readonly<Record<string, unknown>>): boolean =>
  schema.type === "string" || schema.type === "number" || schema.type === "integer" || Array.isArray(schema.enum)

const forced = (tool: FunctionTool, text: string): Call => ({
  name: tool.name,
  params: satisfy({ type: "object", ...tool.parameters }, hints({ text }))
})

/** Words in the names of many tools. */
const common = new Set("get set fetch find list search look lookup create make run do call tool function current my".split(" "))

/** Words that say nothing of what is asked for. */
const empty = new Set((
  "a an the of for in on at to from by with and or is are was be it its this that what which who how when where please me you "
  + "your i my can could would will do does tell give show want need use using about as not no if so"
).split(" "))

/** How much a message speaks of a tool. Three and up: it asks for it. */
const score = (tool: FunctionTool, text: string): number => {
  const said = new Set(words(text.slice(0, 4_000)).map(stem))
  if (new RegExp(`(?<![\\w-])${tool.name.replace(/[^\w-]/g, "\\$&")}(?![\\w-])`, "i").test(text)) return 10
  let points = 0
  for (const word of new Set(words(tool.name))) {
    if (!empty.has(word) && said.has(stem(word))) points += common.has(word) ? 1 : 3
  }
  for (const word of new Set(words(tool.description ?? ""))) {
    if (!empty.has(word) && !common.has(word) && word.length > 2 && said.has(stem(word))) points += 1.5
  }
  const isSum = /\d\s*[-+*/^×÷]\s*\d|\d\s+(?:plus|minus|times)\s+\d/.test(text.slice(0, 4_000).replace(dated, " "))
  if (isSum && /calc|math|arith|sum/i.test(tool.name)) points += 3
  return points
}

/** The part of a message that speaks most of a tool. */
const best = (tool: FunctionTool, clauses: ReadonlyArray<string>): string =>
  clauses.reduce((best, clause) => score(tool, clause) > score(tool, best) ? clause : best, clauses[0]!)

/** `forecasts` and `forecast`, `converting` and `convert` are one word. */
const stem = (word: string): string => word.length > 4 ? word.replace(/(?:ing|ed|es|s|er|or)$/, "").slice(0, 8) : word

// --- what tools have answered -----------------------------------------------------------------------------------------

/** What a tool has answered. */
export interface Answered {
  readonly name: string
  readonly isFailure: boolean
  readonly result: unknown
}

/** What tools have answered since the person last spoke. */
export const answered = (messages: ReadonlyArray<Message>): ReadonlyArray<Answered> => {
  const out: Array<Answered> = []
  for (let index = messages.length - 1; index >= 0 && messages[index]!.role === "tool"; index--) {
    const message = messages[index]!
    if (message.role === "tool") out.unshift(...message.content.filter((part) => part.type === "tool-result"))
  }
  return out
}

/** Says what tools have answered. */
export const report = (results: ReadonlyArray<Answered>): string =>
  results.map(({ isFailure, name, result }) => {
    const text = typeof result === "string" ? result : JSON.stringify(result) ?? "nothing"
    return `The tool ${name} ${isFailure ? "failed" : "answered"}: ${text}`
  }).join("\n")
