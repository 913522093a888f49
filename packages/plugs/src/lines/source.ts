/**
 * Reads YAML or JSON that people write by hand: each value keeps the line it stands on, and what makes small texts into huge
 * values (aliases) or into something else than data (tags) is refused.
 *
 * @module
 */
import { LlmError, type JsonValue } from "@plugline/core"
import { isAlias, isCollection, isMap, isNode, isScalar, LineCounter, type Node, parseDocument, stringify, visit } from "yaml"

/** Data, and where in the text it stands. */
export interface Source {
  readonly value: JsonValue
  /** The line of the value at a path, counted from 1: of the nearest one there is. */
  readonly lineOf: (path: ReadonlyArray<string | number>) => number
}

/** The longest text that is read, in characters. */
const longest = 1_000_000

/**
 * The data of a text in YAML 1.2; JSON is YAML too. `name` is what messages call the text.
 *
 * @throws LlmError `Configuration` with the line, where it is none, or holds aliases, anchors, tags, or a key twice.
 */
export const read = (text: string, name: string): Source => {
  if (text.length > longest) throw refusal(name, undefined, `is longer than ${longest} characters`)
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, version: "1.2", logLevel: "silent" })
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem !== undefined) throw refusal(name, lines.linePos(problem.pos[0]).line, problem.message.split("\n")[0]!)
  const at = (node: Node): number => lines.linePos(node.range?.[0] ?? 0).line
  visit(document, {
    Node: (_, node, path) => {
      if (path.length > 64) throw refusal(name, at(node), "nests deeper than 32 levels")
      if (isAlias(node) || node.anchor !== undefined) throw refusal(name, at(node), "holds an alias or anchor, which is not taken")
      if (node.tag !== undefined && !plain.has(node.tag)) throw refusal(name, at(node), `holds the tag ${node.tag}, which is not taken`)
      if (isMap(node)) {
        for (const { key } of node.items) {
          if (!isScalar(key) || typeof key.value !== "string") throw refusal(name, at(node), "holds a key that is no text")
        }
      }
    }
  })
  const { contents } = document
  return {
    value: document.toJS({ maxAliasCount: 0 }) as JsonValue,
    lineOf: (path) => {
      let node: Node | null = contents
      let line = node === null ? 1 : at(node)
      for (const step of path) {
        if (!isCollection(node)) break
        // The line of a field is that of its name.
        const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === String(step)) : undefined
        if (pair !== undefined && isNode(pair.key)) line = at(pair.key)
        const next: unknown = node.get(step, true)
        if (!isNode(next)) break
        node = next
        if (pair === undefined) line = at(node)
      }
      return line
    }
  }
}

/** The tags of plain data, which YAML gives by itself. */
const plain = new Set(["map", "seq", "str", "int", "float", "bool", "null"].map((name) => `tag:yaml.org,2002:${name}`))

/** Data as YAML that {@link read} reads. */
export const write = (value: JsonValue): string => stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 })

/** Something that does not fit, with its place. */
export const refusal = (name: string, line: number | undefined, message: string, option?: string): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    ...(option !== undefined && { option }),
    message: `${name}${line === undefined ? "" : `, line ${line}`}: ${message}`
  })
