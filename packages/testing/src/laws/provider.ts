/**
 * Laws of providers: what is sent depends on the request alone, what comes back is read the same however it arrives,
 * and no byte from outside gets through as an exception.
 *
 * @module
 */
import { LlmError, Part, Request, Result } from "@plugline/core"
import type { Parts, ProviderRequest, Warning } from "@plugline/core"
import type { Effect } from "effect"
import fc from "fast-check"
import * as Arbitrary from "../Arbitrary.ts"
import { requestOf, settle } from "./Bench.ts"
import { differences } from "./compare.ts"
import { garbage } from "./garbage.ts"
import { Breach, expect, type Law, law, type LawName, type Trials } from "./Law.ts"
import { freezeRequest, loose, memory } from "./plain.ts"

/** An answer as it comes over the wire. */
export interface WireAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/** The pure half of one operation of a provider. */
export interface WireLike {
  /** The request in the provider's words. May throw an `LlmError`. */
  readonly prepare: (request: Request) => {
    readonly request: ProviderRequest
    readonly warnings: ReadonlyArray<Warning>
  }
  /** Reads a whole answer. May throw an `LlmError`. */
  readonly parse: (answer: WireAnswer, request: Request) => Result
  /** Reads a streamed answer, piece by piece. */
  readonly parts?: (request: Request) => { readonly push: (bytes: Uint8Array) => Parts; readonly end: () => Parts }
  /** Why an answer with an error status failed. */
  readonly reason: (answer: WireAnswer, request: Request) => LlmError
}

/** The same answer in the two forms a provider gives it in. */
export interface WireExchange {
  /** What was asked. Default: a plain question. */
  readonly request?: Request
  /** The body of a whole answer. */
  readonly whole?: string
  /** The body of a streamed answer. */
  readonly stream?: string | Uint8Array
}

/** What laws need to know of a provider. */
export interface ProviderSubject extends Trials {
  readonly name: string
  readonly wire: WireLike
  /** Answers as the service gives them: written down, recorded, or made up. */
  readonly exchanges: ReadonlyArray<WireExchange> | fc.Arbitrary<WireExchange>
  /** Which requests to prepare. Default: any that ask for content. */
  readonly requests?: fc.Arbitrary<Request>
  /** Fields of a result in which the two forms of an answer may differ. Default: none. */
  readonly ignore?: ReadonlyArray<string>
  /**
   * Runs a request through the provider's pipelines, the answer given by hand: its bytes come in these pieces where it
   * is a stream. With it, the pipelines are held to the laws too.
   */
  readonly run?: (
    request: Request,
    answer: Omit<WireAnswer, "body"> & { readonly body: string | ReadonlyArray<Uint8Array> }
  ) => Effect.Effect<Request, unknown>
}

const question = Request.make({ provider: "provider", messages: "Hello", options: { model: "model" } })

