/**
 * What one whole call takes of the processor: Plugline's default pipeline for `openai`, beside the bare exchange and
 * the packages people use today.
 *
 * @module
 */
import { sideBySide } from "../measure.ts"
import { withUpstream } from "../service.ts"
import { ratio, type Row } from "../table.ts"

const unit = "µs"
const atOnce = 32

/** The rows about whole calls. */
export const rows = (): Promise<ReadonlyArray<Row>> =>
  withUpstream(async ({ origin }) => {
    const argument = { origin, how: "whole" }
    const inTurn = await sideBySide({
      floor: { module: "floor", name: "call", argument },
      chat: { module: "plugline", name: "call", argument },
      execute: { module: "plugline", name: "execute", argument },
      openai: { module: "openai-sdk", name: "call", argument },
      ai: { module: "ai-sdk", name: "call", argument }
    }, { rounds: 12, generations: 3, turn: 40, warmUp: 1_500 })
    const together = await sideBySide({
      floor: { module: "floor", name: "calls", argument },
      chat: { module: "plugline", name: "calls", argument },
      openai: { module: "openai-sdk", name: "calls", argument }
    }, { rounds: 40, generations: 2, count: atOnce, warmUp: 1_200 })

    const chat = { ours: inTurn.chat, unit }
    const many = { ours: together.chat, unit }
    return [
      ratio("A call, `plugline.chat`", { ...chat, theirs: inTurn.floor, name: "undici `dispatch`", limit: 1.6 }),
      ratio("", { ...chat, theirs: inTurn.openai, name: "`openai` SDK", limit: 0.3 }),
      ratio("", { ...chat, theirs: inTurn.ai, name: "AI SDK `generateText`" }),
      ratio("A call, `build(…).execute()`", {
        ours: inTurn.execute, theirs: inTurn.floor, name: "undici `dispatch`", unit, limit: 1.6
      }),
      ratio(`${atOnce} calls at a time, each`, {
        ...many, theirs: together.floor, name: "undici `dispatch`", limit: 1.6
      }),
      ratio("", { ...many, theirs: together.openai, name: "`openai` SDK", limit: 0.3 })
    ]
  })
