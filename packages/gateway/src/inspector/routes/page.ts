/**
 * `/inspector/`: the page. Whoever opens it may see it, for there is nothing in it; what it shows it has to ask for with a key.
 *
 * @module
 */
import { folder, nonceMark } from "@plugline/inspector/files"
import { randomBytes } from "node:crypto"
import { openai } from "../../dialects/openai/index.ts"
import type { Exchange } from "../../server/Exchange.ts"
import type { Route } from "../../server/Server.ts"
import * as Files from "../Files.ts"

/** What is said where nobody has built it. */
const unbuilt = `The inspector's page is not built here.

Build it once, in the folder of the repository:

  npm run setup

and load this page again. The gateway itself, and what it records, go on without it.
`

const off = `The inspector is turned off: the configuration says inspector.enabled: false.
`

/** The routes of the page. `enabled`: whether there is anything to be seen on it. */
export const pageRoutes = (enabled: boolean, from: string = folder): ReadonlyArray<Route> => {
  const files = Files.at(from)
  const page = (path: string, name: (exchange: Exchange) => string): Route => ({
    method: "GET",
    path,
    permission: "public",
    dialect: openai,
    handle: ({ exchange }) => {
      Object.assign(exchange.headers, headers)
      if (!enabled) return plain(exchange, 404, off)
      files.read().then(
        (found) => {
          if (found === undefined) return plain(exchange, 503, unbuilt)
          const file = found.get(name(exchange))
          if (file === undefined) return plain(exchange, 404, "There is no such file.\n")
          if (name(exchange) === "index.html") index(exchange, file)
          else asset(exchange, file)
        },
        () => plain(exchange, 500, "The inspector's page cannot be read.\n")
      )
    }
  })
  return [
    {
      method: "GET",
      path: "/inspector",
      permission: "public",
      dialect: openai,
      handle: ({ exchange }) => {
        Object.assign(exchange.headers, headers)
        exchange.headers.location = `/inspector/${exchange.query === "" ? "" : `?${exchange.query}`}`
        plain(exchange, 308, "")
      }
    },
    page("/inspector/", () => "index.html"),
    page("/inspector/{file+}", ({ parameter }) => parameter ?? "")
  ]
}

/** Nothing may be loaded, embedded or told elsewhere. */
const headers = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
  "x-frame-options": "DENY"
} as const

/** What the page may do: run its own scripts, ask this gateway, and no more. */
const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'"
  ].join("; ")

const closed = "default-src 'none'; frame-ancestors 'none'"

const plain = (exchange: Exchange, status: number, text: string): void => {
  exchange.headers["cache-control"] = "no-store"
  exchange.headers["content-security-policy"] = closed
  exchange.send(status, text, "text/plain; charset=utf-8")
}

const index = (exchange: Exchange, { body, type }: Files.PageFile): void => {
  const nonce = randomBytes(16).toString("base64url")
  exchange.headers["cache-control"] = "no-store"
  exchange.headers["content-security-policy"] = policy(nonce)
  exchange.send(200, body.toString("utf8").replaceAll(nonceMark, nonce), type)
}

/** A file whose name changes with what is in it. */
const asset = (exchange: Exchange, { body, br, gzip, tag, type }: Files.PageFile): void => {
  const { headers } = exchange
  const isHashed = exchange.parameter?.startsWith("assets/") === true
  headers["cache-control"] = isHashed ? "public, max-age=31536000, immutable" : "no-cache"
  headers["content-security-policy"] = closed
  headers.etag = tag
  headers.vary = "accept-encoding"
  const known = exchange.request.headers["if-none-match"]?.split(",").map((each) => each.trim().replace(/^W\//, ""))
  if (known?.includes(tag) === true || known?.includes("*") === true) return exchange.send(304, "", type)
  const takes = accepts(exchange.request.headers["accept-encoding"])
  const [coding, packed] = br !== undefined && takes("br") ? ["br", br] : gzip !== undefined && takes("gzip") ? ["gzip", gzip] : []
  if (coding !== undefined) headers["content-encoding"] = coding as string
  exchange.send(200, (packed as Buffer | undefined) ?? body, type)
}

/** Which codings a client takes, as its header says. */
const accepts = (header: string | ReadonlyArray<string> | undefined) => {
  const given = String(header ?? "").toLowerCase().split(",").map((each) => each.trim().split(/\s*;\s*/))
  return (coding: string): boolean => given.some(([name, ...rest]) => name === coding && !rest.some((rule) => /^q=0(\.0*)?$/.test(rule)))
}
