/**
 * Prints the configuration that is in force: defaults filled in, what came from the environment by the name of its
 * variable, every other secret masked.
 *
 * @module
 */
import { Source } from "@plugline/plugs"
import { Json, type JsonObject, Mask } from "plugline"
import type { Loaded } from "./load.ts"
import type { Path } from "./read.ts"
import { formsAt, isSecretAt, type Node } from "./schema.ts"

/** The configuration in force, as data. */
export const effective = ({ written }: Pick<Loaded, "written">): JsonObject => show(written, []) as JsonObject

/** The configuration in force, as YAML. What it prints can be loaded again where no secret stood in the file itself. */
export const print = (loaded: Pick<Loaded, "written">): string =>
  Source.write(effective(loaded) as never)

const show = (value: unknown, path: Path): unknown => {
  if (typeof value === "string") {
    if (value.startsWith("env:")) return value
    return isSecretAt(path) ? Mask.masked : Mask.text(value)
  }
  if (Array.isArray(value)) return value.map((item, index) => show(item, [...path, index]))
  if (!Json.isRecord(value)) return value
  const out: Record<string, unknown> = {}
  for (const [name, given] of Object.entries({ ...defaultsAt(path, value as JsonObject), ...value })) {
    out[name] = show(given, [...path, name])
  }
  return out
}

/** The defaults of the fields that may stand at a place, where one form alone fits it. */
const defaultsAt = (path: Path, value: JsonObject): JsonObject => {
  const forms = formsAt(path).filter((form) => Json.isRecord(form.properties) && fits(form, value))
  const out: Record<string, Json.Json> = {}
  if (forms.length !== 1) return out
  for (const [name, field] of Object.entries(forms[0]!.properties as { readonly [name: string]: Node })) {
    const { default: usual } = described(field)
    if (usual !== undefined) out[name] = usual
  }
  return out
}

const fits = ({ properties, required }: Node, value: JsonObject): boolean =>
  Object.keys(value).every((name) => Object.hasOwn(properties as object, name))
  && (Array.isArray(required) ? required as ReadonlyArray<string> : []).every((name) => Object.hasOwn(value, name))

/** A field's description and default, which stand beside an `allOf` where it has further conditions. */
export const described = (field: Node): { readonly description?: string; readonly default?: Json.Json } => {
  const own = [field, ...(Array.isArray(field.allOf) ? field.allOf as ReadonlyArray<Node> : [])]
  const description = own.map((each) => each.description).find((each) => typeof each === "string")
  const usual = own.map((each) => each.default).find((each) => each !== undefined)
  return { ...(description !== undefined && { description: description as string }), ...(usual !== undefined && { default: usual }) }
}
