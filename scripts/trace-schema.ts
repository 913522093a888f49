/**
 * Writes the JSON Schema of trace files into `docs/inspector/trace.schema.json`, for editors that are pointed at it.
 * `node scripts/trace-schema.ts --write` puts it there.
 *
 * @module
 */
import { writeFileSync } from "node:fs"
import { jsonSchema } from "../packages/inspector/src/model/schema.ts"

/** The file that holds it. */
export const file = new URL("../docs/inspector/trace.schema.json", import.meta.url)

/** What it holds. */
export const text = `${JSON.stringify(jsonSchema, null, 2)}\n`

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes("--write")) writeFileSync(file, text)
  else console.log(text)
}
