/**
 * Tests for your own plugs, pipelines, builders and providers: laws that must hold for each, random values of every
 * type, a provider that plays a script, a clock that needs no waiting, and record and replay.
 *
 * @module
 */
export * as Arbitrary from "./Arbitrary.ts"
export * as Cut from "./Cut.ts"
export * as Laws from "./Laws.ts"
export * as Mock from "./Mock.ts"
export { Replay, VirtualClock } from "@plugline/replay"
