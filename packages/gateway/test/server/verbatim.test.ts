/** A client and a service that speak the same: every field passes, until a plug changes something. */
import { Verbatim } from "@plugline/providers"
import { Part, type Parts, Plug } from "plugline"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Client, clients } from "./clients.ts"
import { after, ask, type Stage, stage } from "./harness.ts"
import { head, say } from "./upstream.ts"
import { scripts, usual, type WireName } from "./wires.ts"

let at: Stage

beforeAll(async () => {
  at = await stage()
})

afterAll(() => at.close())

const wires = ["openai", "responses", "anthropic", "google"] as const
const clientOf = (wire: WireName): Client => clients.find(({ name }) => name === wire)!
const serviceOf = (wire: WireName): string => wire === "responses" ? "openai" : wire

/** A good answer with fields that nobody knows, in every event and place. */
const strange = (wire: WireName): { readonly whole: string; readonly events: ReadonlyArray<string> } => {
  const { events, whole } = scripts[wire](usual)
  const add = (json: string): string => `{"x_new":{"deep":[1,null,"é"]}, ${json.slice(1)}`
  return {
    whole: add(whole),
    events: [": a comment\n\n", ...events.map((event) => event.replace(/(?<=data: )\{.*/, add))]
  }
}

/** What a client sends that nobody here knows. */
const unknown = { xFuture: { level: "high", list: [1, 2] }, xFlag: true }

for (const wire of wires) {
  const client = clientOf(wire)
  const model = `${serviceOf(wire)}/strange`
  const own = strange(wire)
  const request = (streams: boolean) => ({
    ...client.body(model, streams),
    ...unknown,
    ...(wire === "openai" && streams && { stream_options: { include_usage: true } })
  })

  describe(`${wire} to ${wire}`, () => {
    it("hands on the bytes of a whole answer, and every field of the request", async () => {
      at.upstream.answers.set("strange", (asked) => say(asked, own.events, own.whole))
      const answer = await ask(at.address, client.path(model, false), { body: request(false) })
      expect([answer.status, answer.text]).toEqual([200, own.whole])
      expect(JSON.parse(at.upstream.asked.at(-1)!.text)).toMatchObject(unknown)
      expect(at.upstream.asked.at(-1)!.wire).toBe(wire)
    })

    it("hands on the bytes of a stream, however they are cut", async () => {
      const text = own.events.join("")
      const bytes = Buffer.from(text)
      for (const size of [bytes.length, 1_000, 97, 7]) {
        at.upstream.answers.set("strange", async (asked) => {
          head(asked)
          for (let from = 0; from < bytes.length; from += size) {
            asked.response.write(bytes.subarray(from, from + size))
            await new Promise((resolve) => setImmediate(resolve))
          }
          asked.response.end()
        })
        const answer = await ask(at.address, client.path(model, true), { body: request(true) })
        expect([answer.status, answer.text], `${size} bytes at a time`).toEqual([200, text])
        expect(JSON.parse(at.upstream.asked.at(-1)!.text)).toMatchObject(unknown)
      }
    })
  })
}

it("an event ends with a blank line, whichever way its lines end and are cut", () => {
  const kept = (...pieces: ReadonlyArray<string>): string | undefined => {
    const keeper = new Verbatim.Keeper(false)
    for (const piece of pieces) keeper.add(Buffer.from(piece))
    const part: Part = { type: "text-delta", id: "0", delta: "a" }
    keeper.note([part])
    const bytes = Verbatim.eventsOf(part)?.bytes
    return bytes === undefined ? undefined : Buffer.concat(bytes).toString()
  }
  for (const end of ["\n\n", "\r\r", "\r\n\r\n", "\n\r\n", "\r\n\n"]) {
    const event = `data: a${end}`
    for (let cut = 0; cut <= event.length; cut++) {
      const [before, behind] = [event.slice(0, cut), event.slice(cut)]
      expect(kept(before, `${behind}data: b\r\n`), JSON.stringify([before, behind])).toBe(event)
    }
  }
  for (const open of ["data: a", "data: a\n", "data: a\r", "data: a\r\n"]) expect(kept(open), JSON.stringify(open)).toBeUndefined()
})

it("openai: the usage that was not asked for is left out, and nothing else", async () => {
  const { events } = strange("openai")
  at.upstream.answers.set("strange", (asked) => say(asked, events, ""))
  const client = clientOf("openai")
  const model = "openai/strange"
  const answer = await ask(at.address, client.path(model, true), { body: client.body(model, true) })
  expect(answer.text).toBe(events.filter((event) => !event.includes("\"choices\":[]")).join(""))
  expect(JSON.parse(at.upstream.asked.at(-1)!.text).stream_options).toEqual({ include_usage: true })
})

it("another key, header or address of the client's is not handed on", async () => {
  const client = clientOf("openai")
  await ask(at.address, client.path("openai/well", false), {
    body: { ...client.body("openai/well", false) },
    headers: {
      authorization: "Bearer sk-client-key-0123456789",
      cookie: "a=b",
      "x-api-key": "sk-client-key-0123456789"
    }
  })
  const { headers } = at.upstream.asked.at(-1)!
  expect(headers.authorization).toBe("Bearer sk-test-0123456789")
  expect(JSON.stringify(headers)).not.toContain("client-key")
  expect(headers.cookie).toBeUndefined()
})

describe("a plug that writes in capitals", () => {
  const capitals = Plug.mapParts("capitals", (part: Part): Parts => [
    part.type === "text-delta" ? { ...part, delta: part.delta.toUpperCase() } : part
  ])
  let changed: Stage

  beforeAll(async () => {
    changed = await stage({ plug: capitals as Plug })
  })
  afterAll(() => changed.close())

  for (const client of clients) {
    it(`is heard by a client that speaks ${client.name}, in events that are legal`, async () => {
      for (const service of ["openai", "anthropic", "google"]) {
        const model = `${service}/well`
        const streamed = await ask(changed.address, client.path(model, true), { body: client.body(model, true) })
        const events = client.events(streamed.text)
        expect(client.streamed(events)).toBe("FINE, THANKS. AND YOU?")
        expect(client.ends(events, streamed.text)).toBe(2)
        const whole = await ask(changed.address, client.path(model, false), { body: client.body(model, false) })
        expect(client.text(JSON.parse(whole.text))).toBe("FINE, THANKS. AND YOU?")
      }
    })
  }
})

describe("a plug that leaves out what was thought", () => {
  const silent = Plug.mapParts("no-thoughts", (part: Part): Parts => part.type.startsWith("reasoning") ? [] : [part])
  const named = (value: { readonly type: string; readonly [field: string]: unknown }): string =>
    `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`
  const block = (index: number, start: object, ...deltas: ReadonlyArray<object>): ReadonlyArray<string> => [
    named({ type: "content_block_start", index, content_block: start }),
    ...deltas.map((delta) => named({ type: "content_block_delta", index, delta })),
    named({ type: "content_block_stop", index })
  ]

  it("leaves no gap where it was, however the bytes came", async () => {
    const changed = await stage({ plug: silent as Plug })
    const { events } = scripts.anthropic(usual)
    const all = [
      events[0]!,
      ...block(
        0,
        { type: "thinking", thinking: "", signature: "" },
        { type: "thinking_delta", thinking: "Hm" },
        { type: "signature_delta", signature: "c2ln" }
      ),
      ...block(1, { type: "text", text: "" }, { type: "text_delta", text: "Fine" }),
      ...events.slice(-2)
    ]
    changed.upstream.answers.set("thinks", async (asked) => {
      head(asked)
      for (const event of all) {
        asked.response.write(event)
        await after(5)
      }
      asked.response.end()
    })
    try {
      const client = clientOf("anthropic")
      const answer = await ask(changed.address, "/v1/messages", { body: client.body("anthropic/thinks", true) })
      const seen = client.events(answer.text)
      expect(client.streamed(seen)).toBe("Fine")
      expect(seen.flatMap(({ index, type }) => type === "content_block_start" ? [index] : [])).toEqual([0])
      expect(answer.text).not.toContain("thinking")
      expect(client.ends(seen, answer.text)).toBe(2)
    } finally {
      await changed.close()
    }
  })
})
