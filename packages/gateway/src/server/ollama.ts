/**
 * What only Ollama's clients ask: about one model, which models are in memory, and the version.
 *
 * @module
 */
import { Catalog } from "@plugline/catalog"
import { LlmError, type ModelsResult } from "plugline"
import { encodeModel, ollama } from "../dialects/ollama/index.ts"
import { version } from "../version.ts"
import type { Target } from "./Current.ts"
import type { Asked, Route } from "./Server.ts"

/** The routes. `offered`: the models that the caller may ask for. */
export const ollamaRoutes = (offered: (ask: Asked) => ModelsResult): ReadonlyArray<Route> => [
  {
    method: "POST",
    path: "/api/show",
    permission: "models",
    dialect: ollama,
    body: "json",
    handle: (ask) => {
      const { body, current, exchange, principal } = ask
      // Older clients say `name`.
      const name = body.model ?? body.name
      const found = offered(ask).models.find(({ id }) => id === name)
      if (found === undefined) {
        const message = `model ${JSON.stringify(name ?? "")} not found`
        return exchange.fail(LlmError.make({ _tag: "NotFound", status: 404, message }))
      }
      const target = current.resolve(found.id, "chat", principal)
      exchange.json(encodeModel(found, LlmError.isLlmError(target) ? ["embedding"] : capabilitiesOf(target)))
    }
  },
  {
    method: "GET",
    path: "/api/ps",
    permission: "models",
    dialect: ollama,
    handle: ({ exchange }) => exchange.json({ models: [] })
  },
  {
    method: "GET",
    path: "/api/version",
    permission: "models",
    dialect: ollama,
    handle: ({ exchange }) => exchange.json({ version })
  }
]

/** What a model can do, in Ollama's words. One that the catalog does not know is taken to chat and to call tools. */
const capabilitiesOf = ({ model, provider }: Target): ReadonlyArray<string> => {
  const known = model === undefined ? undefined : Catalog.get(provider, model)
  if (known === undefined) return ["completion", "tools"]
  if (known.mode === "embedding") return ["embedding"]
  const { reasoning, tools, vision } = known.capabilities
  const can = { tools, vision, thinking: reasoning }
  return ["completion", ...Object.entries(can).flatMap(([name, does]) => does === true ? [name] : [])]
}
