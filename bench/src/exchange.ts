/**
 * The one exchange that every contender makes: what is asked, and what the upstream answers, whole and in events.
 *
 * @module
 */

/** What is asked. */
export const question = {
  model: "gpt-5-mini",
  system: "You are a careful assistant. Answer in one paragraph, and say so when you do not know.",
  user: "Explain to a new colleague why a queue between two services smooths load, and where it hides trouble."
} as const

/** What is asked, in the wire's words. */
export const body = {
  model: question.model,
  messages: [{ role: "system", content: question.system }, { role: "user", content: question.user }]
} as const

/** How many events of a streamed answer carry text. */
export const chunks = 200

const words = ["queue", " lets", " the", " sender", " go", " on", " while", " the", " reader", " catches", " up"]

/** The answer's text, in the pieces a streamed one comes in. */
export const pieces: ReadonlyArray<string> = Array.from({ length: chunks }, (_, index) => words[index % words.length]!)

/** The answer's text. */
export const text = pieces.join("")

const base = { service_tier: "default", system_fingerprint: null }

const head = { id: "chatcmpl-C1a2b3c4d5e6f7g8h9i0j1k2l3m4n", created: 1760000000, model: "gpt-5-mini-2025-08-07" }

const usage = {
  prompt_tokens: 48,
  completion_tokens: chunks,
  total_tokens: 48 + chunks,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0
  }
}

/** The whole answer. */
export const whole = JSON.stringify({
  ...head,
  object: "chat.completion",
  choices: [{
    index: 0,
    message: { role: "assistant", content: text, refusal: null, annotations: [] },
    logprobs: null,
    finish_reason: "stop"
  }],
  usage,
  ...base
})

const chunk = (delta: object, reason: string | null): string =>
  event({
    ...head,
    object: "chat.completion.chunk",
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
    usage: null,
    obfuscation: "q7Zt1"
  })

const event = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

/** The first event of a streamed answer: it says who speaks, and no word yet. */
export const opening = chunk({ role: "assistant", content: "", refusal: null }, null)

/** The streamed answer, event by event. */
export const events: ReadonlyArray<string> = [
  opening,
  ...pieces.map((content) => chunk({ content }, null)),
  chunk({}, "stop"),
  event({ ...head, object: "chat.completion.chunk", ...base, choices: [], usage }),
  "data: [DONE]\n\n"
]
