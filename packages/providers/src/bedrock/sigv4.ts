/**
 * Signs requests with AWS Signature Version 4, at the moment of sending. A key that is no set of AWS credentials is a
 * Bedrock API key and goes out as a bearer token.
 *
 * The credentials are the JSON text `{"accessKeyId": …, "secretAccessKey": …, "sessionToken": …}`, as `config.apiKey`
 * or from the environment variables that AWS's own tools read.
 *
 * @module
 */
import { Json, LlmError } from "@plugline/core"
import { Clock, Effect, Redacted } from "effect"
import { createHash, createHmac } from "node:crypto"
import type { Sign, SignInput } from "../Provider.ts"
import type { Headers } from "../Transport.ts"

/** AWS credentials. */
interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Signs for a service by the name it has in signatures: `bedrock`. */
export const sigv4 = (service: string): Sign => (input) => {
  const { key, request } = input
  if (key === undefined) return Effect.succeed({})
  const text = Redacted.value(key).trim()
  if (!text.startsWith("{")) return Effect.succeed({ authorization: `Bearer ${text}` })
  const credentials = credentialsOf(text)
  if (credentials === undefined) return Effect.fail(unfit)
  const region = regionOf(input)
  if (region === undefined) return Effect.fail(noRegion)
  return Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.mapError(
      Effect.tryPromise(() => headersOf(input, service, credentials, region, now)),
      ({ cause }) =>
        LlmError.make({ _tag: "Configuration", message: "the request could not be signed" }, {
          provider: request.provider,
          cause
        })
    ))
}

const credentialsOf = (text: string): AwsCredentials | undefined => {
  let value: unknown
  try {
    value = Json.parse(text)
  } catch {
    return undefined
  }
  if (!Json.isRecord(value)) return undefined
  const { accessKeyId, secretAccessKey, sessionToken } = value
  if (!says(accessKeyId) || !says(secretAccessKey)) return undefined
  return { accessKeyId, secretAccessKey, ...(says(sessionToken) && { sessionToken }) }
}

const says = (value: unknown): value is string => typeof value === "string" && value !== ""

const unfit = LlmError.make({
  _tag: "Configuration",
  option: "apiKey",
  expected: "a Bedrock API key, or JSON with accessKeyId, secretAccessKey and, for temporary ones, sessionToken",
  message: "the credentials are JSON without accessKeyId and secretAccessKey"
})

const noRegion = LlmError.make({
  _tag: "Configuration",
  option: "region",
  expected: "the AWS region the request is signed for",
  message: "the address names no AWS region to sign for: give config.region"
})

/** The region that is signed for: as the address says, which the service goes by, else as the call does. */
const regionOf = ({ outgoing, request }: SignInput): string | undefined => {
  const host = URL.parse(outgoing.url)?.hostname ?? ""
  const said = own.exec(host)
  if (said !== null) return said[1]
  const { region } = request.config
  return typeof region === "string" && region !== "" ? region : undefined
}

/** Amazon's own hosts, private ones among them. */
const own =
  /(?:^|\.)bedrock(?:-runtime|-mantle)?(?:-fips)?\.([a-z-]{4,24}-\d)\.(?:[a-z.]*amazonaws\.com(?:\.cn)?|api\.aws)$/

/** Loaded with the first request that is signed. */
const load = () => import("@smithy/signature-v4")
let signing: ReturnType<typeof load> | undefined

const headersOf = async (
  { outgoing }: SignInput,
  service: string,
  credentials: AwsCredentials,
  region: string,
  now: number
): Promise<Headers> => {
  const { SignatureV4 } = await (signing ??= load())
  const url = new URL(outgoing.url)
  const query: Record<string, Array<string>> = {}
  for (const [name, value] of url.searchParams) (query[name] ??= []).push(value)
  const given = Object.fromEntries(
    Object.entries(outgoing.headers).filter(([name]) => name === "content-type" || name.startsWith("x-amz"))
  )
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256, applyChecksum: false })
  const signed = await signer.sign({
    method: outgoing.method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query,
    headers: { host: url.host, ...given },
    ...(outgoing.body !== undefined && { body: outgoing.body })
  }, { signingDate: new Date(now) })
  // The host is the transport's to write, and what stood in the request stands there already.
  return Object.fromEntries(
    Object.entries(signed.headers).filter(([name]) => name !== "host" && !Object.hasOwn(given, name))
  )
}

/** SHA-256, or its HMAC where there is a secret, as the signer wants to be given it. */
class Sha256 {
  readonly #hash: { update(data: Uint8Array): unknown; digest(): Uint8Array }

  constructor(secret?: Parameters<typeof bytesOf>[0]) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret))
  }

  update(chunk: Parameters<typeof bytesOf>[0]): void {
    this.#hash.update(bytesOf(chunk))
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
}

const bytesOf = (data: string | ArrayBuffer | ArrayBufferView): Uint8Array =>
  typeof data === "string"
    ? Buffer.from(data)
    : ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
