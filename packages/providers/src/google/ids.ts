/**
 * Names for tool calls that Google gives none. They are never sent: the service then tells calls apart by name and
 * order.
 *
 * @module
 */

const prefix = "call_g_"

/** A name that is the same however a stream is cut. */
export const generatedId = (answer: string | undefined, number: number | string): string =>
  `${prefix}${answer === undefined ? "" : `${answer}_`}${number}`

/** The name as it goes to the service: `undefined` for one that was made here. */
export const sentId = (id: string): string | undefined => id === "" || id.startsWith(prefix) ? undefined : id
