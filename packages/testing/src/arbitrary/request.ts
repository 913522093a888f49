/**
 * Random requests, in every state a request can reach, and odd ones that no constructor would make.
 *
 * @module
 */
import { Key, LlmError, Request } from "@plugline/core"
import type { JsonObject, Operation, Parts, ProviderRequest, Result, Source, State } from "@plugline/core"
import { Effect, Redacted } from "effect"
import fc from "fast-check"
import { fieldName, json, jsonObject, llmError, text } from "./data.ts"
import { messages } from "./message.ts"
import { oddOptions, options } from "./options.ts"
import { chatResult, oddParts, parts, result } from "./part.ts"

const config = (): fc.Arbitrary<Request["config"]> =>
  fc.record({
    baseUrl: fc.constant("https://api.example.com/v1"),
    apiKey: fc.constant(Redacted.make("sk-canary-0123456789")),
    headers: fc.constant({ "x-team": "blue" }),
    timeouts: fc.record({ connect: fc.nat(10_000), total: fc.nat(600_000) }, { requiredKeys: [] }),
    region: text()
  }, { requiredKeys: [] }) as fc.Arbitrary<Request["config"]>

const operation = (): fc.Arbitrary<Operation> =>
  fc.constantFrom("chat", "chat", "stream", "stream", ...Request.operations)

/** A request nobody has touched yet. `operations`: which it may ask for. Default: all. */
export const pending = (given: { readonly operations?: ReadonlyArray<Operation> } = {}): fc.Arbitrary<Request> =>
  fc.record({
    id: fc.string({ maxLength: 8 }),
    operation: given.operations === undefined ? operation() : fc.constantFrom(...given.operations),
    provider: fc.constantFrom("openai", "local", "constructor"),
    messages: messages(),
    options: options(),
    config: config(),
    metadata: jsonObject()
  }).map((init) => Request.make(init))

const note = (): fc.Arbitrary<(request: Request) => Request> =>
  fc.oneof(
    fc.tuple(fieldName(), json()).map(([name, value]) => Request.assign(Key.make(name), value)),
    fc.tuple(fieldName(), json()).map(([name, value]) => Request.putPrivate(Key.make(name), value)),
    fc.tuple(fieldName(), json()).map(([name, value]) => Request.putMetadata(name, value)),
    llmError().map((error) => Request.addError(LlmError.from(error, { plug: "before" })))
  )

const providerRequest = (): fc.Arbitrary<ProviderRequest> =>
  fc.record({ body: jsonObject(), token: fc.string({ maxLength: 8 }) }).map(({ body, token }) => ({
    method: "POST",
    url: `https://api.example.com/v1/chat?key=${encodeURIComponent(token.toWellFormed())}`,
    headers: { "content-type": "application/json", "x-api-key": token },
    body
  }))

/** A way from `pending` to each state. */
const ways: { readonly [To in State]: fc.Arbitrary<(request: Request) => Request> } = {
  pending: fc.constant((request) => request),
  executing: providerRequest().map((sent) => (request) => Request.execute(Request.putProviderRequest(request, sent))),
  streaming: parts().map((parts) => (request) => Request.stream(Request.execute(request), sourceOf(parts))),
  completed: fc.tuple(result(), fc.boolean()).map(([result, halted]) => (request) =>
    halted ? Request.halt(request, result) : Request.complete(request, result)),
  error: fc.tuple(llmError(), fc.option(chatResult())).map(([error, partial]) => (request) =>
    Request.fail(
      partial === null ? request : Request.complete(request, partial as Result),
      LlmError.from(error, { plug: "before" })
    ))
}

/**
 * A request in any state it can reach, with notes of earlier plugs, halted or not. `states`: which. Default: all. The
 * reply of a streaming one can be read again after it was closed, so that one request serves several runs.
 */
export const request = (
  given: { readonly states?: ReadonlyArray<State>; readonly operations?: ReadonlyArray<Operation> } = {}
): fc.Arbitrary<Request> =>
  fc.tuple(
    pending(given.operations === undefined ? {} : { operations: given.operations }),
    fc.array(note(), { maxLength: 3 }),
    fc.oneof(...(given.states ?? Object.keys(ways) as Array<State>).map((state) => ways[state]))
  ).map(([request, notes, way]) => way(notes.reduce((request, note) => note(request), request)))

/** A source that starts over once it was closed. */
const sourceOf = (parts: Parts): Source => {
  let at = 0
  return {
    pull: Effect.sync(() => at < parts.length ? [parts[at++]!] : undefined),
    close: Effect.sync(() => {
      at = 0
    })
  }
}

/**
 * A request as hostile code might hand it in: fields of the wrong kind, options and messages that do not fit, an answer
 * that is none. Its state is a legal one.
 */
export const oddRequest = (): fc.Arbitrary<Request> =>
  fc.record({
    base: request({ states: ["pending", "executing", "completed"] }),
    messages: fc.oneof(json(), fc.array(json())),
    options: oddOptions(),
    metadata: fc.oneof(jsonObject(), fc.constant<JsonObject>({ toJSON: null })),
    result: fc.oneof(json(), fc.constant(undefined), oddParts().map((content) =>
      ({ type: "chat", content })) as fc.Arbitrary<unknown>),
    which: fc.subarray(["messages", "options", "metadata", "result"] as const, { minLength: 1 })
  }).map(({ base, which, ...odd }) =>
    // What cannot be made must be forced: this is the point of it.
    Request.patch(base, Object.fromEntries(which
      .filter((name) => name !== "result" || base.state === "completed")
      .map((name) => [name, odd[name]])) as Parameters<typeof Request.patch>[1]))
