/**
 * How the gateway listens: address, limits, time limits, origins of browsers, certificates.
 *
 * @module
 */
import { Schema } from "effect"
import { Cidr, described, field, fieldOr, Path, Size, Span, whole } from "./values.ts"

/** Which pages of other origins may ask. */
export const Cors = Schema.Struct({
  origins: fieldOr(
    Schema.Array(Schema.NonEmptyString),
    [],
    "Origins of pages that may ask: `https://app.example.com`, or `*` for all."
  ),
  headers: fieldOr(
    Schema.Array(Schema.NonEmptyString),
    ["authorization", "content-type"],
    "Headers these pages may send, beside those that always may be."
  ),
  exposed: fieldOr(
    Schema.Array(Schema.NonEmptyString),
    [],
    "Headers of answers these pages may read, beside the gateway's own."
  ),
  credentials: fieldOr(Schema.Boolean, false, "Whether they may send cookies; not together with the origin `*`."),
  maxAge: fieldOr(Span, "10 minutes", "How long a browser remembers this.")
})

/** Encrypted connections. */
export const Tls = Schema.Struct({
  cert: described(Path, "The file with the certificate and those it hangs on, in PEM."),
  key: described(Path, "The file with its private key, in PEM.")
})

/** How the gateway listens. */
export const Server = Schema.Struct({
  host: fieldOr(Schema.NonEmptyString, "127.0.0.1", "The address it listens on; `0.0.0.0` for all of this machine."),
  port: fieldOr(whole(0, 65_535), 4141, "The port it listens on; 0 for any that is free."),
  bodyLimit: fieldOr(Size, "10mb", "Most bytes of a request's body, unpacked."),
  headersTimeout: fieldOr(Span, "10 seconds", "How long a client may take for the headers of a request."),
  requestTimeout: fieldOr(Span, "1 minute", "How long a client may take for a whole request."),
  keepAlive: fieldOr(
    Span,
    "15 seconds",
    "How often a stream without news sends a comment, so that nothing between takes it for dead."
  ),
  grace: fieldOr(Span, "30 seconds", "How long requests in flight may take to end when the gateway is stopped."),
  maxConnections: fieldOr(whole(1, 1_000_000), 10_000, "Most connections at a time."),
  trustedProxies: fieldOr(
    Schema.Array(Cidr),
    [],
    "Proxies whose word about the client's address is taken: addresses, or ranges such as `10.0.0.0/8`."
  ),
  cors: fieldOr(Cors, {}, "Which pages of other origins may ask."),
  tls: field(Tls, "Encrypted connections. Default: plain ones.")
})
