/**
 * Amazon Bedrock's interface in OpenAI's words ("Mantle"): the credentials and region of `bedrock`. `config.api`
 * chooses between `chat-completions` (usual) and `responses`.
 *
 * @module
 */
import { credentials, region } from "./bedrock/place.ts"
import { sigv4 } from "./bedrock/sigv4.ts"
import { compatible } from "./OpenAiCompatible.ts"
import { dialects, responses } from "./responses/index.ts"

/** The provider `bedrock-mantle`. */
export const bedrockMantle = compatible({
  name: "bedrock-mantle",
  title: "Amazon Bedrock (Mantle)",
  baseUrl: "https://bedrock-mantle.{region}.api.aws/v1",
  settings: { region },
  keys: credentials,
  sign: sigv4("bedrock-mantle"),
  responses: responses(dialects["bedrock-mantle"]),
  operations: ["chat", "stream", "list_models", "validate"]
})
