/**
 * Finds in a message what it says about a field: by the field's name, by its form (a date, a number, one of a list), and, as
 * a guess, by position.
 *
 * @module
 */
import type { JsonObject, JsonValue } from "@plugline/core"
import { typesOf } from "./check.ts"
import type { Hint } from "./schema.ts"

/** A date is neither a number nor a subtraction. */
export const dated = /\b\d{4}-\d{2}-\d{2}\S*/g

/** How much of a message is searched, in characters. */
const longest = 4_000

/** Names of a field that is the thing asked about, as a whole. */
const wholes = /^(?:q|query|question|search|topic|term|prompt|input|keywords?|phrase|subject)$/
/** Names of a field that is the answer. */
const answers = /^(?:answer|response|reply|result|message|summary|text|content|explanation|reason|reasoning|description|title|output)$/
const places = /(?:city|location|place|town|country|region|where|destination|address)$/
const people = /(?:name|person|user|customer|author|who|recipient|contact)$/
const sums = /(?:expression|formula|calculation|equation|sum)$/

const phrase = "(\\p{Lu}[\\p{L}\\p{N}'’.-]*(?:\\s+\\p{Lu}[\\p{L}\\p{N}'’.-]*)*)"

/** What to look in. */
export interface Sources {
  /** The message. */
  readonly text: string
  /** What tools have answered: fields of the same name count as said. */
  readonly data?: ReadonlyArray<JsonValue>
  /** The answer in words, for the fields that want one. */
  readonly answer?: string
}

/** Looks things up in a message. */
export const hints = ({ answer, data = [], text: whole }: Sources): Hint => {
  const text = whole.slice(0, longest)
  const found = numbersIn(text)
  const places_ = new Map<string, number>()

  /** The numbers from the one on that is this field's by order. */
  const byOrder = (name: string): ReadonlyArray<number> => {
    if (!places_.has(name)) places_.set(name, places_.size)
    return found.slice(places_.get(name))
  }

  return (name, schema, sure) => {
    const fromData = data.flatMap((value) => fieldOf(value, name))
    const said = [...fromData, ...bySchema(name, schema, text)]
    const type = typesOf(schema)[0]
    if (sure || said.length > 0) return said
    if (type === "number" || type === "integer") return byOrder(name)
    if (type !== "string" || schema.enum !== undefined || schema.format !== undefined) return []
    return byGuess(words(name).at(-1) ?? "", text, answer)
  }
}

/** A field's name as words. */
export const words = (name: string): ReadonlyArray<string> =>
  name.replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, "$1 $2").toLowerCase().split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "")

const bySchema = (name: string, schema: JsonObject, text: string): ReadonlyArray<JsonValue> => {
  if (Array.isArray(schema.enum)) return schema.enum.filter((one) => mentions(text, String(one)))
  const named = byName(name, text)
  const type = typesOf(schema)[0]
  switch (type) {
    case "number":
    case "integer":
      return [...named.map(Number).filter(Number.isFinite), ...besideName(name, text)]
    case "boolean": {
      const value = named[0]?.toLowerCase()
      if (value === "true" || value === "yes") return [true]
      if (value === "false" || value === "no") return [false]
      if (!mentions(text, words(name).join(" "))) return []
      return [!new RegExp(`\\b(?:no|not|without|never)\\s+(?:\\w+\\s+)?${loosely(name)}`, "iu").test(text)]
    }
    case "string": {
      const form = typeof schema.format === "string" && Object.hasOwn(forms, schema.format) ? forms[schema.format]! : undefined
      if (form !== undefined) return [...named, ...text.match(form) ?? []]
      return [...named, ...byKind(words(name).at(-1) ?? "", words(name), text)]
    }
    default:
      return []
  }
}

