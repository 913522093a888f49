/**
 * Every provider that is shipped, one line each.
 *
 * @module
 */
import { alibaba } from "./alibaba.ts"
import { anthropic } from "./anthropic.ts"
import { azure } from "./azure.ts"
import { baseten } from "./baseten.ts"
import { bedrock } from "./bedrock.ts"
import { bedrockMantle } from "./bedrock-mantle.ts"
import { cerebras } from "./cerebras.ts"
import { cloudflare } from "./cloudflare.ts"
import { cohere } from "./cohere.ts"
import { crusoe } from "./crusoe.ts"
import { databricks } from "./databricks.ts"
import { deepinfra } from "./deepinfra.ts"
import { deepseek } from "./deepseek.ts"
import { fireworks } from "./fireworks.ts"
import { github } from "./github.ts"
import { google } from "./google.ts"
import { gpustack } from "./gpustack.ts"
import { groq } from "./groq.ts"
import { heroku } from "./heroku.ts"
import { huggingface } from "./huggingface.ts"
import { hyperbolic } from "./hyperbolic.ts"
import { litellm } from "./litellm.ts"
import { llamacpp } from "./llamacpp.ts"
import { lmstudio } from "./lmstudio.ts"
import { local } from "./local/index.ts"
import { mistral } from "./mistral.ts"
import { moonshot } from "./moonshot.ts"
import { nebius } from "./nebius.ts"
import { novita } from "./novita.ts"
import { nvidia } from "./nvidia.ts"
import { ollamaCloud } from "./ollama-cloud.ts"
import { ollama } from "./ollama.ts"
import { openai } from "./openai.ts"
import { openrouter } from "./openrouter.ts"
import { perplexity } from "./perplexity.ts"
import type { Provider } from "./Provider.ts"
import { sambanova } from "./sambanova.ts"
import { sglang } from "./sglang.ts"
import { snowflake } from "./snowflake.ts"
import { together } from "./together.ts"
import { vercel } from "./vercel.ts"
import { vertex } from "./vertex.ts"
import { vllm } from "./vllm.ts"
import { voyage } from "./voyage.ts"
import { xai } from "./xai.ts"
import { zai } from "./zai.ts"

/** Every provider that is shipped, by name. */
export const all: ReadonlyArray<Provider> = [
  alibaba,
  anthropic,
  azure,
  baseten,
  bedrock,
  bedrockMantle,
  cerebras,
  cloudflare,
  cohere,
  crusoe,
  databricks,
  deepinfra,
  deepseek,
  fireworks,
  github,
  google,
  gpustack,
  groq,
  heroku,
  huggingface,
  hyperbolic,
  litellm,
  llamacpp,
  lmstudio,
  local,
  mistral,
  moonshot,
  nebius,
  novita,
  nvidia,
  ollama,
  ollamaCloud,
  openai,
  openrouter,
  perplexity,
  sambanova,
  sglang,
  snowflake,
  together,
  vercel,
  vertex,
  vllm,
  voyage,
  xai,
  zai
]
