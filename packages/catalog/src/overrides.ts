/**
 * Checks rows that a caller adds to the table, and completes them from the table. Every refusal names the row and the
 * field.
 *
 * @module
 */
import { Json, LlmError, Mask, Suggest } from "@plugline/core"
import { Schema, SchemaIssue } from "effect"
import { parse, significant, text } from "./decimal.ts"
import { capabilityNames, type Model, type PriceList, type Prices, services, type Tier } from "./Model.ts"

const isPrice = (value: string | number): boolean => {
  const parsed = parse(String(value))
  return parsed !== undefined && parsed.value >= 0n
}
const Price = Schema.Union([Schema.String, Schema.Number]).check(
  Schema.makeFilter(isPrice, { expected: "a decimal from 0 up, as text or number" })
)
const count = Schema.Int.check(Schema.makeFilter((value) => value >= 0, { expected: "a whole number from 0 up" }))
const Name = Schema.String.check(Schema.makeFilter((value) => value.trim() !== "" && value.length <= 512, {
  expected: "a text of 1 to 512 characters"
}))
const Day = Schema.String.check(Schema.isPattern(/^\d{4}(-\d\d){0,2}$/, { expected: "a date like 2026-08-01" }))

const rateFields = {
  input: Schema.optionalKey(Price),
  cacheRead: Schema.optionalKey(Price),
  cacheWrite: Schema.optionalKey(Price),
  cacheWrite1h: Schema.optionalKey(Price),
  output: Schema.optionalKey(Price),
  reasoning: Schema.optionalKey(Price),
  audioInput: Schema.optionalKey(Price),
  audioCacheRead: Schema.optionalKey(Price),
  audioOutput: Schema.optionalKey(Price),
  imageOutput: Schema.optionalKey(Price),
  citation: Schema.optionalKey(Price)
}
const TierRow = Schema.Struct({ above: count, ...rateFields })
const listFields = { ...rateFields, tiers: Schema.optionalKey(Schema.Array(TierRow)) }
const List = Schema.Struct(listFields)
const Search = Schema.Struct({
  low: Schema.optionalKey(Price),
  medium: Schema.optionalKey(Price),
  high: Schema.optionalKey(Price)
})
const PricesRow = Schema.Struct({
  ...listFields,
  batch: Schema.optionalKey(List),
  flex: Schema.optionalKey(List),
  priority: Schema.optionalKey(List),
  request: Schema.optionalKey(Price),
  search: Schema.optionalKey(Schema.Union([Price, Search])),
  reasoningCovers: Schema.optionalKey(Schema.Literal("whole")),
  factors: Schema.optionalKey(Schema.Record(Schema.String, Price))
})
const flags = Object.fromEntries(capabilityNames.map((name) => [name, Schema.optionalKey(Schema.Boolean)])) as {
  readonly [Name in typeof capabilityNames[number]]: Schema.optionalKey<typeof Schema.Boolean>
}

/** What a row must look like, prices as text or number. The rows of the built-in table fit it too. */
export const ModelRow = Schema.Struct({
  provider: Name,
  id: Name,
  name: Schema.optionalKey(Schema.String),
  mode: Schema.optionalKey(Schema.Literals(["chat", "completion", "embedding", "moderation"])),
  context: Schema.optionalKey(count),
  maxInput: Schema.optionalKey(count),
  maxOutput: Schema.optionalKey(count),
  dimensions: Schema.optionalKey(count),
  prices: Schema.optionalKey(PricesRow),
  unpriced: Schema.optionalKey(Schema.String),
  capabilities: Schema.optionalKey(Schema.Struct(flags)),
  input: Schema.optionalKey(Schema.Array(Schema.String)),
  output: Schema.optionalKey(Schema.Array(Schema.String)),
  responsesOnly: Schema.optionalKey(Schema.Boolean),
  released: Schema.optionalKey(Day),
  knowledge: Schema.optionalKey(Day),
  retires: Schema.optionalKey(Day),
  status: Schema.optionalKey(Schema.Literals(["alpha", "beta", "deprecated", "unlisted"])),
  aliases: Schema.optionalKey(Schema.Array(Name)),
  asOf: Schema.optionalKey(Day),
  sources: Schema.optionalKey(Schema.Array(Schema.String))
})

/** A row as a caller writes it: provider and id, and what is to be said of the model. */
export type OverrideInput = typeof ModelRow.Encoded

type Checked = typeof ModelRow.Type

/** Reads the text of a file of rows. */
export const parseJson = (source: string): ReadonlyArray<OverrideInput> => {
  try {
    return Json.parse(source) as unknown as ReadonlyArray<OverrideInput>
  } catch (cause) {
    throw LlmError.make({ _tag: "Configuration", message: "the catalog's overrides are no readable JSON" }, { cause })
  }
}

