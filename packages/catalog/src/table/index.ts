// Made by scripts/catalog.ts, like the files beside it; do not edit.
import alibaba from "./alibaba.json" with { type: "json" }
import anthropic from "./anthropic.json" with { type: "json" }
import azure from "./azure.json" with { type: "json" }
import bedrock from "./bedrock.json" with { type: "json" }
import bedrockMantle from "./bedrock-mantle.json" with { type: "json" }
import cerebras from "./cerebras.json" with { type: "json" }
import cohere from "./cohere.json" with { type: "json" }
import crusoe from "./crusoe.json" with { type: "json" }
import databricks from "./databricks.json" with { type: "json" }
import deepseek from "./deepseek.json" with { type: "json" }
import fireworks from "./fireworks.json" with { type: "json" }
import google from "./google.json" with { type: "json" }
import groq from "./groq.json" with { type: "json" }
import heroku from "./heroku.json" with { type: "json" }
import huggingface from "./huggingface.json" with { type: "json" }
import mistral from "./mistral.json" with { type: "json" }
import ollama from "./ollama.json" with { type: "json" }
import ollamaCloud from "./ollama-cloud.json" with { type: "json" }
import openai from "./openai.json" with { type: "json" }
import openrouter from "./openrouter.json" with { type: "json" }
import perplexity from "./perplexity.json" with { type: "json" }
import snowflake from "./snowflake.json" with { type: "json" }
import together from "./together.json" with { type: "json" }
import vertex from "./vertex.json" with { type: "json" }
import voyage from "./voyage.json" with { type: "json" }
import xai from "./xai.json" with { type: "json" }
import zai from "./zai.json" with { type: "json" }

/** The rows of each provider, sorted by id. */
export const tables: { readonly [provider: string]: ReadonlyArray<unknown> } = {
  alibaba,
  anthropic,
  azure,
  bedrock,
  "bedrock-mantle": bedrockMantle,
  cerebras,
  cohere,
  crusoe,
  databricks,
  deepseek,
  fireworks,
  google,
  groq,
  heroku,
  huggingface,
  mistral,
  ollama,
  "ollama-cloud": ollamaCloud,
  openai,
  openrouter,
  perplexity,
  snowflake,
  together,
  vertex,
  voyage,
  xai,
  zai
}

/** Where the facts are from, by the letter that stands for it in a row, and the date they were read. */
export const sources: { readonly [letter: string]: { readonly name: string; readonly asOf: string } } = {
  l: { name: "litellm", asOf: "2026-08-01" },
  m: { name: "models.dev", asOf: "2026-07-02" },
  o: { name: "openrouter", asOf: "2026-08-01" }
}
