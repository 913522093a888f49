/**
 * Where a semantic cache keeps its questions: in memory, or in SQLite. Both keep the same contract.
 *
 * @module
 */
export { type Near, type VectorOptions, VectorStore } from "../cache/Vectors.ts"
export { memory } from "./VectorStore.memory.ts"
export { sqlite } from "./VectorStore.sqlite.ts"