/** The laws of a provider. */
export const provider = (subject: ProviderSubject): ReadonlyArray<Law> => {
  const { name, wire } = subject
  const exchanges = subject.exchanges instanceof fc.Arbitrary
    ? subject.exchanges
    : fc.constantFrom(...subject.exchanges)
  const rule = <Case>(
    title: LawName,
    meaning: string,
    cases: fc.Arbitrary<Case>,
    holds: (given: Case) => void | Promise<void>,
    show: (given: Case) => object
  ): Law => law(title, `provider "${name}"`, meaning, cases, holds, show, subject)
  const streams = exchanges.filter(({ stream }) => stream !== undefined && wire.parts !== undefined)
  const cut = fc.record({ exchange: streams, sizes: sizes() })
  const some = subject.exchanges instanceof fc.Arbitrary ? [] : subject.exchanges
  const bodies = exchanges.chain(({ stream, whole }) =>
    fc.constantFrom(...[stream, whole].filter((body) => body !== undefined))
  ).map((body) => typeof body === "string" ? encoder.encode(body) : body)
  const madeUp = subject.exchanges instanceof fc.Arbitrary
  const streamed = wire.parts !== undefined && (madeUp || some.some(({ stream }) => stream !== undefined))
  const both = streamed && (madeUp || some.some(({ stream, whole }) => stream !== undefined && whole !== undefined))

  return [
    rule(
      "prepare",
      "what is sent depends on the request alone, leaves it as it is, is plain JSON, and holds no credential",
      subject.requests ?? Arbitrary.pending({ operations: ["chat", "stream"] }),
      (request) => {
        const { changed, look } = memory()
        const own = loose(request)
        look("the request", own)
        const first = prepared(wire, own)
        expect(changed() === "", changed)
        freezeRequest("", own)
        const found = differences(first, prepared(wire, own))
        expect(found === "", () => `prepared twice, the same request comes out in two ways:\n${found}`)
        const text = JSON.stringify(first)
        expect(differences(JSON.parse(text), first) === "", () =>
          `what is sent is no plain JSON:\n${differences(JSON.parse(text), first)}`)
        expect(!text.includes("sk-canary"), () => `what is sent holds the credential: ${text}`)
      },
      (request) => ({ request })
    ),
    ...(both
      ? [rule(
        "stream",
        "the parts of a streamed answer fold into what is read from the same answer given whole",
        exchanges.filter(({ stream, whole }) =>
          stream !== undefined && whole !== undefined && wire.parts !== undefined),
        (exchange) => {
          const whole = wire.parse(okay(exchange.whole!), exchange.request ?? question)
          const folded = foldOf(decoded(wire, exchange, [bytesOf(exchange)]), exchange)
          const found = differences(without(whole, subject.ignore), without(folded, subject.ignore))
          expect(found === "", () => `streamed, the answer is another than whole:\n${found}`)
        },
        (exchange) => ({ whole: exchange.whole, stream: exchange.stream })
      )]
      : []),
    ...(streamed
      ? [
        rule(
          "chunking",
          "however the bytes of a stream are cut, its parts fold into the same answer",
          cut,
          ({ exchange, sizes }) => {
            const expected = outcomeOf(decoded(wire, exchange, [bytesOf(exchange)]), exchange)
            const found = differences(expected,
              outcomeOf(decoded(wire, exchange, pieces(bytesOf(exchange), sizes)), exchange))
            expect(found === "", () => `cut, the stream reads as another answer:\n${found}`)
          },
          ({ exchange, sizes }) => ({ stream: exchange.stream, "bytes at a time": sizes })
        ),
        rule(
          "terminal",
          "a stream ends in exactly one finish or error part and nothing follows it, also where it is cut off anywhere",
          fc.record({ exchange: streams, sizes: sizes(), kept: fc.double({ min: 0, max: 1, noNaN: true }) }),
          ({ exchange, kept, sizes }) => {
            const bytes = bytesOf(exchange)
            for (const length of [bytes.length, Math.floor(bytes.length * kept)]) {
              ended(decoded(wire, exchange, pieces(bytes.slice(0, length), sizes)))
            }
          },
          ({ exchange, kept, sizes }) => ({ stream: exchange.stream, "how much of it": kept, "bytes at a time": sizes })
        )
      ]
      : []),
    rule(
      "garbage",
      "whatever bytes come in, a whole answer is read or refused with an LlmError, and a stream ends in one last part",
      fc.record({ answer: garbage(bodies), status: fc.integer({ min: 200, max: 599 }), sizes: sizes() }),
      async ({ answer, sizes, status }) => {
        const text = new TextDecoder().decode(answer)
        orLlmError("parse", () => wire.parse(okay(text), question))
        const why: unknown = attempt("reason", () => wire.reason({ ...okay(text), status }, question))
        expect(LlmError.isLlmError(why), () => `reason answers with ${String(why)} in place of an LlmError`)
        if (wire.parts !== undefined) ended(decoded(wire, {}, pieces(answer, sizes)))
        if (subject.run !== undefined) {
          const final = await ran(subject, question, { ...okay(text), status })
          expect(final.state === "completed" || final.state === "error", () =>
            `the run ended in the state ${final.state}`)
        }
      },
      ({ answer, sizes, status }) => ({ answer: new TextDecoder().decode(answer), status, "bytes at a time": sizes })
    ),
    ...(subject.run === undefined ? [] : [rule(
      "pipeline",
      "run through the pipelines, an answer is what the pure functions read from it",
      fc.record({ exchange: exchanges, sizes: sizes() }),
      async ({ exchange, sizes }) => {
        const request = exchange.request ?? question
        if (exchange.whole !== undefined) {
          const whole = request.operation === "stream" ? Request.withOperation(request, "chat") : request
          const final = await ran(subject, whole, okay(exchange.whole))
          const found = differences(attempt("parse", () => wire.parse(okay(exchange.whole!), request)), final.result)
          expect(found === "", () =>
            `the pipeline makes another answer of it than parse:\n${found}\n${final.errors.map(String).join("\n")}`)
        }
        if (exchange.stream !== undefined && wire.parts !== undefined) {
          const final = await ran(subject, Request.withOperation(request, "stream"),
            { ...okay(""), body: pieces(bytesOf(exchange), sizes) })
          const found = differences(outcomeOf(decoded(wire, exchange, [bytesOf(exchange)]), exchange), {
            result: final.result,
            error: final.errors.at(-1)?.reason
          })
          expect(found === "", () => `the pipeline makes another answer of the stream than its parts:\n${found}`)
        }
      },
      ({ exchange, sizes }) => ({ whole: exchange.whole, stream: exchange.stream, "bytes at a time": sizes })
    )])
  ]
}

