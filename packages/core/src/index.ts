/**
 * The words of Plugline. Each is a module of functions and, where there is one, the type of the same name.
 *
 * @module
 */
import * as KeyModule from "./Key.ts"
import * as LlmErrorModule from "./LlmError.ts"
import * as MessageModule from "./Message.ts"
import * as OptionsModule from "./Options.ts"
import * as PartModule from "./Part.ts"
import * as PipelineModule from "./Pipeline.ts"
import * as PlugModule from "./Plug.ts"
import * as RequestModule from "./Request.ts"
import * as ResultModule from "./Result.ts"
import * as TraceModule from "./Trace.ts"

export * as Diff from "./Diff.ts"
export * as Json from "./Json.ts"
export * as Mask from "./Mask.ts"
export * as Reply from "./Reply.ts"
export * as Suggest from "./Suggest.ts"

export const Key = KeyModule
export type Key<A> = KeyModule.Key<A>

export const LlmError = LlmErrorModule
export type LlmError = LlmErrorModule.LlmError

export const Message = MessageModule
export type Message = MessageModule.Message

export const Options = OptionsModule
export type Options = OptionsModule.Options

export const Part = PartModule
export type Part = PartModule.Part

export const Pipeline = PipelineModule
export type Pipeline<R = never> = PipelineModule.Pipeline<R>

export const Plug = PlugModule
export type Plug<R = never> = PlugModule.Plug<R>

export const Request = RequestModule
export type Request = RequestModule.Request

export const Result = ResultModule
export type Result = ResultModule.Result

export const Trace = TraceModule
export type Trace = TraceModule.Trace

export type { Json as JsonValue, JsonObject } from "./Json.ts"
export type { LlmErrorJson, Reason, ReasonTag } from "./LlmError.ts"
export type {
  AssistantMessage, FilePart, MessageInput, MessagePart, MessagesInput, ProviderOptions, ReasoningPart as ReasoningMessagePart, SystemMessage,
  TextPart as TextMessagePart, ToolCallPart as ToolCallMessagePart, ToolMessage, ToolResultPart as ToolResultMessagePart, UserMessage
} from "./Message.ts"
export type { FunctionTool, JsonSchema, OptionName, ProviderTool, Reasoning, ResponseFormat, Tool, ToolChoice } from "./Options.ts"
export type { ChoiceEnd, Content, ErrorPart, FinishPart, FinishReason, Metadata, RawPart, SourcePart, ToolCallPart, ToolResultPart, Usage, Warning } from "./Part.ts"
export type {
  Bytes, Config, Finisher, Init as RequestInit, Observer, Operation, PartHandler, Parts, ProviderRequest, ProviderResponse, Pull, RequestJson, Source, Stage, State, StepInfo, Timeouts, Transform
} from "./Request.ts"
export type {
  ChatResult, Choice, EmbeddingsResult, Model, ModelsResult, Moderation, ModerationsResult, ValidateResult
} from "./Result.ts"
export type { Compiled, Live, Node, RunOptions } from "./Pipeline.ts"
export { RequestFailed } from "./Pipeline.ts"
export type { Answer, Handler, Join, Level, Made, MonitorOptions, Next, PlugLike, Seen, StreamHooks, Verdict } from "./Plug.ts"
export type { Call, End, PartEvent, Recorder, Step, TraceJson } from "./Trace.ts"
