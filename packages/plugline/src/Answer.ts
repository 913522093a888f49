/**
 * What comes back from a chat, as people want to read it: text, tool calls, an object, what it cost in tokens, and the
 * whole request behind it.
 *
 * @module
 */
import { type ChatResult, type Content, type FinishReason, Json, LlmError, type Message, type Request, RequestFailed, Result, type ToolCallPart, type Usage, type Warning } from "@plugline/core"
import { Effect, Schema } from "effect"

/** The answer to a chat or the continuation of a text. */
export class Answer {
  // Private, because a printed answer shows the answer, not the way it came.
  readonly #request: Request
  readonly result: ChatResult

  constructor(request: Request, result: ChatResult) {
    this.#request = request
    this.result = result
  }

  /** The request as it ended: options, metadata, what plugs left. */
  get request(): Request {
    return this.#request
  }

  /** The visible text. */
  get text(): string {
    return Result.text(this.result)
  }

  /** What the model thought first, where the provider shows it. */
  get reasoning(): string {
    return Result.reasoning(this.result)
  }

  /** The tools the model asks to be run. */
  get toolCalls(): ReadonlyArray<ToolCallPart> {
    return Result.toolCalls(this.result)
  }

  /** All pieces of the answer, in order. */
  get content(): ReadonlyArray<Content> {
    return this.result.content
  }

  /** The answer as the next message of the conversation. */
  get message(): Message {
    return Result.toMessage(this.result)
  }

  /** The model that answered, by its full name. */
  get model(): string | undefined {
    return this.result.model
  }

  /** Why the model stopped. */
  get finishReason(): FinishReason {
    return this.result.finishReason
  }

  /** Tokens; what is absent is unknown. */
  get usage(): Usage {
    return this.result.usage
  }

  /** What the caller should know: options that were not honoured, for example. */
  get warnings(): ReadonlyArray<Warning> {
    return this.result.warnings ?? []
  }

  /**
   * The text read as JSON, and checked against a Schema where one is given. Fails with `MalformedResponse` when the model
   * wrote something else.
   */
  object(): Effect.Effect<unknown, LlmError>
  object<S extends Schema.ConstraintDecoder<unknown>>(schema: S): Effect.Effect<S["Type"], LlmError>
  object(schema?: Schema.ConstraintDecoder<unknown>): Effect.Effect<unknown, LlmError> {
    return Effect.suspend(() => {
      const { text } = this
      let value: unknown
      try {
        value = Json.parse(text)
      } catch (cause) {
        return Effect.fail(this.#unreadable(`the answer is no JSON: ${excerpt(text)}`, cause))
      }
      if (schema === undefined) return Effect.succeed(value)
      const decoded = Schema.decodeUnknownResult(schema)(value)
      return decoded._tag === "Success"
        ? Effect.succeed(decoded.success)
        : Effect.fail(this.#unreadable(`the answer does not fit the schema: ${decoded.failure.message}`, decoded.failure))
    })
  }

  #unreadable(message: string, cause: unknown): LlmError {
    return new RequestFailed(LlmError.make({ _tag: "MalformedResponse", message }, { provider: this.request.provider, cause }), this.request)
  }

  toJSON(): ChatResult {
    return this.result
  }
}

const excerpt = (text: string): string => JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
