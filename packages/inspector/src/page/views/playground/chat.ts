/**
 * A conversation in OpenAI's words, and what the pieces of a streamed answer add to it. Pure.
 *
 * @module
 */

export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

export type Turn =
  | { readonly role: "user"; readonly text: string }
  | { readonly role: "tool"; readonly text: string; readonly call: ToolCall }
  | {
      readonly role: "assistant"
      readonly text: string
      readonly calls: ReadonlyArray<ToolCall>
      readonly reasoning: string
      readonly about: About
    }

/** What is known of an answer. */
export interface About {
  readonly id?: string
  readonly status?: number
  readonly model?: string
  readonly finish?: string
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** In ms. */
  readonly first?: number
  readonly took?: number
  readonly cost?: string
  readonly cache?: string
  readonly error?: string
  readonly stopped?: boolean
}

export type Answer = Turn & { readonly role: "assistant" }

export const empty: Answer = { role: "assistant", text: "", calls: [], reasoning: "", about: {} }

/** What is set beside the conversation. */
export interface Settings {
  readonly pipeline: string
  readonly model: string
  readonly system: string
  readonly temperature: string
  readonly maxTokens: string
  readonly stream: boolean
  readonly tools: string
  readonly schema: string
}

/** The body of the request. Throws where a JSON that was typed cannot be read, saying which. */
export const bodyOf = (settings: Settings, turns: ReadonlyArray<Turn>): { readonly [field: string]: unknown } => {
  const { maxTokens, model, schema, stream, system, temperature, tools } = settings
  const number = (text: string, name: string): number => {
    const value = Number(text)
    if (!Number.isFinite(value)) throw new Error(`${name} must be a number`)
    return value
  }
  return {
    ...(model.trim() !== "" && { model: model.trim() }),
    messages: [...(system.trim() === "" ? [] : [{ role: "system", content: system }]), ...turns.map(messageOf)],
    ...(temperature.trim() !== "" && { temperature: number(temperature, "Temperature") }),
    ...(maxTokens.trim() !== "" && { max_completion_tokens: number(maxTokens, "Most tokens") }),
    ...(stream && { stream: true, stream_options: { include_usage: true } }),
    ...(tools.trim() !== "" && { tools: listOf(tools) }),
    ...(schema.trim() !== "" && {
      response_format: {
        type: "json_schema",
        json_schema: { name: "answer", schema: parsed(schema, "The schema"), strict: true }
      }
    })
  }
}

const parsed = (text: string, name: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    throw new Error(`${name} is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`, { cause: thrown })
  }
}

const listOf = (text: string): ReadonlyArray<unknown> => {
  const tools = parsed(text, "The list of tools")
  if (!Array.isArray(tools)) throw new Error("The tools must be a list")
  return tools
}

const messageOf = (turn: Turn): object => {
  switch (turn.role) {
    case "user":
      return { role: "user", content: turn.text }
    case "tool":
      return { role: "tool", tool_call_id: turn.call.id, content: turn.text }
    case "assistant":
      return {
        role: "assistant",
        content: turn.text,
        ...(turn.calls.length > 0 && {
          tool_calls: turn.calls.map(({ arguments: params, id, name }) => ({
            id,
            type: "function",
            function: { name, arguments: params }
          }))
        })
      }
  }
}

interface Wire {
  readonly model?: string
  readonly error?: { readonly message?: string }
  readonly usage?: { readonly prompt_tokens?: number; readonly completion_tokens?: number } | null
  readonly choices?: ReadonlyArray<{
    readonly delta?: Said
    readonly message?: Said
    readonly finish_reason?: string | null
  }>
}

interface Said {
  readonly content?: string | null
  readonly reasoning_content?: string | null
  readonly refusal?: string | null
  readonly tool_calls?: ReadonlyArray<{
    readonly index?: number
    readonly id?: string
    readonly function?: { readonly name?: string; readonly arguments?: string }
  }>
}

/** An answer with one more piece of it, or with all of it. */
export const added = (answer: Answer, json: unknown): Answer => {
  const { choices = [], error, model, usage } = json as Wire
  const [choice] = choices
  const said = choice?.delta ?? choice?.message
  const calls = [...answer.calls]
  for (const [place, { function: called, id, index = place }] of (said?.tool_calls ?? []).entries()) {
    const before = calls[index] ?? { id: "", name: "", arguments: "" }
    calls[index] = {
      id: id ?? before.id,
      name: before.name + (called?.name ?? ""),
      arguments: before.arguments + (called?.arguments ?? "")
    }
  }
  return {
    ...answer,
    text: answer.text + (said?.content ?? "") + (said?.refusal ?? ""),
    reasoning: answer.reasoning + (said?.reasoning_content ?? ""),
    calls,
    about: {
      ...answer.about,
      ...(model !== undefined && { model }),
      ...(choice?.finish_reason != null && { finish: choice.finish_reason }),
      ...(usage?.prompt_tokens !== undefined && { inputTokens: usage.prompt_tokens }),
      ...(usage?.completion_tokens !== undefined && { outputTokens: usage.completion_tokens }),
      ...(error !== undefined && { error: error.message ?? "the answer broke off" })
    }
  }
}

/** Calls that nobody has answered yet. */
export const open = (turns: ReadonlyArray<Turn>): ReadonlyArray<ToolCall> => {
  const last = turns.findLastIndex(({ role }) => role === "assistant")
  const answer = turns[last]
  if (answer?.role !== "assistant") return []
  const done = new Set(turns.slice(last + 1).flatMap((turn) => (turn.role === "tool" ? [turn.call.id] : [])))
  return answer.calls.filter(({ id }) => !done.has(id))
}
