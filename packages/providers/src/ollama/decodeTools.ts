/**
 * Reads the tools of a request as Ollama's clients send them.
 *
 * @module
 */
import type { JsonObject, JsonValue, Tool } from "@plugline/core"
import { defined, object } from "../wire/read.ts"
import { listAt, misfit, nameAt, objectAt, optionalText } from "../wire/checks.ts"

/** The tools. What a function says beyond name, description and parameters is written again as it was. */
export const decodeTools = (value: JsonValue, provider: string): ReadonlyArray<Tool> =>
  listAt(value, "tools", provider).map((value, index): Tool => {
    const path = `tools[${index}]`
    const { function: described, type, ...rest } = objectAt(value, path, provider)
    if (typeof type === "string" && type !== "function" && described === undefined) {
      return { type: "provider", id: `${provider}.${nameAt(type, `${path}.type`, provider)}`, args: defined(rest) }
    }
    const fields = objectAt(described, `${path}.function`, provider)
    const name = nameAt(fields.name, `${path}.function.name`, provider)
    const description = optionalText(fields.description, `${path}.function.description`, provider)
    const parameters = object(fields.parameters) as JsonObject | undefined
    if (parameters === undefined && fields.parameters !== undefined && fields.parameters !== null) {
      throw misfit(`${path}.function.parameters`, "a JSON Schema", provider)
    }
    const own = {
      ...defined(rest),
      ...(type !== "function" && type !== undefined && { type }),
      ...(!isPlain(fields) && { function: defined(fields) })
    }
    return {
      name,
      ...(description !== undefined && { description }),
      ...(parameters !== undefined && { parameters }),
      ...(Object.keys(own).length > 0 && { options: { [provider]: own } })
    }
  })

/** Whether name, description and parameters are all a function says. */
const isPlain = (fields: { readonly [name: string]: JsonValue | undefined }): boolean => {
  for (const name in fields) if (name !== "name" && name !== "description" && name !== "parameters") return false
  return fields.parameters !== undefined && fields.parameters !== null && fields.description !== null
}
