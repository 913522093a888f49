/**
 * The stage by hand: `node packages/inspector/test/stage/serve.ts`, then open what it prints.
 *
 * @module
 */
import { crowd, play, stage } from "./stage.ts"

const here = await stage()
await crowd(here, 60)
const played = await play(here)
process.stdout.write(`${here.address}/inspector/\n`)
for (const [name, { id, status }] of Object.entries(played)) process.stdout.write(`${name.padEnd(8)} ${id} ${status}\n`)
const stop = (): void => void here.close().then(() => process.exit(0))
process.on("SIGINT", stop)
process.on("SIGTERM", stop)