const forms: { readonly [format: string]: RegExp } = {
  date: /\b\d{4}-\d{2}-\d{2}\b/g,
  "date-time": /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})/g,
  time: /\b\d{2}:\d{2}:\d{2}Z/g,
  email: /[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+/g,
  uri: /\bhttps?:\/\/[^\s"'<>)]+/g,
  uuid: /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi,
  ipv4: /\b\d{1,3}(?:\.\d{1,3}){3}\b/g
}

/** What stands behind the field's name: `name: value`, `name = "value"`, `name is value`. */
const byName = (name: string, text: string): ReadonlyArray<string> => {
  const label = `(?<![\\p{L}\\p{N}])["']?${loosely(name)}["']?\\s*(?:[:=]|\\bis\\b|\\bas\\b)\\s*`
  const match = new RegExp(`${label}(?:"([^"]*)"|'([^']*)'|([^\\s,;]+(?: \\p{Lu}[^\\s,;]*)*))`, "iu").exec(text)
  const value = match?.[1] ?? match?.[2] ?? match?.[3]?.replace(/[.!?]+$/, "")
  return value === undefined || value === "" ? [] : [value]
}

/** Numbers beside the field's name: `3 days` for `days`, `age 42` for `age`. */
const besideName = (name: string, text: string): ReadonlyArray<number> => {
  const one = words(name).at(-1)
  if (one === undefined || one.length < 2) return []
  const stem = escape(one.replace(/s$/, ""))
  const match = new RegExp(`(-?\\d+(?:\\.\\d+)?)\\s+${stem}|\\b${stem}s?\\s+(?:of\\s+)?(-?\\d+(?:\\.\\d+)?)`, "iu").exec(text)
  return match === null ? [] : [Number(match[1] ?? match[2])]
}

const byKind = (kind: string, all: ReadonlyArray<string>, text: string): ReadonlyArray<string> => {
  const take = (pattern: string) => [...text.matchAll(new RegExp(pattern, "gu"))].map((match) => tidy(match[1]!))
  if (/^(?:from|to|at|for|by|with|in|on|via)$/.test(all[0] ?? "")) return take(`\\b${all[0]}\\s+${phrase}`)
  if (/^(?:origin|departure|source|start)/.test(all[0] ?? "")) return take(`\\bfrom\\s+${phrase}`)
  if (/^(?:destination|arrival|target)/.test(all[0] ?? "")) return take(`\\bto\\s+${phrase}`)
  if (places.test(kind)) return take(`\\b(?:in|at|near|of|for|to|from)\\s+${phrase}`)
  if (people.test(kind)) return take(`\\b(?:[Nn]ame is|[Cc]alled|I am|I'm|[Nn]amed|[Ff]or|[Tt]o|[Ww]ith|[Bb]y)\\s+${phrase}`)
  if (sums.test(kind)) {
    const runs = text.replace(dated, " ").match(/[-(\d.][\d.()+\-*/^%\s]{0,200}[\d)]/g) ?? []
    return runs.map((run) => run.trim()).filter((run) => /\d\s*[-+*/^%]\s*[-(\d.]/.test(run))
  }
  return []
}

/** What an unnamed text may be: something in quotes, a name, or the message itself. */
const byGuess = (kind: string, text: string, answer: string | undefined): ReadonlyArray<string> => {
  const quoted = [...text.matchAll(/"([^"]+)"|“([^”]+)”/g)].map((match) => match[1] ?? match[2]!)
  if (answer !== undefined && answers.test(kind)) return [answer]
  if (wholes.test(kind) || answers.test(kind)) {
    const about = /\b(?:for|about|on|regarding)\s+(.{1,200}?)[.?!]*$/isu.exec(text)?.[1]
    return [...quoted, ...(about === undefined ? [] : [about]), text.replace(/[.?!\s]+$/, "")].filter((one) => one !== "")
  }
  const names = [...text.matchAll(new RegExp(`(?<=[^.!?\\s]\\s+)${phrase}`, "gu"))].map((match) => tidy(match[1]!))
  return [...quoted, ...names]
}

const tidy = (text: string): string => text.replace(/[.'’-]+$/, "")

/** Every number in a text. Those of a date are none of their own. */
const numbersIn = (text: string): ReadonlyArray<number> =>
  (text.replace(dated, " ").match(/(?<![\p{L}\p{N}])-?\d+(?:\.\d+)?/gu) ?? []).map(Number)

/** A field of this name, anywhere in what a tool answered. */
const fieldOf = (value: JsonValue, name: string, depth = 0): ReadonlyArray<JsonValue> => {
  if (depth > 8 || typeof value !== "object" || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item) => fieldOf(item, name, depth + 1))
  const fields = value as JsonObject
  const own = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (own !== undefined) return [own]
  return Object.values(fields).flatMap((field) => field === undefined ? [] : fieldOf(field, name, depth + 1))
}

/** Whether a text has a word or phrase in it, in any spelling of its case. */
export const mentions = (text: string, part: string): boolean =>
  part !== "" && new RegExp(`(?<![\\p{L}\\p{N}])${escape(part).replace(/[\s_-]+/g, "[\\s_-]+")}(?![\\p{L}\\p{N}])`, "iu").test(text)

const loosely = (name: string): string => words(name).map(escape).join("[\\s_-]*") || "(?!)"

const escape = (text: string): string => text.slice(0, 200).replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
