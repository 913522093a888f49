/**
 * Snowflake Cortex: `SNOWFLAKE_ACCOUNT` and a token (`SNOWFLAKE_PAT`, `SNOWFLAKE_TOKEN`) from the environment, or
 * `config.account` and `config.apiKey`. Snowflake tells the kind of token by itself, unless `config.tokenType` says it
 * (`PROGRAMMATIC_ACCESS_TOKEN`, `KEYPAIR_JWT`, `OAUTH`).
 *
 * @module
 */
import { compatible } from "./OpenAiCompatible.ts"
import type { Request } from "@plugline/core"
import type { Headers } from "./Transport.ts"

const headers = ({ config: { tokenType } }: Request): Headers =>
  typeof tokenType === "string" ? { "x-snowflake-authorization-token-type": tokenType } : {}

/** The provider `snowflake`. */
export const snowflake = compatible({
  name: "snowflake",
  title: "Snowflake Cortex",
  baseUrl: "https://{account}.snowflakecomputing.com/api/v2/cortex/v1",
  settings: { account: { meaning: "the Snowflake account, as in its address", keys: ["SNOWFLAKE_ACCOUNT"] } },
  keys: ["SNOWFLAKE_PAT", "SNOWFLAKE_TOKEN"],
  headers,
  quirks: { maxTokensField: "max_completion_tokens", reasoning: "object", toolFields: {} },
  operations: ["chat", "stream"]
})
