/**
 * Where AWS's own tools look for credentials and region.
 *
 * @module
 */
import type { KeySource } from "../Credentials.ts"
import type { Setting } from "../Provider.ts"

/** A Bedrock API key, else AWS credentials. */
export const credentials: ReadonlyArray<KeySource> = [
  "AWS_BEARER_TOKEN_BEDROCK",
  {
    fields: {
      accessKeyId: "AWS_ACCESS_KEY_ID",
      secretAccessKey: "AWS_SECRET_ACCESS_KEY",
      sessionToken: "AWS_SESSION_TOKEN"
    },
    optional: ["sessionToken"]
  }
]

/** The region that answers. */
export const region: Setting = { meaning: "the AWS region", keys: ["AWS_REGION", "AWS_DEFAULT_REGION"] }
