/**
 * Cohere: `CO_API_KEY` or `COHERE_API_KEY` from the environment, or `config.apiKey`. `config.api: "v1"` speaks the
 * first version of its interface.
 *
 * @module
 */
import { wires } from "./cohere/index.ts"
import * as Provider from "./Provider.ts"

/** The provider `cohere`. */
export const cohere = Provider.make({
  name: "cohere",
  title: "Cohere",
  baseUrl: "https://api.cohere.com",
  keys: ["CO_API_KEY", "COHERE_API_KEY"],
  wires: wires()
})
