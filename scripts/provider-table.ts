/**
 * Writes the tables of `docs/providers.md` from the code: which operations each provider has, and what becomes of each feature of
 * a request, found out by preparing one that uses it. `node scripts/provider-table.ts --write` puts them into the page.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs"
import { LlmError, type MessagesInput, type Options, Request } from "../packages/core/src/index.ts"
import { all } from "../packages/providers/src/all.ts"
import { keyNames } from "../packages/providers/src/Credentials.ts"
import type { Provider } from "../packages/providers/src/index.ts"

/** The page that holds the tables. */
export const page = new URL("../docs/providers.md", import.meta.url)

const operations = ["chat", "stream", "completion", "embeddings", "moderations", "list_models", "validate"] as const

interface Feature {
  readonly name: string
  readonly options?: Options
  readonly messages?: MessagesInput
  /** The option a warning would name. Default: a refusal alone counts as "not taken". */
  readonly option?: string
}

const tool = { name: "look", parameters: { type: "object", properties: {} } }
const shown = (part: object): MessagesInput => [{ role: "user", content: [{ type: "text", text: "What is this?" }, part as never] }]
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

/** What people ask a provider for, besides a text for a text. */
const features: ReadonlyArray<Feature> = [
  { name: "tools", options: { tools: [tool] } },
  { name: "forced tool", options: { tools: [tool], toolChoice: { tool: "look" } }, option: "toolChoice" },
  { name: "JSON", options: { responseFormat: { type: "json" } }, option: "responseFormat" },
  { name: "JSON Schema", options: { responseFormat: { type: "json", schema: { type: "object", properties: {} } } }, option: "responseFormat" },
  { name: "effort", options: { reasoning: { effort: "high" } }, option: "reasoning" },
  { name: "budget", options: { maxTokens: 8192, reasoning: { budgetTokens: 2048 } }, option: "reasoning" },
  { name: "image", messages: shown({ type: "file", mediaType: "image/png", data: png }) },
  { name: "image URL", messages: shown({ type: "image", image: "https://example.com/a.png" }) },
  { name: "PDF", messages: shown({ type: "file", mediaType: "application/pdf", fileName: "a.pdf", data: "JVBERi0xLjQK" }) },
  { name: "sound", messages: shown({ type: "file", mediaType: "audio/wav", data: "UklGRiQAAABXQVZF" }) },
  { name: "seed", options: { seed: 1 }, option: "seed" },
  { name: "topK", options: { topK: 5 }, option: "topK" },
  { name: "n", options: { n: 2 }, option: "n" },
  { name: "logprobs", options: { logprobs: 2 }, option: "logprobs" }
]

/** ✓ sent, ~ sent otherwise or left out with a warning, – refused. */
const fate = ({ name, wires }: Provider<unknown>, feature: Feature): string => {
  const wire = wires.chat
  if (wire === undefined) return ""
  try {
    const { warnings } = wire.prepare(Request.make({
      provider: name,
      messages: feature.messages ?? "Hello",
      options: { model: "model", ...feature.options },
      config: { baseUrl: "https://example.com" }
    }))
    return warnings.some(({ option }) => option === feature.option || feature.option === undefined) ? "~" : "✓"
  } catch (thrown) {
    if (LlmError.isLlmError(thrown) && thrown.reason._tag === "Unsupported") return "–"
    throw thrown
  }
}

const row = (cells: ReadonlyArray<string>): string => `| ${cells.join(" | ")} |`
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n")

/** Both tables, as Markdown. */
export const tables = (): string => {
  const services = all.filter(({ baseUrl }) => baseUrl !== "")
  return [
    "### Operations and keys",
    "",
    table(["provider", "service", ...operations, "key"], all.map(({ keys, name, needsKey, pipelines, title }) => [
      `\`${name}\``,
      title,
      ...operations.map((operation) => pipelines[operation] === undefined ? "" : "✓"),
      keys.length === 0 ? "none" : `${keys.map((source) => `\`${keyNames(source)}\``).join(" or ")}${needsKey ? "" : " (optional)"}`
    ])),
    "",
    "### What becomes of a chat request",
    "",
    table(["provider", ...features.map(({ name }) => name)], services.flatMap((provider) =>
      provider.wires.chat === undefined ? [] : [[`\`${provider.name}\``, ...features.map((feature) => fate(provider, feature))]]))
  ].join("\n")
}

const begin = "<!-- tables: node scripts/provider-table.ts --write -->"
const end = "<!-- end of tables -->"

/** The page with its tables replaced. */
export const updated = (text: string): string => {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error("the page has no place for the tables")
  return `${text.slice(0, from + begin.length)}\n\n${tables()}\n\n${text.slice(to)}`
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes("--write")) writeFileSync(page, updated(readFileSync(page, "utf8")))
  else console.log(tables())
}
