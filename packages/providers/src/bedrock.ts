/**
 * Amazon Bedrock: a Bedrock API key (`AWS_BEARER_TOKEN_BEDROCK`), else AWS credentials (`AWS_ACCESS_KEY_ID`,
 * `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`), in the region of `AWS_REGION` or `AWS_DEFAULT_REGION`. `config.apiKey`
 * and `config.region` say otherwise for a call. `config.api` chooses between `converse` (usual) and `invoke`.
 *
 * @module
 */
import { sigv4 } from "./bedrock/sigv4.ts"
import { wires } from "./bedrock/index.ts"
import { credentials, region } from "./bedrock/place.ts"
import * as Provider from "./Provider.ts"

/** The provider `bedrock`. */
export const bedrock = Provider.make({
  name: "bedrock",
  title: "Amazon Bedrock",
  baseUrl: "https://bedrock-runtime.{region}.amazonaws.com",
  origins: ["https://bedrock.{region}.amazonaws.com"],
  settings: { region },
  keys: credentials,
  sign: sigv4("bedrock"),
  wires: wires()
})
