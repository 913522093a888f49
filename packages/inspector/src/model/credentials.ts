/**
 * Where a service expects its credential, and which environment variable customarily holds it: for what is shown in the
 * place of credentials, which stand in no record.
 *
 * @module
 */

/** How a credential is sent. */
export interface Credential {
  /** The header, and what stands in it before the credential. Absent where none is needed. */
  readonly header?: { readonly name: string; readonly before: string }
  /** The environment variable: `OPENAI_API_KEY`. */
  readonly variable: string
}

/** The usual variable of each provider that has a key. */
export const variables: { readonly [provider: string]: string } = {
  alibaba: "DASHSCOPE_API_KEY",
  anthropic: "ANTHROPIC_API_KEY",
  azure: "AZURE_OPENAI_API_KEY",
  baseten: "BASETEN_API_KEY",
  bedrock: "AWS_BEARER_TOKEN_BEDROCK",
  "bedrock-mantle": "AWS_BEARER_TOKEN_BEDROCK",
  cerebras: "CEREBRAS_API_KEY",
  cloudflare: "CLOUDFLARE_API_TOKEN",
  cohere: "CO_API_KEY",
  crusoe: "CRUSOE_API_KEY",
  databricks: "DATABRICKS_TOKEN",
  deepinfra: "DEEPINFRA_API_KEY",
  deepseek: "DEEPSEEK_API_KEY",
  fireworks: "FIREWORKS_API_KEY",
  github: "GITHUB_TOKEN",
  google: "GEMINI_API_KEY",
  gpustack: "GPUSTACK_API_KEY",
  groq: "GROQ_API_KEY",
  heroku: "INFERENCE_KEY",
  huggingface: "HF_TOKEN",
  hyperbolic: "HYPERBOLIC_API_KEY",
  litellm: "LITELLM_PROXY_API_KEY",
  llamacpp: "LLAMA_API_KEY",
  lmstudio: "LM_API_TOKEN",
  mistral: "MISTRAL_API_KEY",
  moonshot: "MOONSHOT_API_KEY",
  nebius: "NEBIUS_API_KEY",
  novita: "NOVITA_API_KEY",
  nvidia: "NVIDIA_API_KEY",
  ollama: "OLLAMA_API_KEY",
  "ollama-cloud": "OLLAMA_API_KEY",
  openai: "OPENAI_API_KEY",
  openrouter: "OPENROUTER_API_KEY",
  perplexity: "PERPLEXITY_API_KEY",
  sambanova: "SAMBANOVA_API_KEY",
  sglang: "SGLANG_API_KEY",
  snowflake: "SNOWFLAKE_PAT",
  together: "TOGETHER_API_KEY",
  vercel: "AI_GATEWAY_API_KEY",
  vertex: "GOOGLE_ACCESS_TOKEN",
  vllm: "VLLM_API_KEY",
  voyage: "VOYAGE_API_KEY",
  xai: "XAI_API_KEY",
  zai: "ZAI_API_KEY"
}

/** Providers that send their key under a name of its own. */
export const headers: { readonly [provider: string]: string } = {
  anthropic: "x-api-key",
  azure: "api-key",
  google: "x-goog-api-key"
}

/** Services that are known by their address, whatever they are called in a configuration. */
const hosts: ReadonlyArray<readonly [end: string, provider: string]> = [
  ["api.openai.com", "openai"],
  ["api.anthropic.com", "anthropic"],
  ["generativelanguage.googleapis.com", "google"],
  ["aiplatform.googleapis.com", "vertex"],
  ["openai.azure.com", "azure"],
  ["services.ai.azure.com", "azure"],
  ["amazonaws.com", "bedrock"],
  ["api.mistral.ai", "mistral"],
  ["api.groq.com", "groq"],
  ["api.deepseek.com", "deepseek"],
  ["api.cohere.com", "cohere"],
  ["api.x.ai", "xai"],
  ["openrouter.ai", "openrouter"],
  ["api.together.xyz", "together"],
  ["api.fireworks.ai", "fireworks"]
]

/** Servers on one's own machine, which mostly need no key. */
const keyless: ReadonlySet<string> = new Set(["ollama", "vllm", "sglang", "llamacpp", "lmstudio", "gpustack", "litellm"])

/** How the credential of a provider is sent, as far as name and address tell. */
export const credentialOf = (provider: string, url: string): Credential => {
  const host = hostOf(url)
  const known = Object.hasOwn(variables, provider)
    ? provider
    : hosts.find(([end]) => host === end || host.endsWith(`.${end}`) || host.endsWith(`-${end}`))?.[1]
  const variable = known === undefined ? "API_KEY" : variables[known]!
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)
  if (isHere && (known === undefined || keyless.has(known))) return { variable }
  const own = known !== undefined && Object.hasOwn(headers, known) ? headers[known] : undefined
  // Interfaces in OpenAI's words take its header too, but for Azure's.
  const name = known !== "azure" && /\/openai(\/|$)/.test(pathOf(url)) ? undefined : own
  return { variable, header: name === undefined ? { name: "authorization", before: "Bearer " } : { name, before: "" } }
}

const hostOf = (url: string): string => /^[a-z]+:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(url)?.[1]?.toLowerCase() ?? ""

const pathOf = (url: string): string => /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(url)?.[1] ?? ""