/** How many bytes come at a time; of several numbers the last goes on. */
const sizes = (): fc.Arbitrary<ReadonlyArray<number>> => fc.array(fc.nat(64), { minLength: 1, maxLength: 8 })

const encoder = new TextEncoder()

const okay = (body: string): WireAnswer => ({ status: 200, headers: { "content-type": "application/json" }, body })

const bytesOf = ({ stream = "" }: WireExchange): Uint8Array =>
  typeof stream === "string" ? encoder.encode(stream) : stream

const pieces = (bytes: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const out: Array<Uint8Array> = []
  for (let at = 0; at < bytes.length;) {
    // A size of 0 gives one empty piece, in the middle of the stream.
    const size = sizes[Math.min(out.length, sizes.length - 1)] ?? 1
    const length = size === 0 && out.length >= sizes.length ? 1 : size
    out.push(bytes.slice(at, at + length))
    at += length
  }
  return out
}

const decoded = (wire: WireLike, exchange: WireExchange, chunks: ReadonlyArray<Uint8Array>): Parts => {
  const decoder = attempt("parts", () => wire.parts!(exchange.request ?? question))
  return [
    ...chunks.flatMap((chunk) => attempt("push", () => decoder.push(chunk))),
    ...attempt("end", () => decoder.end())
  ]
}

const foldOf = (parts: Parts, { request = question }: WireExchange): Result =>
  Result.fold(parts, request.operation === "completion" ? "completion" : "chat")

const outcomeOf = (parts: Parts, exchange: WireExchange): object => {
  const end = parts.at(-1)
  return { result: foldOf(parts, exchange), error: end?.type === "error" ? end.error.reason : undefined }
}

const ended = (parts: Parts): void => {
  const ends = parts.filter(Part.isTerminal)
  expect(ends.length === 1, () => `the stream has ${ends.length} finish and error parts:\n${JSON.stringify(ends)}`)
  expect(parts.at(-1) === ends[0], () => `behind the end of the stream comes ${JSON.stringify(parts.at(-1))}`)
}

const prepared = (wire: WireLike, request: Request): object => {
  try {
    return wire.prepare(request)
  } catch (thrown) {
    if (LlmError.isLlmError(thrown)) return { refused: thrown.toJSON() }
    throw new Breach(`prepare throws what is no LlmError: ${String(thrown)}`)
  }
}

const orLlmError = (what: string, f: () => unknown): void => {
  try {
    f()
  } catch (thrown) {
    if (!LlmError.isLlmError(thrown)) throw new Breach(`${what} throws what is no LlmError: ${String(thrown)}`)
  }
}

const attempt = <A>(what: string, f: () => A): A => {
  try {
    return f()
  } catch (thrown) {
    throw new Breach(`${what} throws: ${String(thrown)}`)
  }
}

const without = (result: Result, ignore: ReadonlyArray<string> = []): object =>
  Object.fromEntries(Object.entries(result).filter(([name]) => !ignore.includes(name)))

const ran = async (
  subject: ProviderSubject,
  request: Request,
  answer: Parameters<NonNullable<ProviderSubject["run"]>>[1]
): Promise<Request> => requestOf({ exit: await settle({ clock: "live" }, subject.run!(request, answer)) })
