/**
 * Greets, says what it is, and says what it cannot do.
 *
 * @module
 */
import type { Rule } from "./rule.ts"

/** What it is, in one sentence. */
export const identity = "I am the local responder of Plugline: a small set of rules, not a language model."

export const greeting: Rule = {
  name: "greeting",
  answer: ({ lower }) => {
    const words = lower.replace(/[^\p{L}\s]/gu, " ").trim().split(/\s+/)
    if (words.length > 6) return undefined
    if (/^(?:hello|hi|hey|hallo|good (?:morning|afternoon|evening|day)|greetings)\b/.test(lower)) return `Hello! ${identity} Ask me what I can do.`
    if (/^(?:thanks|thank you|cheers|many thanks)\b/.test(lower)) return "You are welcome."
    return /^(?:bye|goodbye|good night|see you)\b/.test(lower) ? "Goodbye." : undefined
  }
}

export const self: Rule = {
  name: "self",
  does: "say what I am",
  answer: ({ lower }) =>
    /\b(?:who|what) (?:are|is) (?:you|this)\b|\bare you (?:an? )?(?:ai|chatgpt|gpt|claude|gemini|llm|bot|robot|human|real|language model|person)\b|\byour name\b|\b(?:which|what) model\b/.test(lower)
      ? `${identity} I run in this process, without a network or a key, and the same question always gets the same answer.`
      : undefined
}

export const translation: Rule = {
  name: "translation",
  answer: ({ lower }) =>
    /\btranslat(?:e|ion)\b|\b(?:say|write|answer|repeat|reply)\b[^"“']* in (?:french|german|spanish|italian|portuguese|japanese|chinese|korean|russian|arabic|dutch|polish|latin)\b/.test(lower)
      ? `I cannot translate. ${identity}`
      : undefined
}

export const world: Rule = {
  name: "world",
  answer: ({ lower }) =>
    /\b(?:weather|forecast|temperature outside|news|stock price|exchange rate|latest|score of)\b/.test(lower)
      ? `I know nothing of the world outside this message. ${identity} Offer me a tool that knows, and I call it.`
      : undefined
}
