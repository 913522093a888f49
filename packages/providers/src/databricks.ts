/**
 * Databricks Model Serving: `DATABRICKS_HOST` (with `https://`) and `DATABRICKS_TOKEN` from the environment, or
 * `config.host` and `config.apiKey`. In place of a token it takes a service principal: `DATABRICKS_CLIENT_ID` and
 * `DATABRICKS_CLIENT_SECRET`. The model is the name of the serving endpoint.
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"
import { clientCredentials } from "./oauth/clientCredentials.ts"
import { address } from "./wire/draft.ts"

/** The provider `databricks`. */
export const databricks = compatible({
  name: "databricks",
  title: "Databricks",
  baseUrl: "{host}/serving-endpoints",
  settings: { host: { meaning: "the address of the Databricks workspace", keys: ["DATABRICKS_HOST"], kind: "url" } },
  keys: [
    "DATABRICKS_TOKEN",
    { fields: { host: "DATABRICKS_HOST", clientId: "DATABRICKS_CLIENT_ID", clientSecret: "DATABRICKS_CLIENT_SECRET" } }
  ],
  sign: clientCredentials({ tokenUrl: "{host}/oidc/v1/token", scope: "all-apis" }),
  quirks: {
    // The endpoints are listed by the workspace.
    url: ({ base, path, what }) =>
      what === "models" || what === "validate"
        ? base.replace(/\/serving-endpoints$/, "/api/2.0/serving-endpoints")
        : address(base, path),
    unsupported: ["seed", "user", "serviceTier", "logitBias"],
    reasoning: {
      effort: "reasoning_effort",
      budget: { in: "thinking", field: "budget_tokens", with: { type: "enabled" } }
    },
    reasoningBack: "summary",
    toolFields: {}
  }
})
