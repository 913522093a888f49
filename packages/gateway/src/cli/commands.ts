/**
 * The commands of the command line, in the order in which help lists them.
 *
 * @module
 */
import { askCommand } from "./commands/ask.ts"
import { batchCommand } from "./commands/batch.ts"
import { configCommand } from "./commands/config.ts"
import { evalCommand } from "./commands/eval.ts"
import { keysCommand } from "./commands/keys.ts"
import { modelsCommand } from "./commands/models.ts"
import { pipelinesCommand } from "./commands/pipelines.ts"
import { providersCommand } from "./commands/providers.ts"
import { serveCommand } from "./commands/serve.ts"
import { replayCommand, traceCommand } from "./commands/trace.ts"

/** All of them. What a command needs beyond its flags is loaded when it runs, so that each starts quickly. */
export const commands = [
  serveCommand,
  askCommand,
  traceCommand,
  replayCommand,
  batchCommand,
  evalCommand,
  modelsCommand,
  providersCommand,
  pipelinesCommand,
  keysCommand,
  configCommand
] as const
