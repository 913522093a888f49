#!/usr/bin/env node
// The entry of the command line as it is built: like main.ts, over one file in place of a thousand.
import { enableCompileCache } from "node:module"

enableCompileCache()
await import("./program.mjs")
