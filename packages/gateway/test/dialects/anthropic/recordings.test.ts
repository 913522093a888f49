/**
 * Every recorded answer in this format, read, written and read again.
 *
 * @module
 */
import { Part, Result } from "@plugline/core"
import { describe, expect, it } from "vitest"
import { anthropic } from "../../../src/dialects/anthropic/index.ts"
import { bodyOf, bytesOf, recordings } from "../../../../providers/test/recordings/read.ts"
import { batches, call, events, legal, parsed, same, streamed, written } from "./support.ts"

const all = recordings().filter(({ api }) => api === "anthropic-messages" || api === "anthropic-models")
if (all.length === 0) console.log("skipped: answers in Anthropic's format, because there are no recorded exchanges")
const named = (list: typeof all) => list.map((recording) => [recording.id, recording] as const)
const fine = all.filter(({ response }) => response.status === 200)

describe.skipIf(all.length === 0)("recorded answers are written as they were read", () => {
  it.each(named(fine.filter(({ api, stream }) => !stream && api === "anthropic-messages")))("%s", (_, recording) => {
    const result = parsed(bodyOf(recording))
    same(parsed(written(result)), result)
    const again = Result.fold(batches([streamed(Result.parts(result))]).flat())
    same({ ...again, usage: said(again.usage) }, { ...result, usage: said(result.usage) })
  })

  it.each(named(fine.filter(({ stream }) => stream)))("%s", (_, recording) => {
    const source = batches([bytesOf(recording)])
    const parts = source.flat()
    const result = Result.fold(parts)
    for (const sizes of [[], [1], [2, 3]]) {
      const out = streamed(parts, sizes)
      legal(events(out))
      const again = batches([out]).flat()
      const last = again.at(-1)!
      expect(last.type).toBe(parts.at(-1)!.type)
      if (last.type === "error") {
        expect(Part.errorOf(last).reason._tag).toBe(Part.errorOf(parts.at(-1) as typeof last).reason._tag)
      }
      const folded = Result.fold(again)
      same({ ...folded, usage: said(folded.usage) }, { ...result, usage: said(result.usage) })
    }
    if (parts.at(-1)!.type === "finish") same(parsed(written(result)), result)
  })

  it.each(named(fine.filter(({ api }) => api === "anthropic-models")))("%s", (_, recording) => {
    const page = JSON.parse(bodyOf(recording)) as {
      readonly data: ReadonlyArray<{ readonly id: string }>
      readonly has_more: boolean
    }
    const models = page.data.map((raw) => ({ id: raw.id, raw: raw as never }))
    const next = page.has_more ? { next: page.data.at(-1)!.id } : {}
    expect(anthropic.encode({ type: "list_models", models, ...next }, call)).toEqual(page)
  })

  it.each(named(all.filter(({ response }) => response.status >= 400)))("%s", (_, recording) => {
    const { headers, status } = recording.response
    const wire = anthropic.wires.chat!
    const request = { provider: "anthropic" } as never
    const error = wire.reason({ status, headers, body: bodyOf(recording) }, request)
    const body = JSON.stringify(anthropic.encodeError(error, status, call))
    const again = wire.reason({ status, headers: {}, body }, request)
    expect(again.reason._tag).toBe(error.reason._tag)
    expect(again.reason.message).toBe(error.reason.message)
    expect(again.reason.code).toBe(error.reason.code)
  })
})

/** A stream brings no counts that are `null`. */
const said = (usage: ReturnType<typeof parsed>["usage"]): object => ({
  ...usage,
  raw: Object.fromEntries(Object.entries(usage.raw ?? {}).filter(([, value]) => value !== null))
})
