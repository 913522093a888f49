/**
 * Random values are what they claim to be: legal ones are accepted by core, illegal ones refused, and hostile ones do
 * occur.
 *
 * @module
 */
import { Json, LlmError, Message, Options, Part, Pipeline, Request, Result } from "@plugline/core"
import { Arbitrary, Cut } from "@plugline/testing"
import { Effect } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

/** Whether a value occurs among many. */
const occurs = <A>(arbitrary: fc.Arbitrary<A>, is: (value: A) => boolean): boolean =>
  fc.sample(arbitrary, { numRuns: 1_500, seed: 7 }).some(is)

const holds = <A>(arbitrary: fc.Arbitrary<A>, property: (value: A) => boolean | void): void =>
  fc.assert(fc.property(arbitrary, property), { numRuns: 300 })

describe("texts and JSON", () => {
  it("hold halves of surrogate pairs, control characters and names objects have from birth", () => {
    expect(occurs(Arbitrary.text(), (text) => !text.isWellFormed())).toBe(true)
    expect(occurs(Arbitrary.text(), (text) => text.includes("\u0000"))).toBe(true)
    expect(occurs(Arbitrary.json(), (json) => Json.isRecord(json) && Object.hasOwn(json, "__proto__"))).toBe(true)
    expect(occurs(Arbitrary.json(), (json) => json === Number.MAX_VALUE)).toBe(true)
  })

  it("survive being written and read", () => {
    holds(Arbitrary.json(), (json) => Json.equals(JSON.parse(JSON.stringify(json)), json))
  })

  it("nest deeper than wire code accepts", () => {
    expect(occurs(Arbitrary.deepJson(), (json) => Json.depth(JSON.stringify(json)) > Json.maxDepth)).toBe(true)
  })
})

describe("messages", () => {
  it("are in canonical form already", () => {
    holds(Arbitrary.messages(), (messages) => {
      expect(Message.from(messages)).toEqual(messages)
    })
  })

  it("hold parts nobody has a word for", () => {
    expect(occurs(Arbitrary.message(), ({ content }) =>
      Array.isArray(content) && content.some(({ type }) => (type as string) === "input_video"))).toBe(true)
  })
})

describe("options", () => {
  it("are accepted where they are legal, each of them", () => {
    holds(Arbitrary.options(), (options) => Options.check(options) === options)
    const seen = new Set(fc.sample(Arbitrary.options(), { numRuns: 200, seed: 7 }).flatMap(Object.keys))
    expect([...seen].sort()).toEqual([...Options.names].sort())
  })

  it("are refused where they are not", () => {
    holds(Arbitrary.illegalOptions(), (options) => {
      expect(() => Options.check(options)).toThrow(LlmError.LlmError)
    })
  })
})

describe("parts", () => {
  it("begin, write and end each text and call, and end once", () => {
    holds(Arbitrary.parts(), (parts) => {
      const open = new Set<string>()
      parts.forEach((part, index) => {
        const phase = /^(text|reasoning|tool-params)-(start|delta|end)$/.exec(part.type)
        const key = `${phase?.[1]} ${(part as { id?: string }).id} ${part.choice}`
        if (phase?.[2] === "start") open.add(key)
        if (phase?.[2] === "delta") expect(open.has(key)).toBe(true)
        if (phase?.[2] === "end") expect(open.delete(key)).toBe(true)
        expect(Part.isTerminal(part)).toBe(index === parts.length - 1)
      })
      expect(open.size).toBe(0)
    })
  })

  it("end as they are asked to", () => {
    holds(Arbitrary.parts({ end: "finish" }), (parts) => parts.at(-1)?.type === "finish")
    holds(Arbitrary.parts({ end: "error" }), (parts) => parts.at(-1)?.type === "error")
  })

  it("are odd where they are asked to be", () => {
    expect(occurs(Arbitrary.oddParts(), (parts) => parts.filter(Part.isTerminal).length > 1)).toBe(true)
    expect(occurs(Arbitrary.oddParts(), (parts) => parts.length > 0 && !parts.some(Part.isTerminal))).toBe(true)
    expect(occurs(Arbitrary.oddParts(), ([first]) => first?.type === "text-delta")).toBe(true)
  })

  it("fold into the same answer however they are cut, and an answer unfolds into parts that fold into it", () => {
    holds(fc.tuple(Arbitrary.parts(), Arbitrary.cuts()), ([parts, cuts]) => {
      expect(Result.fold(Cut.recut(parts, cuts))).toEqual(Result.fold(parts))
    })
    holds(Arbitrary.chatResult(), (result) => {
      expect(Result.fold(Result.parts(result))).toEqual(result)
    })
  })
})

