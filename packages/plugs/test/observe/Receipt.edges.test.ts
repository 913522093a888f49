/** What a receipt says of options, errors and results, where one of its conditions is all that tells them apart. */
import { LlmError, Message, Pipeline, Plug, Request, type Result } from "@plugline/core"
import { Receipt } from "@plugline/plugs"
import { Mock } from "@plugline/testing"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { alone, chat, hello } from "./endings.ts"

const receiptOf = async (
  effect: Effect.Effect<unknown, unknown, Receipt.ReceiptSink>
): Promise<Receipt.Receipt> => {
  const lines = await alone(Effect.provide(Effect.andThen(effect, Receipt.recent), Receipt.memory()))
  return JSON.parse(lines.at(-1)!)
}

const optionsOf = async (options: Request["options"]) =>
  (await receiptOf(Pipeline.run([Receipt.plug(), Mock.make(["Hi"]).plug], chat({ options })))).options

it("counts stop words, names a choice of tools unless it names a tool, and keeps words whole", async () => {
  expect(await optionsOf({ stop: "private" })).toEqual({ stop: 1 })
  expect(await optionsOf({ stop: ["private", "words"] })).toEqual({ stop: 2 })
  expect(await optionsOf({ toolChoice: "required" })).toEqual({ toolChoice: "required" })
  expect(await optionsOf({ toolChoice: { tool: "private" } as never })).toEqual({ toolChoice: "tool" })
  const effort = "as much as you ever can, and then some more of it, and more and more"
  expect(await optionsOf({ reasoning: { effort } as never })).toEqual({ effort: effort.slice(0, 64) })
})

it("says which attempt failed, and the provider's id of it", async () => {
  const error = LlmError.make({ _tag: "Server", message: "private", status: 500, requestId: "req-1" }, { attempt: 3 })
  const fails = Plug.make("fails", (request) => Request.fail(request, error))
  const receipt = await receiptOf(Pipeline.run([Receipt.plug(), fails], chat()))
  expect(receipt.error).toMatchObject({ reason: "Server", status: 500, requestId: "req-1", attempt: 3 })
  expect(receipt.error).not.toHaveProperty("message")
})

it("tells lists of models and checks of keys apart by what they hold", () => {
  const models = (...ids: ReadonlyArray<string>) =>
    Receipt.responseHash({ type: "list_models", models: ids.map((id) => ({ id })) } as Result)
  const usable = (usable: boolean) => Receipt.responseHash({ type: "validate", usable } as Result)
  expect(new Set([models(), models("a"), models("a", "b"), usable(true), usable(false)]).size).toBe(5)
})

it("reads the content of a stream for its hash, and for its content, whichever is asked for", async () => {
  const of = (options: Parameters<typeof Receipt.plug>[0]) => {
    const stream = Mock.make([Mock.parts(hello, { as: "stream" })]).plug
    const asked = chat({ operation: "stream", messages: [Message.user("Hi")] })
    // A run that is followed part by part keeps no content but what somebody asks for.
    return receiptOf(Effect.scoped(Effect.flatMap(Pipeline.open([Receipt.plug(options), stream], asked), (live) =>
      Effect.repeat(live.pull, { until: (parts) => parts === undefined }))))
  }
  const text = JSON.stringify((await of({ content: true, hashes: false })).content)
  const whole = await receiptOf(Pipeline.run([Receipt.plug({ content: true }), Mock.make([Mock.parts(hello, { as: "whole" })]).plug], chat()))
  expect(text).toContain(JSON.stringify((whole.content!.result as { content: unknown }).content))
  expect((await of({ content: false, hashes: true })).response).toBe(whole.response)
})
