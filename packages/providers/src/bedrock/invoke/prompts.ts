/**
 * Writes conversations as one text, in the form each kind of model was trained on.
 *
 * @module
 */
import { LlmError, type Request } from "@plugline/core"

/** A conversation of texts only. */
export interface Prompted {
  readonly system: string
  readonly turns: ReadonlyArray<{ readonly role: "user" | "assistant"; readonly text: string }>
}

/**
 * A conversation as texts; messages of one side that follow each other are one turn.
 *
 * @throws LlmError `Unsupported` where it holds more than text.
 */
export const prompted = ({ messages, provider }: Request): Prompted => {
  const system: Array<string> = []
  const turns: Array<{ role: "user" | "assistant"; text: string }> = []
  for (const message of messages) {
    if (message.role === "system") {
      system.push(message.content)
      continue
    }
    const texts: Array<string> = []
    for (const part of message.content) {
      if (part.type === "text") texts.push(part.text)
      else if (part.type !== "reasoning" && part.type !== "raw") {
        throw LlmError.make({
          _tag: "Unsupported",
          message: `this model is invoked with text only, not with a part ${part.type}; `
            + "leave config.api out, so that Converse is used"
        }, { provider })
      }
    }
    const role = message.role === "assistant" ? "assistant" : "user"
    const last = turns.at(-1)
    if (last?.role === role) last.text += `\n${texts.join("")}`
    else turns.push({ role, text: texts.join("") })
  }
  return { system: system.join("\n"), turns }
}

/**
 * Refuses a text that holds one of the marks between turns: it would speak for another side.
 *
 * @throws LlmError `InvalidRequest`.
 */
const unmarked = (prompt: Prompted, marks: ReadonlyArray<string>, provider: string): Prompted => {
  for (const text of [prompt.system, ...prompt.turns.map(({ text }) => text)]) {
    const mark = marks.find((mark) => text.includes(mark))
    if (mark === undefined) continue
    throw LlmError.make({
      _tag: "InvalidRequest",
      parameter: "messages",
      message: `a message holds ${JSON.stringify(mark)}, which would begin another turn for this model; `
        + "leave config.api out, so that Converse is used"
    }, { provider })
  }
  return prompt
}

/** A form: the text of a conversation. */
export type Form = (prompt: Prompted, provider: string) => string

/** Claude 2: `Human:` and `Assistant:`. */
export const claudeForm: Form = (prompt, provider) => {
  const { system, turns } = unmarked(prompt, ["\n\nHuman:", "\n\nAssistant:"], provider)
  let out = system
  for (const { role, text } of turns) out += `\n\n${role === "user" ? "Human" : "Assistant"}: ${text}`
  return turns.at(-1)?.role === "assistant" ? out : `${out}\n\nAssistant:`
}

/** Titan: a question as it is, a longer conversation as `User:` and `Bot:`. */
export const titanForm: Form = (prompt, provider) => {
  const { system, turns } = prompt
  if (system === "" && turns.length === 1 && turns[0]!.role === "user") return turns[0]!.text
  unmarked(prompt, ["\nUser:", "\nBot:"], provider)
  let out = system === "" ? "" : `${system}\n\n`
  for (const { role, text } of turns) out += `${role === "user" ? "User" : "Bot"}: ${text}\n`
  return turns.at(-1)?.role === "assistant" ? out.slice(0, -1) : `${out}Bot:`
}

const llamaWith = (start: string, end: string, stop: string): Form => (prompt, provider) => {
  const { system, turns } = unmarked(prompt, ["<|begin_of_text|>", start, end, stop], provider)
  const head = (role: string): string => `${start}${role}${end}\n\n`
  let out = "<|begin_of_text|>"
  if (system !== "") out += `${head("system")}${system}${stop}`
  turns.forEach(({ role, text }, index) => {
    // The model goes on with what it had begun to say.
    out += `${head(role)}${text}${role === "assistant" && index === turns.length - 1 ? "" : stop}`
  })
  return turns.at(-1)?.role === "assistant" ? out : `${out}${head("assistant")}`
}

/** Llama 3. */
export const llama3Form: Form = llamaWith("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")

/** Llama 4. */
export const llama4Form: Form = llamaWith("<|header_start|>", "<|header_end|>", "<|eot|>")

/** Llama 2 and the first models of Mistral: `[INST]`; they differ in where the rules stand. */
const instructions = (rules: (system: string) => string): Form => (prompt, provider) => {
  const { system, turns } = unmarked(prompt, ["[INST]", "[/INST]", "<s>", "</s>", "<<SYS>>", "<</SYS>>"], provider)
  let out = "<s>"
  let before = system === "" ? "" : rules(system)
  turns.forEach(({ role, text }, index) => {
    if (role === "user") {
      out += `${out.endsWith("</s>") ? "<s>" : ""}[INST] ${before}${text} [/INST]`
      before = ""
    } else out += ` ${text}${index === turns.length - 1 ? "" : "</s>"}`
  })
  return out
}

/** Llama 2. */
export const llama2Form: Form = instructions((system) => `<<SYS>>\n${system}\n<</SYS>>\n\n`)

/** The first models of Mistral, which know no rules apart from the question. */
export const mistralForm: Form = instructions((system) => `${system}\n\n`)

/** Models without a form of their own: the turns by name. */
export const plainForm: Form = titanForm