describe("cutting", () => {
  const parts: ReadonlyArray<Part> = [
    { type: "text-delta", id: "0", delta: "hello ", metadata: { openai: { logprobs: 1 } } },
    { type: "text-delta", id: "0", delta: "wor" },
    { type: "text-delta", id: "0", delta: "ld" },
    { type: "text-delta", id: "1", delta: "!" }
  ]

  it("keeps what belongs to a delta with its first piece, once", () => {
    expect(Cut.recut(parts, [0, 4])).toEqual([
      { type: "text-delta", id: "0", delta: "", metadata: { openai: { logprobs: 1 } } },
      { type: "text-delta", id: "0", delta: "hell" },
      { type: "text-delta", id: "0", delta: "o " },
      { type: "text-delta", id: "0", delta: "worl" },
      { type: "text-delta", id: "0", delta: "d" },
      { type: "text-delta", id: "1", delta: "!" }
    ])
  })

  it("ends also where every size is 0", () => {
    expect(Cut.recut([{ type: "text-delta", id: "0", delta: "ab" }], [0]).map((part) =>
      (part as { delta: string }).delta)).toEqual(["", "a", "b"])
  })

  it("gives the parts so many at a time", () => {
    expect(Cut.batches(parts, [1, 2]).map(({ length }) => length)).toEqual([1, 2, 1])
    expect(Cut.batches(parts, []).map(({ length }) => length)).toEqual([4])
  })
})

describe("results, usage and errors", () => {
  it("cover every operation and every reason", () => {
    const types = new Set(fc.sample(Arbitrary.result(), { numRuns: 200, seed: 7 }).map(({ type }) => type))
    expect([...types].sort()).toEqual(["chat", "embeddings", "list_models", "moderations", "validate"])
    const tags = new Set(fc.sample(Arbitrary.llmError(), { numRuns: 500, seed: 7 }).map(({ reason }) => reason._tag))
    expect([...tags].sort()).toEqual(Object.keys(LlmError.reasons).sort())
  })

  it("add up", () => {
    holds(Arbitrary.usage(), ({ inputTokens, outputTokens }) =>
      (inputTokens.uncached === undefined
        || inputTokens.total === inputTokens.uncached + inputTokens.cacheRead! + inputTokens.cacheWrite!)
      && (outputTokens.text === undefined || outputTokens.total === outputTokens.text + outputTokens.reasoning!))
  })
})

describe("requests", () => {
  it("reach every state, halted and not", () => {
    const seen = new Set(fc.sample(Arbitrary.request(), { numRuns: 200, seed: 7 }).map(({ halted, state }) =>
      `${state}${halted ? ", halted" : ""}`))
    expect([...seen].sort()).toEqual(["completed", "completed, halted", "error, halted", "executing", "pending",
      "streaming"])
  })

  it("can be stored and read back", () => {
    holds(Arbitrary.request(), (request) => {
      const text = JSON.stringify(request)
      expect(text).not.toContain("sk-canary")
      expect(JSON.stringify(Request.fromJson(JSON.parse(text)))).toBe(text)
    })
  })

  it("give their reply again after it was closed", async () => {
    const request = fc.sample(Arbitrary.request({ states: ["streaming"] }),
      { numRuns: 50, seed: 3 }).find(({ reply }) => reply !== undefined)!
    const once = await Effect.runPromise(Pipeline.run([(request) => request], request))
    const twice = await Effect.runPromise(Pipeline.run([(request) => request], request))
    expect(Request.toJson(twice)).toEqual(Request.toJson(once))
    expect(once.result).toBeDefined()
  })
})

describe("pipelines", () => {
  it("hold every kind of plug, and print as their tree", () => {
    const seen = new Set(fc.sample(Arbitrary.pipeline(), { numRuns: 600, seed: 5 }).flatMap((pipeline) => {
      const names = (nodes: ReturnType<typeof Pipeline.inspect>): ReadonlyArray<string> =>
        nodes.flatMap(({ children, name }) => [name, ...Object.values(children).flatMap(names)])
      return names(Pipeline.inspect(pipeline))
    }).map((name) => name.replace(/-[abc](-for-[abc])?$/, "")))
    expect([...seen].sort()).toEqual([
      "ask-again", "branch", "branch-later", "count", "die", "double", "fail", "group", "identity", "known", "measure",
        "measure-later",
      "no-warnings", "not-long", "parallel", "race", "refuse", "say", "see", "see-later", "see-slowly", "sign",
        "temperature", "throw",
      "throw-back", "warn", "wrap", "write"
    ])
    const [pipeline] = fc.sample(Arbitrary.pipeline(), { numRuns: 1, seed: 9 })
    expect(fc.stringify(pipeline)).toContain(Pipeline.render(pipeline!))
  })
})
