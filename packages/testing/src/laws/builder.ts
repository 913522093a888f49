/**
 * Laws of fluent builders. A builder is anything with `inspect()` whose methods give another builder; which methods it
 * has is told in a record of functions.
 *
 * @module
 */
import { LlmError, Suggest } from "@plugline/core"
import fc from "fast-check"
import { differences } from "./compare.ts"
import { Breach, expect, type Law, law, type Trials } from "./Law.ts"

/** What a builder must have: the plugs it holds, in order. */
export interface Inspectable {
  readonly inspect: () => ReadonlyArray<{ readonly name: string }>
}

/** What laws need to know of a builder. */
export interface BuilderSubject<B extends Inspectable> extends Trials {
  /** For the messages. Default: `builder`. */
  readonly name?: string
  /** A builder to begin with. */
  readonly make: () => B
  /** Its `with…` methods, each of another plug or option: `{ withCache: (b) => b.withCache() }`. */
  readonly withs: { readonly [method: string]: (builder: B) => B }
  /** Its `without…` methods, under the name of the `with…` method each takes back. */
  readonly withouts?: { readonly [method: string]: (builder: B) => B }
  /** Methods that name a plug: `replace: (b, name) => b.replacePlug(name, Plug.identity)`. */
  readonly replace?: (builder: B, target: string) => B
  readonly remove?: (builder: B, target: string) => B
  readonly insertBefore?: (builder: B, target: string) => B
  readonly insertAfter?: (builder: B, target: string) => B
  /** What else of a builder must be equal, besides what `inspect` shows. Default: nothing. */
  readonly state?: (builder: B) => unknown
}

/**
 * The laws of a builder.
 *
 * @throws LlmError `Configuration` when `withouts` names a method that is not among `withs`.
 */
export const builder = <B extends Inspectable>(subject: BuilderSubject<B>): ReadonlyArray<Law> => {
  const name = subject.name ?? "builder"
  const methods = Object.keys(subject.withs)
  const view = (builder: B) => ({ plugs: builder.inspect(), state: subject.state?.(builder) })
  const apply = (builder: B, names: ReadonlyArray<string>): B =>
    names.reduce((builder, name) => subject.withs[name]!(builder), builder)
  const equal = (what: () => string, a: B, b: B): void => {
    const found = differences(view(a), view(b))
    expect(found === "", () => `${what()}:\n${found}`)
  }
  const some = fc.subarray([...methods])
  const rule = <Case>(
    title: string,
    meaning: string,
    cases: fc.Arbitrary<Case>,
    holds: (given: Case) => void,
    show: (given: Case) => object
  ): Law => ({
    ...law("builder", name, meaning, cases, holds, show, subject),
    name: `${name}: ${title}`
  })
  const calls = (names: ReadonlyArray<string>) => names.map((name) => `.${name}()`).join("")

  const laws = [
    rule(
      "a method changes no builder",
      "a method gives another builder and leaves the one it is called on as it was",
      some,
      (names) => {
        let builder = subject.make()
        for (const name of names) {
          const before = JSON.parse(JSON.stringify(view(builder)))
          const next = subject.withs[name]!(builder)
          const found = differences(before, JSON.parse(JSON.stringify(view(builder))))
          expect(found === "", () => `.${name}() changed the builder it was called on:\n${found}`)
          builder = next
        }
      },
      (names) => ({ calls: calls(names) })
    ),
    rule(
      "with… methods commute",
      "calls of different with… methods make the same builder in any order",
      some.chain((names) =>
        fc.record({ one: fc.constant(names), other: fc.shuffledSubarray(names, { minLength: names.length }) })),
      ({ one, other }) => {
        const what = () => `${calls(one)} and ${calls(other)} make two builders`
        equal(what, apply(subject.make(), one), apply(subject.make(), other))
      },
      ({ one, other }) => ({ calls: calls(one), "in another order": calls(other) })
    )
  ]
  const withouts = Object.keys(subject.withouts ?? {})
  const stranger = withouts.find((name) => !methods.includes(name))
  if (stranger !== undefined) {
    throw LlmError.make({
      _tag: "Configuration",
      option: "withouts",
      value: stranger,
      message: "each of withouts stands under the name of the method it takes back: "
        + Suggest.refusal("method", stranger, methods)
    })
  }
  const added = withouts.filter((name) => {
    // What the builder holds from the beginning is not brought by the method.
    const found = differences(view(subject.make()), view(subject.withs[name]!(subject.make())))
    return found !== ""
  })
  if (added.length > 0) {
    laws.push(rule(
      "without… takes back with…",
      "without… after with… makes the builder that was there before, whatever else was called",
      fc.record({ name: fc.constantFrom(...added), others: some }),
      ({ name, others }) => {
        const before = apply(subject.make(), others.filter((other) => other !== name))
        const after = subject.withouts![name]!(subject.withs[name]!(before))
        equal(() => `${calls([name])} and its without… leave a trace`, before, after)
      },
      ({ name, others }) => ({ method: name, "called before": calls(others) })
    ))
  }
  const names = (builder: B): ReadonlyArray<string> => builder.inspect().map(({ name }) => name)
  const target = fc.tuple(some, fc.nat()).map(([others, at]) => {
    const all = names(apply(subject.make(), others))
    return { others, name: all[at % Math.max(1, all.length)] }
  })
  for (const method of Object.keys(edits) as ReadonlyArray<keyof typeof edits>) {
    const edit = subject[method]
    if (edit === undefined) continue
    laws.push(
      rule(
        `${method} keeps the places`,
        places[method],
        target,
        ({ name, others }) => {
          if (name === undefined) return
          const before = apply(subject.make(), others)
          const was = names(before)
          const at = was.indexOf(name)
          const is = names(edit(before, name))
          const [from, removed, added] = edits[method]
          const kept = [...was.slice(0, at + from), ...was.slice(at + from + removed)]
          const rest = [...is.slice(0, at + from), ...is.slice(at + from + added)]
          expect(is.length === was.length - removed + added && differences(kept, rest) === "", () =>
            `from [${was.join(", ")}] to [${is.join(", ")}]`)
        },
        ({ name, others }) => ({ target: name, calls: calls(others) })
      ),
      rule(
        `${method} refuses a target that is not there`,
        "a plug that is not there is refused with an error, never appended or ignored in silence",
        fc.tuple(some, fc.constantFrom("no-such-plug", "", "__proto__", "toString")),
        ([others, absent]) => {
          const before = apply(subject.make(), others)
          let made: ReadonlyArray<string>
          try {
            // Some builders check at once, some when it is asked what they hold.
            made = names(edit(before, absent))
          } catch (thrown) {
            expect(thrown instanceof Error && thrown.message !== "", () =>
              `it was refused with ${String(thrown)}, which says nothing`)
            return
          }
          throw new Breach(`${method} of ${JSON.stringify(absent)} made [${made.join(", ")}]`)
        },
        ([others, absent]) => ({ target: absent, calls: calls(others) })
      )
    )
  }
  return laws
}

/** Where an edit begins behind its target, how many plugs it takes away, how many it adds. */
const edits = { replace: [0, 1, 1], remove: [0, 1, 0], insertBefore: [0, 0, 1], insertAfter: [1, 0, 1] } as const

const places = {
  replace: "a plug that replaces another stands where that one stood, and all others stay where they are",
  remove: "all others stay where they are",
  insertBefore: "the new plug stands right before its target, and all others stay where they are",
  insertAfter: "the new plug stands right behind its target, and all others stay where they are"
}
