/**
 * Where each OpenAI-compatible service is asked, with which headers, and what it is asked for in its own words.
 *
 * @module
 */
import { it } from "@effect/vitest"
import { type JsonObject, type Operation, type Options, Pipeline, Request } from "@plugline/core"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { describe, expect } from "vitest"
import { all } from "../../src/all.ts"
import { Credentials } from "../../src/Credentials.ts"
import { type Outgoing, Transport } from "../../src/Transport.ts"

const of = (name: string) => all.find((provider) => provider.name === name)!

const answers: { readonly [operation in Operation]?: unknown } = {
  chat: { choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }] },
  embeddings: { data: [{ embedding: [1] }] },
  completion: { choices: [{ index: 0, text: "Hi", finish_reason: "stop" }] },
  list_models: { data: [{ id: "m" }] },
  validate: { data: [{ id: "m" }] }
}

/** Environment variables. */
type Env = { readonly [key: string]: string }

/** Asks a service, with what the environment knows. */
const ask = (
  name: string,
  operation: Operation,
  env: Env,
  more: Partial<Parameters<typeof Request.make>[0]> = {}
) => {
  const sent: Array<Outgoing> = []
  const transport = Transport.memory((outgoing) => {
    sent.push(outgoing)
    return Effect.succeed({ body: JSON.stringify(answers[operation]) })
  })
  const pipeline = of(name).pipelines[operation]
  if (pipeline === undefined) throw new Error(`${name} has no ${operation}`)
  const request = Request.make({
    provider: name,
    operation,
    messages: operation === "list_models" || operation === "validate" ? [] : "Hello",
    ...more,
    options: { model: "m", ...more.options }
  })
  const config = ConfigProvider.layer(ConfigProvider.fromEnv({ env }))
  return Pipeline.run(pipeline, request).pipe(
    Effect.map((final) => (
      {
        final,
        errors: final.errors,
        url: sent[0]?.url,
        headers: sent[0] === undefined ? {} : Transport.headersOf(sent[0])
      }
    )),
    Effect.provide(Layer.provideMerge(Layer.merge(transport, Credentials.fromEnv), config))
  )
}