/** Checks rows and completes them from what `catalog` knows of the same models. */
export const decode = (
  input: unknown,
  catalog: { readonly models: (provider: string) => ReadonlyArray<Model> }
): ReadonlyArray<Model> => {
  if (!Array.isArray(input)) throw refused("rows", input, "the catalog's overrides must be a list of rows")
  const places = new Map<string, number>()
  return input.map((row: unknown, index) => {
    const where = nameOf(row, index)
    const checked = check(row, where)
    const key = `${checked.provider}/${checked.id}`
    const earlier = places.get(key)
    if (earlier !== undefined) throw refused("id", checked.id, `${where} repeats row ${earlier + 1}`)
    places.set(key, index)
    return complete(checked, catalog.models(checked.provider).find(({ id }) => id === checked.id))
  })
}

const nameOf = (row: unknown, index: number): string => {
  const place = `row ${index + 1}`
  if (!Json.isRecord(row) || typeof row.id !== "string" || typeof row.provider !== "string") return place
  return `${place} (${Suggest.quote(`${row.provider}/${row.id}`)})`
}

const decodeRow = Schema.decodeUnknownResult(ModelRow)
const issues = SchemaIssue.makeFormatterStandardSchemaV1()

const check = (row: unknown, where: string): Checked => {
  if (!Json.isRecord(row)) throw refused("row", row, `${where} must be an object`)
  strangers(row, where)
  const decoded = decodeRow(row)
  if (decoded._tag === "Success") return decoded.success
  const issue = issues(decoded.failure.issue).issues[0]
  const steps = (issue?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step))
  const path = steps.join(".")
  const said = issue?.message ?? decoded.failure.message
  const expected = /^Expected (.*?)(?:, got .*)?$/s.exec(said)?.[1] ?? said
  const fitting = expected === "Missing key" ? "given" : expected
  throw refused(path, steps.reduce(inside, row), `${where}: ${path} must be ${fitting}`, fitting)
}

const inside = (value: unknown, step: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, step) ? Reflect.get(value, step) : undefined

/** Refuses a field that nobody knows, here or further in. */
const strangers = (row: Readonly<Record<string, unknown>>, where: string): void => {
  const known = (value: unknown, fields: object, path: string): void => {
    if (!Json.isRecord(value)) return
    const names = Object.keys(fields)
    const stranger = Object.keys(value).find((name) => !names.includes(name))
    if (stranger !== undefined) {
      const said = Suggest.refusal("field", path + stranger, names.map((name) => path + name))
      throw refused(path + stranger, value[stranger], `${where}: ${said}`)
    }
  }
  const list = (value: unknown, fields: object, path: string): void => {
    known(value, fields, path)
    if (Json.isRecord(value) && Array.isArray(value.tiers)) {
      value.tiers.forEach((tier, index) => known(tier, TierRow.fields, `${path}tiers.${index}.`))
    }
  }
  known(row, ModelRow.fields, "")
  known(row.capabilities, flags, "capabilities.")
  list(row.prices, PricesRow.fields, "prices.")
  if (!Json.isRecord(row.prices)) return
  known(row.prices.search, Search.fields, "prices.search.")
  for (const service of services) list(row.prices[service], listFields, `prices.${service}.`)
}

const refused = (option: string, value: unknown, message: string, expected?: string): LlmError =>
  LlmError.make({
    _tag: "Configuration",
    option,
    value: Mask.json(value),
    message,
    ...(expected !== undefined && { expected })
  })

const complete = (row: Checked, base: Model | undefined): Model => {
  const { asOf, capabilities, prices, sources, ...rest } = row
  const { unpriced: _, ...known } = base ?? bare
  const own = sources ?? ["override"]
  const before = base?.sources.filter((source) => !own.includes(source)) ?? []
  return {
    ...(prices === undefined ? base ?? bare : withoutDate(known)),
    ...rest,
    capabilities: { ...base?.capabilities, ...capabilities },
    ...(prices !== undefined && { prices: pricesOf(prices) }),
    ...(asOf !== undefined && { asOf }),
    sources: prices === undefined ? [...before, ...own] : [...own, ...before]
  }
}

/** The date of the facts is that of the prices, and does not outlive them. */
const withoutDate = <Known extends { readonly asOf?: string }>(model: Known): Omit<Known, "asOf"> => {
  const { asOf: _, ...rest } = model
  return rest
}

const bare: Omit<Model, "provider" | "id"> = {
  mode: "chat",
  capabilities: {},
  input: ["text"],
  output: ["text"],
  aliases: [],
  sources: []
}

/** All amounts as plain decimal text, tiers in order. */
const pricesOf = (given: NonNullable<Checked["prices"]>): Prices => plain(given) as Prices

const plain = (value: unknown, name = ""): unknown => {
  if (name === "above" || name === "reasoningCovers") return value
  if (Array.isArray(value)) {
    const tiers = value.map((item) => plain(item)) as Array<Tier>
    return tiers.sort((a, b) => a.above - b.above)
  }
  if (Json.isRecord(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, plain(field, name)])) as PriceList
  }
  return amount(value as string | number)
}

/** A number is read to the 15 digits that a binary float keeps of every decimal; text is taken as it is. */
const amount = (value: string | number): string => {
  const parsed = parse(String(value))
  if (parsed === undefined) return String(value)
  return text(typeof value === "number" ? significant(parsed, 15) : parsed)
}
