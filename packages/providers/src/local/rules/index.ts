/**
 * The rules, in the order in which they are tried.
 *
 * @module
 */
import { arithmetic } from "./arithmetic.ts"
import { dates } from "./dates.ts"
import { type Rule, said } from "./rule.ts"
import { greeting, identity, self, translation, world } from "./talk.ts"
import { counting, echo, shaping, summary } from "./words.ts"

/** Every rule. The first that answers counts; those that take the message at its word come first. */
export const rules: ReadonlyArray<Rule> = [translation, echo, summary, counting, shaping, self, dates, arithmetic, world, greeting]

/** What a message was answered with, and by which rule. */
export interface Answered {
  readonly rule: string
  readonly text: string
}

/** The answer to a message. There always is one. */
export const answer = (message: string): Answered => {
  const heard = said(message)
  if (heard.text === "") return { rule: "nothing", text: `There is nothing to answer. ${identity}` }
  if (/\bwhat can you do\b|\bhow can you help\b|^help\b/.test(heard.lower)) return { rule: "help", text: `${identity} ${abilities}` }
  for (const { answer, name } of rules) {
    const text = answer(heard)
    if (text !== undefined && text !== "") return { rule: name, text }
  }
  return { rule: "fallback", text: `${identity} None of my rules fits what you wrote (${excerpt(heard.text)}). ${abilities}` }
}

const abilities = `I can ${[...rules.flatMap(({ does }) => does ?? []), "call the tools I am offered", "fill in a JSON Schema"].join(", ").replace(/, ([^,]*)$/, " and $1")}.`

const excerpt = (text: string): string => JSON.stringify(text.length > 120 ? `${Array.from(text.slice(0, 120)).slice(0, -1).join("")}…` : text)
