/**
 * Writes the reference of the gateway's configuration into `docs/gateway/configuration.md`, from its Schema.
 * `node scripts/config-reference.ts --write` puts it into the page.
 *
 * @module
 */
import { readFileSync, writeFileSync } from "node:fs"
import { reference, updated } from "../packages/gateway/src/config/reference.ts"

/** The page that holds the reference. */
export const page = new URL("../docs/gateway/configuration.md", import.meta.url)

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes("--write")) writeFileSync(page, updated(readFileSync(page, "utf8")))
  else console.log(reference())
}
