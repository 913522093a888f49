/**
 * Azure OpenAI and Azure AI Foundry: `AZURE_OPENAI_ENDPOINT` and `AZURE_OPENAI_API_KEY` from the environment, or
 * `config.endpoint` and `config.apiKey`. In place of a key it takes an Entra ID token, or buys one with
 * `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`. The model is the name of the deployment.
 *
 * `config.apiVersion` says which of its interfaces is spoken:
 *
 * - without one, or with `v1` or `preview`: `{endpoint}/openai/v1`, the present one;
 * - with a date: `{endpoint}/openai/deployments/{model}`, the one before;
 * - with an endpoint that ends in `/models`: the inference interface of Foundry, where the version has a default.
 *
 * @module
 */
import type { Request } from "@plugline/core"
import { compatible } from "./OpenAiCompatible.ts"
import { clientCredentials } from "./oauth/clientCredentials.ts"
import type { Place } from "./openai/quirks.ts"
import { dialects, responses } from "./responses/index.ts"
import type { Headers } from "./Transport.ts"
import { address, modelOf } from "./wire/draft.ts"

/** The address of an operation, for each of the interfaces. */
const url = ({ base, path, request, what }: Place): string => {
  const version = versionOf(request)
  if (base.endsWith("/models")) {
    // Which models there are is known to the other interface alone.
    return what === "models" || what === "validate"
      ? address(`${base.slice(0, -"/models".length)}/openai/v1`, path)
      : versioned(address(base, path), version ?? foundryVersion)
  }
  if (base.endsWith("/openai/v1")) return versioned(address(base, path), version)
  if (version === undefined || !isDated(version)) return versioned(address(`${base}/openai/v1`, path), version)
  if (what === "models" || what === "validate") return versioned(`${base}/openai/models`, version)
  return versioned(`${base}/openai/deployments/${encodeURIComponent(modelOf(request))}${path}`, version)
}

/** The address of the Responses API, which knows no deployments. */
const responsesUrl = (request: Request): string => {
  const version = versionOf(request)
  const base = (request.config.baseUrl ?? "").replace(/\/(models|openai\/v1)$/, "")
  return versioned(`${base}/openai/${version !== undefined && isDated(version) ? "" : "v1/"}responses`, version)
}

const respond = responses(dialects.azure)

const isDated = (version: string): boolean => /^\d/.test(version)

const foundryVersion = "2024-05-01-preview"

const versioned = (url: string, version: string | undefined): string =>
  version === undefined ? url : `${url}${url.includes("?") ? "&" : "?"}api-version=${encodeURIComponent(version)}`

const versionOf = ({ config: { apiVersion } }: Request): string | undefined =>
  typeof apiVersion === "string" && apiVersion !== "" ? apiVersion : undefined

/** A token of Entra ID is a JSON Web Token; keys never look like one. */
const authorize = (key: string): Headers =>
  /^eyJ[\w-]*\./.test(key) ? { authorization: `Bearer ${key}` } : { "api-key": key }

/** The provider `azure`. */
export const azure = compatible({
  name: "azure",
  title: "Azure OpenAI",
  baseUrl: "{endpoint}",
  settings: {
    endpoint: {
      meaning: "the endpoint of the Azure resource, such as https://my-resource.openai.azure.com",
      keys: ["AZURE_OPENAI_ENDPOINT", "AZURE_INFERENCE_ENDPOINT"],
      kind: "url"
    }
  },
  keys: [
    "AZURE_OPENAI_API_KEY",
    "AZURE_API_KEY",
    "AZURE_INFERENCE_CREDENTIAL",
    "AZURE_OPENAI_AD_TOKEN",
    { fields: { tenantId: "AZURE_TENANT_ID", clientId: "AZURE_CLIENT_ID", clientSecret: "AZURE_CLIENT_SECRET" } }
  ],
  authorize,
  sign: clientCredentials({
    tokenUrl: "https://login.microsoftonline.com/{tenantId}/oauth2/v2.0/token",
    scope: "https://cognitiveservices.azure.com/.default",
    secretIn: "form",
    otherwise: authorize
  }),
  quirks: {
    url,
    modelInUrl: true,
    maxTokensField: ({ config: { baseUrl } }) =>
      baseUrl?.endsWith("/models") === true ? "max_tokens" : "max_completion_tokens",
    metadata: "stored",
    toolFields: {}
  },
  responses: {
    ...respond,
    prepare: (request) => {
      const { request: prepared, warnings } = respond.prepare(request)
      return { request: { ...prepared, url: responsesUrl(request) }, warnings }
    }
  }
})
