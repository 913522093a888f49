/**
 * The wire of OpenAI's Responses API and of the services that follow it, as pure functions: `responses()` for OpenAI
 * itself, `responses({ … })` for a service that differs, with its differences as data; those of the known ones are
 * `dialects`.
 *
 * @module
 */
export { chat as responses } from "./chat.ts"
export { dialects, type Quirks } from "./quirks.ts"
