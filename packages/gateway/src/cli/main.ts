#!/usr/bin/env node
/**
 * The entry of the command line. Compiled code is kept from one start to the next, which halves the time to the first answer; that
 * has to be said before anything else is loaded.
 *
 * @module
 */
import { enableCompileCache } from "node:module"

enableCompileCache()
await import("./program.ts")
