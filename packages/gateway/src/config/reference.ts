/**
 * The reference of the configuration, made from its Schema: every field with its type, default and meaning.
 *
 * @module
 */
import { Json } from "plugline"
import { presets } from "./lines.ts"
import { described } from "./print.ts"
import { jsonSchema, type Node, resolved } from "./schema.ts"

/** The reference as Markdown: one table for each section. */
export const reference = (): string => {
  const root = fieldsOf(jsonSchema())
  return [
    table(root),
    ...root.map(([name, field]) => {
      const rows = nested(field, name)
      return rows.length === 0 ? "" : `## ${name}\n\n${described(field).description ?? ""}\n\n${table(rows)}`
    }),
    `## Presets\n\n${Object.entries(presets).map(([name, options]) => `- \`preset: ${name}\`, with ${options.map((option) => `\`${option}\``).join(", ")}`).join("\n")}`
  ].filter((part) => part !== "").join("\n\n")
}

type Field = readonly [path: string, node: Node, required?: boolean]

const fieldsOf = ({ properties, required }: Node): ReadonlyArray<Field> =>
  Json.isRecord(properties)
    ? Object.entries(properties as { readonly [name: string]: Node }).map(([name, node]) =>
      [name, node, Array.isArray(required) && required.includes(name)])
    : []

/** All fields below one, by their paths; `<name>` stands for names that the writer chooses, `[]` for what is listed. */
const nested = (field: Node, path: string): ReadonlyArray<Field> =>
  resolved(field).flatMap((form) => {
    const own = fieldsOf(form).flatMap(([name, inner, required]): ReadonlyArray<Field> => {
      const here = `${path}.${name}`
      return [[here, inner, required ?? false], ...nested(inner, here)]
    })
    if (own.length > 0) return own
    if (Json.isRecord(form.additionalProperties)) return nested(form.additionalProperties as Node, `${path}.<name>`)
    return Json.isRecord(form.items) ? nested(form.items as Node, `${path}[]`) : []
  })

const table = (fields: ReadonlyArray<Field>): string => {
  const seen = new Set<string>()
  const rows = fields.filter(([path]) => !seen.has(path) && seen.add(path)).map(([path, field, required]) => {
    const { default: usual, description = "" } = described(field)
    const [, meaning, said] = /^(.*?)(?:\s*Default: (.*))?$/s.exec(description) ?? []
    const shown = usual === undefined
      ? required === true ? "required" : (said ?? "").replace(/\.$/, "")
      : Json.isRecord(usual) && Object.keys(usual).length === 0 ? "see below" : `\`${JSON.stringify(usual)}\``
    return `| \`${path}\` | ${typeOf(field)} | ${cell(shown)} | ${cell(meaning ?? "")} |`
  })
  return ["| field | type | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n")
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")

/** What a field holds, in a few words. */
const typeOf = (field: Node): string => [...new Set(resolved(field).map(word))].join(" or ")

const word = (form: Node): string => {
  if (Array.isArray(form.enum)) return form.enum.map((value) => `\`${String(value)}\``).join(", ")
  if (form.format === "password") return "secret"
  if (form.type === "array") return Json.isRecord(form.items) ? `list of ${typeOf(form.items as Node)}` : "list"
  if (form.type === "integer") return "whole number"
  if (form.type === "boolean") return "`true`, `false`"
  if (form.type === "object") return Json.isRecord(form.additionalProperties) ? "fields by name" : "fields"
  return form.type === "string" ? "text" : typeof form.type === "string" ? form.type : "any"
}

const begin = "<!-- reference: node scripts/config-reference.ts --write -->"
const end = "<!-- end of reference -->"

/** A page with its reference replaced. */
export const updated = (text: string): string => {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error("the page has no place for the reference")
  return `${text.slice(0, from + begin.length)}\n\n${reference()}\n\n${text.slice(to)}`
}
