/**
 * Writes down a run with everything that came into it from outside, runs it again, and runs on from any step with
 * something changed.
 *
 * @module
 */
export * as Replay from "./Replay.ts"
export * as VirtualClock from "./VirtualClock.ts"
