/**
 * Random messages and conversations.
 *
 * @module
 */
import type { Message, MessagePart } from "@plugline/core"
import fc from "fast-check"
import { base64, json, jsonObject, perProvider, text } from "./data.ts"

/** A record whose named fields may be absent. */
const optional = <A extends object, B extends object>(
  required: { [Key in keyof A]: fc.Arbitrary<A[Key]> },
  maybe: { [Key in keyof B]: fc.Arbitrary<B[Key]> }
): fc.Arbitrary<A & Partial<B>> =>
  fc.tuple(fc.record(required), fc.record(maybe, { requiredKeys: [] })).map(([a, b]) =>
    ({ ...a, ...b }) as A & Partial<B>)

const own = { options: perProvider() }

const textPart = () => optional({ type: fc.constant("text" as const), text: text() }, own)
const reasoningPart = () => optional({ type: fc.constant("reasoning" as const), text: text() }, own)

const filePart = () =>
  optional({
    type: fc.constant("file" as const),
    mediaType: fc.constantFrom("image/png", "image/*", "application/pdf", "audio/wav"),
    data: fc.oneof(
      base64(),
      fc.webUrl().map((href) => ({ _tag: "URL" as const, href })),
      base64().map((base64) => ({ _tag: "Uint8Array" as const, base64 }))
    )
  }, { ...own, fileName: text() })

const callId = () => fc.constantFrom("call_0", "call_1", "c", "__proto__")
const toolName = () => fc.constantFrom("weather", "search", "constructor")

const toolCallPart = () =>
  optional(
    { type: fc.constant("tool-call" as const), id: callId(), name: toolName(), params: json() },
    { ...own, providerExecuted: fc.boolean() }
  )

const toolResultPart = () =>
  optional(
    {
      type: fc.constant("tool-result" as const),
      id: callId(),
      name: toolName(),
      isFailure: fc.boolean(),
      result: json()
    },
    { ...own, providerExecuted: fc.boolean() }
  )

/** A part of a type that we have no word for: it must survive untouched. */
const unknownPart = () =>
  fc.tuple(fc.constantFrom("thing-of-tomorrow", "input_video"), jsonObject()).map(([type, fields]) =>
    ({ ...fields, type }) as unknown as MessagePart)

/** One message in canonical form, of any role, with every kind of part. */
export const message = (): fc.Arbitrary<Message> =>
  fc.oneof(
    optional({ role: fc.constant("system" as const), content: text() }, own),
    optional({
      role: fc.constant("user" as const),
      content: fc.array(fc.oneof({ weight: 4, arbitrary: textPart() }, filePart(), unknownPart()), { maxLength: 3 })
    }, own) as fc.Arbitrary<Message>,
    optional({
      role: fc.constant("assistant" as const),
      content: fc.array(
        fc.oneof({ weight: 3, arbitrary: textPart() }, reasoningPart(), filePart(), toolCallPart(), toolResultPart(),
          unknownPart()),
        { maxLength: 3 }
      )
    }, own) as fc.Arbitrary<Message>,
    optional({ role: fc.constant("tool" as const), content: fc.array(toolResultPart(), { maxLength: 2 }) }, own)
  )

/** A conversation. */
export const messages = (): fc.Arbitrary<ReadonlyArray<Message>> => fc.array(message(), { maxLength: 4 })
