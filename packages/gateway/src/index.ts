/**
 * The gateway and the command line of Plugline, to be used from a program.
 *
 * @module
 */
export { type Gateway, type GatewayOptions, start } from "./Gateway.ts"
export { ask, type Question } from "./cli/ask.ts"
export { type Screen, terminal } from "./cli/Screen.ts"