describe("the address and the key of", () => {
  const bearer = { authorization: "Bearer sk-1" }
  const chat = "/chat/completions"
  const services: ReadonlyArray<readonly [name: string, env: Env, url: string, headers: object]> = [
    ["alibaba", { DASHSCOPE_API_KEY: "sk-1" }, `https://dashscope-intl.aliyuncs.com/compatible-mode/v1${chat}`, bearer],
    [
      "azure",
      { AZURE_OPENAI_API_KEY: "sk-1", AZURE_OPENAI_ENDPOINT: "https://r.openai.azure.com/" },
      `https://r.openai.azure.com/openai/v1${chat}`,
      { "api-key": "sk-1" }
    ],
    ["baseten", { BASETEN_API_KEY: "sk-1" }, `https://inference.baseten.co/v1${chat}`, bearer],
    ["cerebras", { CEREBRAS_API_KEY: "sk-1" }, `https://api.cerebras.ai/v1${chat}`, bearer],
    [
      "cloudflare",
      { CLOUDFLARE_API_TOKEN: "sk-1", CLOUDFLARE_ACCOUNT_ID: "acc" },
      `https://api.cloudflare.com/client/v4/accounts/acc/ai/v1${chat}`,
      bearer
    ],
    ["crusoe", { CRUSOE_API_KEY: "sk-1" }, `https://api.inference.crusoecloud.com/v1${chat}`, bearer],
    [
      "databricks",
      { DATABRICKS_TOKEN: "sk-1", DATABRICKS_HOST: "https://dbc.cloud.databricks.com" },
      `https://dbc.cloud.databricks.com/serving-endpoints${chat}`,
      bearer
    ],
    ["deepinfra", { DEEPINFRA_TOKEN: "sk-1" }, `https://api.deepinfra.com/v1/openai${chat}`, bearer],
    ["deepseek", { DEEPSEEK_API_KEY: "sk-1" }, `https://api.deepseek.com${chat}`, bearer],
    ["fireworks", { FIREWORKS_API_KEY: "sk-1" }, `https://api.fireworks.ai/inference/v1${chat}`, bearer],
    ["github", { GITHUB_TOKEN: "sk-1" }, `https://models.github.ai/inference${chat}`, bearer],
    ["gpustack", {}, `http://127.0.0.1/v1${chat}`, {}],
    ["groq", { GROQ_API_KEY: "sk-1" }, `https://api.groq.com/openai/v1${chat}`, bearer],
    [
      "heroku",
      { INFERENCE_KEY: "sk-1", INFERENCE_URL: "https://eu.inference.heroku.com" },
      `https://eu.inference.heroku.com/v1${chat}`,
      bearer
    ],
    ["huggingface", { HF_TOKEN: "sk-1" }, `https://router.huggingface.co/v1${chat}`, bearer],
    ["hyperbolic", { HYPERBOLIC_API_KEY: "sk-1" }, `https://api.hyperbolic.xyz/v1${chat}`, bearer],
    [
      "litellm",
      { LITELLM_PROXY_API_KEY: "sk-1", LITELLM_PROXY_API_BASE: "https://llm.acme.test" },
      `https://llm.acme.test${chat}`,
      bearer
    ],
    ["llamacpp", {}, `http://127.0.0.1:8080/v1${chat}`, {}],
    [
      "lmstudio",
      { LMSTUDIO_BASE_URL: "http://10.0.0.1:1234/v1", LM_API_TOKEN: "sk-1" },
      `http://10.0.0.1:1234/v1${chat}`,
      bearer
    ],
    ["mistral", { MISTRAL_API_KEY: "sk-1" }, `https://api.mistral.ai/v1${chat}`, bearer],
    ["moonshot", { MOONSHOT_API_KEY: "sk-1" }, `https://api.moonshot.ai/v1${chat}`, bearer],
    ["nebius", { NEBIUS_API_KEY: "sk-1" }, `https://api.tokenfactory.nebius.com/v1${chat}`, bearer],
    ["novita", { NOVITA_API_KEY: "sk-1" }, `https://api.novita.ai/openai/v1${chat}`, bearer],
    ["nvidia", { NVIDIA_API_KEY: "sk-1" }, `https://integrate.api.nvidia.com/v1${chat}`, bearer],
    ["ollama-cloud", { OLLAMA_API_KEY: "sk-1" }, `https://ollama.com/v1${chat}`, bearer],
    ["openrouter", { OPENROUTER_API_KEY: "sk-1" }, `https://openrouter.ai/api/v1${chat}`, bearer],
    ["perplexity", { PERPLEXITY_API_KEY: "sk-1" }, `https://api.perplexity.ai${chat}`, bearer],
    ["sambanova", { SAMBANOVA_API_KEY: "sk-1" }, `https://api.sambanova.ai/v1${chat}`, bearer],
    ["sglang", {}, `http://127.0.0.1:30000/v1${chat}`, {}],
    [
      "snowflake",
      { SNOWFLAKE_PAT: "sk-1", SNOWFLAKE_ACCOUNT: "org-acc" },
      `https://org-acc.snowflakecomputing.com/api/v2/cortex/v1${chat}`,
      bearer
    ],
    ["together", { TOGETHER_API_KEY: "sk-1" }, `https://api.together.xyz/v1${chat}`, bearer],
    ["vercel", { AI_GATEWAY_API_KEY: "sk-1" }, `https://ai-gateway.vercel.sh/v1${chat}`, bearer],
    ["vllm", {}, `http://127.0.0.1:8000/v1${chat}`, {}],
    ["xai", { XAI_API_KEY: "sk-1" }, `https://api.x.ai/v1${chat}`, bearer],
    ["zai", { ZAI_API_KEY: "sk-1" }, `https://api.z.ai/api/paas/v4${chat}`, bearer]
  ]
  for (const [name, env, url, headers] of services) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const asked = yield* ask(name, "chat", env)
        expect(asked.errors).toEqual([])
        expect(asked.url).toBe(url)
        expect(asked.headers).toMatchObject(headers)
        if (!("authorization" in headers)) expect(asked.headers).not.toHaveProperty("authorization")
        // Without its key a service that needs one is not asked.
        if (of(name).needsKey) expect((yield* ask(name, "chat", {})).url).toBeUndefined()
      }))
  }

  it.effect("other operations", () =>
    Effect.gen(function*() {
      const url = (name: string, operation: Operation, env: { readonly [key: string]: string }) =>
        Effect.map(ask(name, operation, env), ({ errors, url }) => (expect(errors).toEqual([]), url))
      expect(yield* url("voyage", "embeddings", { VOYAGE_API_KEY: "k" })).toBe("https://api.voyageai.com/v1/embeddings")
      expect(yield* url(
        "perplexity",
        "embeddings",
        { PPLX_API_KEY: "k" }
      )).toBe("https://api.perplexity.ai/v1/embeddings")
      expect(yield* url("perplexity", "list_models", { PPLX_API_KEY: "k" })).toBe("https://api.perplexity.ai/v1/models")
      expect(yield* url(
        "heroku",
        "list_models",
        { INFERENCE_KEY: "k" }
      )).toBe("https://us.inference.heroku.com/available-models")
      expect(yield* url("github", "list_models", { GITHUB_TOKEN: "k" })).toBe("https://models.github.ai/catalog/models")
      expect(yield* url("openrouter", "validate", { OPENROUTER_API_KEY: "k" })).toBe("https://openrouter.ai/api/v1/key")
      expect(yield* url("databricks", "list_models", { DATABRICKS_TOKEN: "k", DATABRICKS_HOST: "https://d.test" }))
        .toBe("https://d.test/api/2.0/serving-endpoints")
      const own = { config: { referer: "https://app.test", title: "App", tokenType: "OAUTH" } }
      expect(
        (yield* ask("openrouter", "chat", { OPENROUTER_API_KEY: "k" }, own)).headers
      ).toMatchObject({ "http-referer": "https://app.test", "x-title": "App" })
      expect((yield* ask("snowflake", "chat", { SNOWFLAKE_PAT: "k", SNOWFLAKE_ACCOUNT: "a" }, own)).headers)
        .toMatchObject({ "x-snowflake-authorization-token-type": "OAUTH" })
    }))

  it.effect("databricks, with the secret of a service principal", () =>
    Effect.gen(function*() {
      const sent: Array<Outgoing> = []
      const transport = Transport.memory((outgoing) => {
        sent.push(outgoing)
        return Effect.succeed({
          body: JSON.stringify(outgoing.url.includes("/oidc/") ? { access_token: "m2m", expires_in: 60 } : answers.chat)
        })
      })
      const env = { DATABRICKS_HOST: "https://d.test", DATABRICKS_CLIENT_ID: "id", DATABRICKS_CLIENT_SECRET: "secret" }
      const config = ConfigProvider.layer(ConfigProvider.fromEnv({ env }))
      const request = Request.make({ provider: "databricks", messages: "Hi", options: { model: "m" } })
      yield* Pipeline.run(of("databricks").pipelines.chat!, request).pipe(
        Effect.provide(Layer.provideMerge(Layer.merge(transport, Credentials.fromEnv), config))
      )
      expect(sent.map(({ url }) => url)).toEqual([
        "https://d.test/oidc/v1/token",
        "https://d.test/serving-endpoints/chat/completions"
      ])
      expect(Transport.headersOf(sent[1]!)).toMatchObject({ authorization: "Bearer m2m" })
    }))

  it("are of the operations that there are", () => {
    expect(Object.keys(of("voyage").pipelines)).toEqual(["embeddings"])
    for (const name of [
      "groq",
      "deepseek",
      "xai",
      "zai",
      "huggingface"
    ]) expect(of(name).pipelines).not.toHaveProperty("embeddings")
    for (const name of ["groq", "mistral", "azure", "vllm"]) expect(of(name).pipelines).toHaveProperty("list_models")
  })

  it("speak the Responses API where it is asked for", () => {
    for (const name of ["azure", "deepseek", "groq", "huggingface", "lmstudio", "openai", "openrouter", "vllm", "xai"]) {
      const request = Request.make({
        provider: name,
        messages: "Hi",
        options: { model: "m" },
        config: { baseUrl: "https://a.test", api: "responses" }
      })
      const { body, url } = of(name).wires.chat!.prepare(request).request
      expect(body).toHaveProperty("input")
      expect(url).toMatch(/\/responses$/)
    }
  })
})

