/**
 * An upstream request as a `curl` command that can be pasted into a shell: every text quoted, and an environment variable in
 * the place of each credential.
 *
 * @module
 */
import { credentialOf } from "./credentials.ts"
import type { Exchange, Header } from "./exchanges.ts"

/** The command; empty where nobody outside was asked. */
export const curl = ({ provider, request }: Pick<Exchange, "provider" | "request">): string => {
  if (request === undefined) return ""
  const { body, headers, method, url } = request
  const { variable } = credentialOf(provider, url)
  const streams = headers.some(({ name, value }) => name === "accept" && value === "text/event-stream")
  return [
    `curl ${streams ? "-N " : ""}${method === "POST" && body !== undefined ? "" : `-X ${quote(method)} `}${plain(url)}${quote(url, variable)}`,
    ...headers.map((header) => `-H ${quote(lineOf(header), variableOf(header, variable))}`),
    ...(body === undefined ? [] : [`--data-raw ${quote(JSON.stringify(body))}`])
  ].join(" \\\n  ")
}

/** What keeps curl from reading anything into an address but the address: a file may hold one that looks like an option. */
const plain = (url: string): string => `${/[[\]{}]/.test(url) ? "-g " : ""}${url.startsWith("-") ? "--url " : ""}`

const lineOf = ({ name, value }: Header): string => `${name}: ${value}`

/** Which variable holds a masked header: the service's own key, or one that is named after the header. */
const variableOf = ({ name }: Header, variable: string): string =>
  /^(authorization|x-api-key|api-key|x-goog-api-key)$/.test(name)
    ? variable
    : name.toUpperCase().replace(/[^A-Z0-9]+/g, "_").replace(/^(?=\d)/, "_")

/** A text that no shell reads anything into, but for the variable that stands in the place of what was masked. */
const quote = (text: string, variable?: string): string => {
  const pieces = text.replace(/[\u0000-\u001f\u007f]/g, "").split(variable === undefined ? /(?!)/ : "<redacted>")
  return pieces.map((piece) => `'${piece.replaceAll("'", "'\\''")}'`).join(`"$${variable}"`)
    .replace(/^''(?=")|(?<=")''$/g, "") || "''"
}
