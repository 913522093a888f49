/**
 * Reckons with dates that stand in the message. It knows no clock, so "today" is refused rather than guessed.
 *
 * @module
 */
import type { Rule } from "./rule.ts"

const iso = /\b(\d{4})-(\d{2})-(\d{2})\b/g
const day = 86_400_000
const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

export const dates: Rule = {
  name: "dates",
  does: "reckon with dates such as 2024-02-29",
  answer: ({ lower }) => {
    const found = [...lower.slice(0, 1_000).matchAll(iso)].flatMap(([text]) => {
      const time = read(text)
      return time === undefined ? [] : [{ text, time }]
    })
    const [a, b] = found
    if (a === undefined) {
      return /\b(?:what|which) (?:day|date|time|year)\b.*\b(?:today|now|is it)\b|\bwhat time\b/.test(lower)
        ? "I have no clock, so I cannot tell. Give me dates such as 2024-02-29 and I reckon with them."
        : undefined
    }
    const shift = /\b(\d{1,6})\s+(day|week)s?\s+(after|from|before)\b/.exec(lower)
      ?? /\b(?:add|plus|subtract|minus)\s+(\d{1,6})\s+(day|week)/.exec(lower)
    if (shift !== null) {
      const back = shift[3] === "before" || /\b(?:subtract|minus)\b/.test(shift[0])
      const days = Number(shift[1]) * (shift[2] === "week" ? 7 : 1)
      return `${days} ${plural(days, "day")} ${back ? "before" : "after"} ${a.text} is ${write(a.time + (back ? -days : days) * day)}.`
    }
    if (b !== undefined && /\b(?:between|from|until|till|to|difference|apart|days)\b/.test(lower)) {
      const days = Math.abs(b.time - a.time) / day
      return `Between ${a.text} and ${b.text} there ${days === 1 ? "is" : "are"} ${days} ${plural(days, "day")}.`
    }
    if (/\bleap\b/.test(lower)) return `${a.text.slice(0, 4)} is ${isLeap(Number(a.text.slice(0, 4))) ? "a" : "no"} leap year.`
    return /\b(?:day|weekday)\b/.test(lower) ? `${a.text} is a ${weekdays[new Date(a.time).getUTCDay()]}.` : undefined
  }
}

const plural = (count: number, word: string): string => count === 1 ? word : `${word}s`

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

/** A day that exists, in ms; the thirtieth of February is none. */
const read = (text: string): number | undefined => {
  const time = Date.parse(`${text}T00:00:00Z`)
  return Number.isNaN(time) || write(time) !== text ? undefined : time
}

const write = (time: number): string => new Date(time).toISOString().slice(0, 10)
