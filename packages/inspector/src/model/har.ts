/**
 * What a run sent to services and got, as an HTTP archive (HAR 1.2) that browsers and other tools open.
 *
 * @module
 */
import type { Entry, Har, Header as HarHeader } from "har-format"
import type { Recorded } from "../api.ts"
import { type Exchange, exchanges, type Header } from "./exchanges.ts"
import { isoOf } from "./moment.ts"

export type { Har } from "har-format"

/** The archive: one entry for each request that left the machine. Credentials are masked in it. */
export const har = (recorded: Recorded): Har => ({
  log: {
    version: "1.2",
    creator: { name: "Plugline", version: "0.1.0" },
    comment: `Upstream requests of ${recorded.summary.id}`,
    entries: exchanges(recorded).flatMap((exchange) => exchange.request === undefined ? [] : [entryOf(exchange, recorded)])
  }
})

const entryOf = (exchange: Exchange, { trace }: Recorded): Entry => {
  const { at = 0, error, outcome, request, response, streamed = 0, took, visit } = exchange
  const { headers = [], method = "GET", text, url = "" } = request ?? {}
  return {
    startedDateTime: isoOf(trace.startedAt + at),
    time: took + streamed,
    request: {
      method,
      url,
      httpVersion: "HTTP/1.1",
      cookies: [],
      headers: headers.map(headerOf),
      queryString: queryOf(url),
      headersSize: -1,
      bodySize: text === undefined ? 0 : sizeOf(JSON.stringify(request?.body)),
      ...(text !== undefined && { postData: { mimeType: "application/json", text: JSON.stringify(request?.body) } })
    },
    response: {
      status: response?.status ?? 0,
      statusText: "",
      httpVersion: "HTTP/1.1",
      cookies: [],
      headers: (response?.headers ?? []).map(headerOf),
      content: {
        size: response?.bytes ?? 0,
        mimeType: valueOf(response?.headers, "content-type") ?? "x-unknown",
        ...(response?.text !== undefined && { text: response.text })
      },
      redirectURL: valueOf(response?.headers, "location") ?? "",
      headersSize: -1,
      bodySize: response?.bytes ?? -1,
      ...(error !== undefined && { comment: error.reason.message })
    },
    cache: {},
    timings: { send: 0, wait: took, receive: streamed },
    ...(visit !== undefined && { comment: `plug ${visit}${outcome === "interrupted" ? ", interrupted" : ""}` })
  }
}

const headerOf = ({ name, value }: Header): HarHeader => ({ name, value })

const valueOf = (headers: ReadonlyArray<Header> | undefined, wanted: string): string | undefined =>
  headers?.find(({ name }) => name.toLowerCase() === wanted)?.value

const queryOf = (url: string): Array<{ name: string; value: string }> => {
  const query = url.split("#")[0]!.split("?").slice(1).join("?")
  return [...new URLSearchParams(query)].map(([name, value]) => ({ name, value }))
}

const sizeOf = (text: string): number => new TextEncoder().encode(text).length
