/**
 * Ollama, on this machine or wherever `OLLAMA_HOST` says (`http://10.0.0.5:11434`, or `10.0.0.5`), without a key. A key
 * in `OLLAMA_API_KEY` or `config.apiKey` is sent; with `config.baseUrl: "https://ollama.com"` it opens Ollama's cloud.
 * `config.api: "openai"` speaks the interface it shares with OpenAI.
 *
 * @module
 */
import { wires } from "./ollama/index.ts"
import * as Provider from "./Provider.ts"

/**
 * `OLLAMA_HOST` as an address. As in Ollama's own clients the scheme is `http` and the port 11434 where it does not
 * say, and the address a server listens on everywhere is this machine.
 */
const read = (said: string): string => {
  const scheme = /^https?:\/\//i.exec(said)?.[0] ?? ""
  const rest = said.slice(scheme.length)
  const slash = rest.indexOf("/")
  const place = slash < 0 ? rest : rest.slice(0, slash)
  const hasPort = /:\d+$/.test(place) && !/^[0-9a-f]*(:[0-9a-f]*){2,}$/i.test(place)
  const port = hasPort ? place.slice(place.lastIndexOf(":")) : scheme === "" ? ":11434" : ""
  const name = hasPort ? place.slice(0, place.lastIndexOf(":")) : place
  const bare = name === "" || name === "0.0.0.0" || name === "[::]" || name === "::" ? "127.0.0.1" : name
  const host = bare.includes(":") && !bare.startsWith("[") ? `[${bare}]` : bare
  return `${scheme === "" ? "http://" : scheme}${host}${port}${slash < 0 ? "" : rest.slice(slash)}`
}

const host: Provider.Setting = {
  meaning: "where Ollama is",
  keys: ["OLLAMA_HOST"],
  fallback: "http://127.0.0.1:11434",
  kind: "url",
  read
}

/** The provider `ollama`. */
export const ollama = Provider.make({
  name: "ollama",
  title: "Ollama",
  baseUrl: "{host}",
  settings: { host },
  keys: ["OLLAMA_API_KEY"],
  needsKey: false,
  wires: wires()
})
