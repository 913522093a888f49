/**
 * The ids of tool calls. Ollama may name a call by nothing but its tool; what then stands for its id is made here, so
 * that results can be told apart, and is never sent.
 *
 * @module
 */

const mark = "call_ollama_"

/** An id for a call that came without one: the same however the answer was cut. `of` tells answers apart. */
export const makeId = (of: string, index: number): string => `${mark}${of}_${index}`

/** Whether an id was made here. */
export const isMade = (id: string): boolean => id.startsWith(mark)
