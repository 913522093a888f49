/**
 * What a rule is: it answers a message it understands and leaves every other alone.
 *
 * @module
 */

/** What was said. */
export interface Said {
  /** The last message of the person, trimmed; at most {@link longest} characters of it. */
  readonly text: string
  /** Its beginning and its end in small letters: where people say what they want. At most 1,000 characters. */
  readonly lower: string
}

/** Answers, or leaves it to the next rule. */
export interface Rule {
  readonly name: string
  /** What it can do, for the list that is shown to people. */
  readonly does?: string
  readonly answer: (said: Said) => string | undefined
}

/** How much of a message is looked at, in characters. */
export const longest = 20_000

/** A message as rules see it. */
export const said = (message: string): Said => {
  const text = message.slice(0, longest).trim()
  return { text, lower: (text.length <= 1_000 ? text : `${text.slice(0, 700)} … ${text.slice(-290)}`).toLowerCase() }
}

/** What a message is about: the text in quotes, else behind the first colon, else `undefined`. */
export const subject = ({ text }: Said): string | undefined => {
  const quoted = /"([^"]+)"|“([^”]+)”|'([^']{2,})'/.exec(text)
  if (quoted !== null) return quoted[1] ?? quoted[2] ?? quoted[3]
  const colon = text.indexOf(":")
  const behind = colon < 0 ? "" : text.slice(colon + 1).trim()
  return behind === "" ? undefined : behind
}

/** A number without a tail of rounding. */
export const shown = (value: number): string => String(Number(value.toPrecision(12)))
