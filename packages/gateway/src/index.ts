/**
 * The command line of Plugline.
 *
 * @module
 */
export { ask, terminal } from "./cli/ask.ts"
export type { Question, Screen } from "./cli/ask.ts"
