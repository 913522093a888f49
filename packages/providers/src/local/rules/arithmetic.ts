/**
 * Works out sums: numbers, parentheses, `+ - * / ^ %`, and the words for them.
 *
 * @module
 */
import { type Rule, shown } from "./rule.ts"

const words: ReadonlyArray<readonly [RegExp, string]> = [
  [/\bplus\b/g, "+"],
  [/\bminus\b/g, "-"],
  [/\b(?:times|multiplied by)\b/g, "*"],
  [/\bdivided by\b/g, "/"],
  [/\b(?:to the power of|to the)\b/g, "^"],
  [/\b(?:mod|modulo)\b/g, "%"],
  [/[×·]/g, "*"],
  [/÷/g, "/"],
  [/−/g, "-"],
  [/\*\*/g, "^"],
  [/(\d),(?=\d{3}\b)/g, "$1"],
  // A date is no subtraction.
  [/\b\d{4}-\d{2}-\d{2}\b/g, " "]
]

/** A run that may be a sum. */
const run = /[-(\d.][\d.()+\-*/^%\s]*[\d)]/g

export const arithmetic: Rule = {
  name: "arithmetic",
  does: "work out sums",
  answer: ({ lower }) => {
    const text = words.reduce((text, [word, sign]) => text.replace(word, sign), lower.slice(0, 1_000))
    const root = /square root of\s+(\d+(?:\.\d+)?)/.exec(text)
    if (root !== null) return `√${root[1]} = ${shown(Math.sqrt(Number(root[1])))}`
    const percent = /(\d+(?:\.\d+)?)\s*(?:%|percent)\s+of\s+(\d+(?:\.\d+)?)/.exec(text)
    if (percent !== null) return `${percent[1]} % of ${percent[2]} = ${shown(Number(percent[1]) * Number(percent[2]) / 100)}`
    for (const [sum] of text.matchAll(run)) {
      if (!/\d\s*[)]*\s*[-+*/^%]\s*[-(]*\s*[\d.]/.test(sum)) continue
      const value = evaluate(sum)
      if (value === undefined) continue
      const tidy = sum.replace(/\s+/g, "").replace(/(?<=[\d)])[-+*/^%]/g, " $& ")
      return Number.isFinite(value) ? `${tidy} = ${shown(value)}` : `${tidy} has no finite result.`
    }
    return undefined
  }
}

/**
 * The value of a sum; `undefined` where it is none.
 *
 * `^` binds tightest and to the right, then the sign, then `* / %`, then `+ -`.
 */
export const evaluate = (sum: string): number | undefined => {
  const signs = sum.match(/\d+(?:\.\d+)?|\.\d+|[-+*/^%()]|\S/g) ?? []
  let at = 0
  let depth = 0

  const level = (next: () => number, operators: string): number => {
    let value = next()
    while (at < signs.length && operators.includes(signs[at]!)) {
      const operator = signs[at++]
      const other = next()
      if (operator === "+") value += other
      else if (operator === "-") value -= other
      else if (operator === "*") value *= other
      else if (operator === "/") value /= other
      else value %= other
    }
    return value
  }
  const additive = (): number => level(multiplicative, "+-")
  const multiplicative = (): number => level(signed, "*/%")
  const signed = (): number => {
    let sign = 1
    while (signs[at] === "-" || signs[at] === "+") if (signs[at++] === "-") sign = -sign
    return sign * power()
  }
  const power = (): number => {
    const base = atom()
    if (signs[at] !== "^") return base
    at++
    return base ** signed()
  }
  const atom = (): number => {
    const sign = signs[at++]
    if (sign === "(") {
      if (++depth > 100) return NaN
      const value = additive()
      return signs[at++] === ")" ? value : NaN
    }
    return sign !== undefined && /^[\d.]/.test(sign) ? Number(sign) : NaN
  }

  const value = additive()
  return at < signs.length || Number.isNaN(value) ? undefined : value
}
