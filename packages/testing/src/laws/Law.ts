/**
 * What a law is: a sentence, a check that throws where it does not hold, and a message that says which law was broken,
 * by what, and on which input.
 *
 * @module
 */
import fc from "fast-check"
import { show } from "./show.ts"

/** The laws, by name. */
export type LawName =
  | "immutability"
  | "identity"
  | "associativity"
  | "list"
  | "halt"
  | "onion"
  | "totality"
  | "errors"
  | "state"
  | "chunking"
  | "stream"
  | "replay"
  | "json"
  | "builder"
  | "prepare"
  | "terminal"
  | "garbage"
  | "pipeline"

/** One law about one subject. */
export interface Law {
  /** For a test's title: the subject and the law. */
  readonly name: string
  readonly law: LawName
  /** What the law says, in a sentence. */
  readonly meaning: string
  /** Throws {@link LawBroken} where the law does not hold. */
  readonly check: () => Promise<void>
}

/** How hard laws are tried. */
export interface Trials {
  /** How many random cases per law. Default: 100. */
  readonly numRuns?: number
  /** Where randomness begins: repeats a failure. Default: another one each time. */
  readonly seed?: number
  /** Which case of that seed: repeats a failure at once. Default: all. */
  readonly path?: string
  /** Most time per law, in ms, shrinking included. Default: 20,000. */
  readonly timeLimit?: number
}

/** A law that does not hold. The message says which, what it means, and on which input. */
export class LawBroken extends Error {
  readonly law: LawName
  /** The name of the plug, pipeline, builder or provider. */
  readonly subject: string
  /** What was observed. */
  readonly observed: string
  /** The smallest input found for which the law does not hold. */
  readonly counterexample: unknown

  constructor(fields: Pick<LawBroken, "message" | "cause" | "law" | "subject" | "observed" | "counterexample">) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.law = fields.law
    this.subject = fields.subject
    this.observed = fields.observed
    this.counterexample = fields.counterexample
  }

  override get name(): string {
    return "LawBroken"
  }
}

/** Thrown inside a check with what was observed. */
export class Breach extends Error {}

/** Says what was observed, unless it is fine. */
export const expect = (fine: boolean, observed: () => string): void => {
  if (!fine) throw new Breach(observed())
}

/** A law from a property over random cases. `describe` shows a case field by field. */
export const law = <Case>(
  name: LawName,
  subject: string,
  meaning: string,
  cases: fc.Arbitrary<Case>,
  holds: (given: Case) => void | Promise<void>,
  describe: (given: Case) => object,
  trials: Trials = {}
): Law => ({
  name: `${subject}: ${name}`,
  law: name,
  meaning,
  check: async () => {
    const details = await fc.check(fc.asyncProperty(cases, async (given) => await holds(given)), {
      numRuns: trials.numRuns ?? 100,
      interruptAfterTimeLimit: trials.timeLimit ?? 20_000,
      ...(trials.seed !== undefined && { seed: trials.seed }),
      ...(trials.path !== undefined && { path: trials.path })
    })
    if (!details.failed && details.numRuns > 0) return
    throw broken(name, subject, meaning, details, describe)
  }
})

const broken = <Case>(
  law: LawName,
  subject: string,
  meaning: string,
  details: fc.RunDetails<[Case]>,
  describe: (given: Case) => object
): LawBroken => {
  const { counterexample, counterexamplePath, errorInstance: error, numShrinks, seed } = details
  const observed = error instanceof Breach
    ? error.message
    : error instanceof Error
    ? `the check itself failed: ${error.stack ?? error.message}`
    : `no case could be tried (${details.numSkips} skipped)`
  const given = counterexample === null ? undefined : counterexample[0]
  const message = [
    `${subject} breaks the law of ${law}`,
    `  The law: ${meaning}`,
    `  Observed: ${indent(observed)}`,
    ...(given === undefined
      ? []
      : Object.entries(describe(given)).map(([name, value]) => `  ${name}: ${indent(show(value))}`)),
    `  To repeat: { seed: ${seed}${repeats(counterexamplePath)} } (shrunk ${numShrinks} times)`
  ].join("\n")
  return new LawBroken({ law, subject, observed, counterexample: given, message, cause: error })
}

/** A path of many shrinks fills the screen; the seed leads there too. */
const repeats = (path: string | null): string => path !== null && path.length <= 60 ? `, path: "${path}"` : ""

const indent = (text: string): string => text.replaceAll("\n", "\n    ")