describe("in their own words services are asked", () => {
  const body = (
    name: string,
    options: Options,
    operation: "chat" | "stream" | "embeddings" = "chat"
  ): { readonly body: JsonObject; readonly warned: ReadonlyArray<unknown> } => {
    const request = Request.make({
      provider: name,
      operation,
      messages: "Hi",
      options: { model: "m", ...options },
      config: { baseUrl: "https://a.test", apiKey: Redacted.make("k") }
    })
    const { request: sent, warnings } = of(name).wires[operation]!.prepare(request)
    const { messages: _, model: __, input: ___, ...rest } = sent.body!
    return { body: rest, warned: warnings.map(({ option }) => option) }
  }

  it.each<[string, NonNullable<Options["reasoning"]>, object, ReadonlyArray<string>?]>([
    ["openrouter", { effort: "low", budgetTokens: 9 }, { reasoning: { effort: "low", max_tokens: 9 } }],
    ["snowflake", { effort: "low" }, { reasoning: { effort: "low" } }],
    ["deepseek", { effort: "max" }, { reasoning_effort: "max", thinking: { type: "enabled" } }],
    ["deepseek", { effort: "none" }, { thinking: { type: "disabled" } }],
    ["deepseek", { budgetTokens: 9 }, { thinking: { type: "enabled" } }, ["reasoning"]],
    ["zai", { effort: "none" }, { thinking: { type: "disabled" } }],
    ["zai", { effort: "high" }, { thinking: { type: "enabled" } }, ["reasoning"]],
    ["alibaba", { budgetTokens: 9 }, { enable_thinking: true, thinking_budget: 9 }],
    ["alibaba", { effort: "none" }, { enable_thinking: false }],
    ["mistral", { effort: "high" }, { reasoning_effort: "high" }],
    ["groq", { effort: "none" }, { reasoning_effort: "none" }],
    ["xai", { effort: "low", summary: "auto" }, { reasoning_effort: "low" }, ["reasoning"]],
    ["together", { effort: "low" }, { reasoning_effort: "low" }],
    ["together", { effort: "none" }, { reasoning: { enabled: false } }],
    ["fireworks", { budgetTokens: 9 }, { thinking: { type: "enabled", budget_tokens: 9 } }],
    ["databricks", { effort: "low" }, { reasoning_effort: "low" }],
    ["databricks", { budgetTokens: 9 }, { thinking: { type: "enabled", budget_tokens: 9 } }],
    ["heroku", { budgetTokens: 9 }, { extended_thinking: { enabled: true, budget_tokens: 9 } }],
    ["moonshot", { effort: "none" }, { thinking: { type: "disabled" } }]
  ])("%s to think %j", (name, reasoning, sent, warned = []) => {
    expect(body(name, { reasoning })).toEqual({ body: sent, warned })
  })

  it("for a limit, a seed, probabilities, any tool, a schema", () => {
    for (const name of [
      "openai",
      "azure",
      "groq",
      "cerebras",
      "xai",
      "snowflake"
    ]) expect(body(name, { maxTokens: 5 }).body).toEqual({ max_completion_tokens: 5 })
    for (const name of [
      "mistral",
      "deepseek",
      "openrouter"
    ]) expect(body(name, { maxTokens: 5 }).body).toEqual({ max_tokens: 5 })
    expect(body("mistral", { seed: 5 }).body).toEqual({ random_seed: 5 })
    expect(body("together", { logprobs: true }).body).toEqual({ logprobs: 1 })
    expect(body("together", { logprobs: 3, topK: 4 }).body).toEqual({ logprobs: 3, top_k: 4 })
    const tools = [{ name: "f" }]
    expect(body("mistral", { tools, toolChoice: "required" }).body).toMatchObject({ tool_choice: "any" })
    for (const name of ["deepseek", "zai"]) {
      expect(body(name, { responseFormat: { type: "json", schema: {} } })).toEqual({
        body: { response_format: { type: "json_object" } },
        warned: ["responseFormat"]
      })
    }
    expect(body("mistral", {}, "stream").body).toEqual({ stream: true })
    expect(() => body("perplexity", { tools })).toThrow(/perplexity takes no tools/)
    expect(() => body("groq", { n: 2 })).toThrow(/groq takes no n/)
    expect(body("cerebras", { frequencyPenalty: 1 })).toEqual({ body: {}, warned: ["frequencyPenalty"] })
  })

  it("for vectors", () => {
    expect(body(
      "voyage",
      { dimensions: 8, user: "u" },
      "embeddings"
    )).toEqual({ body: { output_dimension: 8 }, warned: ["user"] })
    expect(
      body("perplexity", { dimensions: 8 }, "embeddings").body
    ).toEqual({ encoding_format: "base64_int8", dimensions: 8 })
    expect(body("mistral", {}, "embeddings").body).toEqual({})
    expect(body("openrouter", {}, "embeddings").body).toEqual({ encoding_format: "float" })
  })
})
