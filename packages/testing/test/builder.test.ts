/**
 * The laws of builders hold for a sound builder, and each catches a builder with one fault.
 *
 * @module
 */
import { Pipeline, Plug } from "@plugline/core"
import { Laws } from "@plugline/testing"
import { describe, expect, it } from "vitest"

interface Held {
  readonly plugs: Pipeline
  readonly options: { readonly [name: string]: unknown }
}

/** Plugs stand in this order, whatever order they are asked for in. */
const order = ["retry", "cache", "provider"]

/** A small builder like the real one: immutable, named plugs in a fixed order. */
class Small {
  readonly held: Held
  constructor(held: Held = { plugs: [named("provider")], options: {} }) {
    this.held = held
  }
  make(held: Partial<Held>): Small {
    return new Small({ ...this.held, ...held })
  }
  has(name: string): boolean {
    return Pipeline.names(this.held.plugs).includes(name)
  }
  withPlug(name: string): Small {
    if (this.has(name)) return this
    const plugs = [...this.held.plugs, named(name)] as ReadonlyArray<Plug>
    return this.make({ plugs: plugs.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name)) })
  }
  withoutPlug(name: string): Small {
    return this.make({ plugs: Pipeline.remove(this.held.plugs, name) })
  }
  withOption(name: string, value: unknown): Small {
    return this.make({ options: { ...this.held.options, [name]: value } })
  }
  inspect() {
    return Pipeline.inspect(this.held.plugs)
  }
}

const named = (name: string): Plug => Plug.make(name, (request) => request)

const sound: Laws.BuilderSubject<Small> = {
  make: () => new Small(),
  withs: {
    withCache: (builder) => builder.withPlug("cache"),
    withRetry: (builder) => builder.withPlug("retry"),
    withModel: (builder) => builder.withOption("model", "m"),
    withTemperature: (builder) => builder.withOption("temperature", 0)
  },
  withouts: {
    withCache: (builder) => builder.withoutPlug("cache"),
    withRetry: (builder) => builder.withoutPlug("retry")
  },
  replace: (builder, target) => builder.make({ plugs: Pipeline.replace(builder.held.plugs, target, named("new")) }),
  remove: (builder, target) => builder.withoutPlug(target),
  insertBefore: (builder, target) =>
    builder.make({ plugs: Pipeline.insertBefore(builder.held.plugs, target, named("new")) }),
  insertAfter: (builder, target) =>
    builder.make({ plugs: Pipeline.insertAfter(builder.held.plugs, target, named("new")) }),
  state: (builder) => builder.held.options
}

describe("a sound builder", () => {
  const laws = Laws.builder(sound)
  it("is held to eleven laws", () => {
    expect(laws.map(({ name }) => name)).toEqual([
      "builder: a method changes no builder",
      "builder: with… methods commute",
      "builder: without… takes back with…",
      "builder: replace keeps the places",
      "builder: replace refuses a target that is not there",
      "builder: remove keeps the places",
      "builder: remove refuses a target that is not there",
      "builder: insertBefore keeps the places",
      "builder: insertBefore refuses a target that is not there",
      "builder: insertAfter keeps the places",
      "builder: insertAfter refuses a target that is not there"
    ])
  })
  laws.forEach(({ check, name }) => it(name, check))
})

describe("a builder with a fault", () => {
  const namesOf = (builder: Small): ReadonlyArray<string> => Pipeline.names(builder.held.plugs)
  const appended = (builder: Small): Small => builder.make({ plugs: [...builder.held.plugs, named("new")] })

  it.each<[string, string, Partial<Laws.BuilderSubject<Small>>, string]>([
    ["changes itself", "changes no builder", {
      withs: {
        withModel: (builder) => {
          ;(builder.held.options as { model?: string }).model = "m"
          return builder
        }
      },
      withouts: {}
    }, ".withModel() changed the builder it was called on"],
    ["puts plugs in the order of the calls", "commute", {
      withs: {
        withCache: (builder) => builder.make({ plugs: [named("cache"), ...builder.held.plugs] }),
        withRetry: (builder) => builder.make({ plugs: [named("retry"), ...builder.held.plugs] })
      }
    }, "make two builders"],
    ["lets one option depend on another", "commute", {
      withs: {
        withModel: (builder) => builder.withOption("model", builder.held.options.temperature === 0 ? "cold" : "m"),
        withTemperature: (builder) => builder.withOption("temperature", 0)
      },
      withouts: {}
    }, "state.model"],
    ["leaves the cache in place", "takes back", { withouts: { withCache: (builder) => builder } }, "leave a trace"],
    ["takes away more than it added", "takes back", {
      withouts: { withCache: () => new Small() }
    }, "leave a trace"],
    ["puts a replacement at the end", "replace keeps", {
      replace: (builder, target) => appended(builder.withoutPlug(target))
    }, "from ["],
    ["appends a replacement whose target is not there", "replace refuses", {
      replace: (builder, target) => builder.has(target) ? sound.replace!(builder, target) : appended(builder)
    }, "made ["],
    ["ignores a removal whose target is not there", "remove refuses", {
      remove: (builder, target) => builder.has(target) ? builder.withoutPlug(target) : builder
    }, "made ["],
    ["removes more than its target", "remove keeps", { remove: (builder) => builder.make({ plugs: [] }) }, "from ["],
    ["inserts behind what it should stand before", "insertBefore keeps", { insertBefore: sound.insertAfter! },
      "from ["],
    ["inserts at the end", "insertAfter keeps", { insertAfter: (builder) => appended(builder) }, "from ["],
    ["says nothing about a missing target", "insertAfter refuses", {
      insertAfter: (builder, target) => {
        if (!builder.has(target)) throw new Error("")
        return sound.insertAfter!(builder, target)
      }
    }, "says nothing"]
  ])("that %s is caught", async (_, law, fault, observed) => {
    const laws = Laws.builder({ ...sound, name: "faulty", ...fault }).filter(({ name }) => name.includes(law))
    expect(laws.length).toBe(1)
    const error = await Laws.check(laws).then(() => undefined, (error: unknown) => error)
    expect(error).toBeInstanceOf(Laws.LawBroken)
    expect((error as Laws.LawBroken).observed).toContain(observed)
    expect((error as Laws.LawBroken).subject).toBe("faulty")
  })

  it("needs a with… for each without…", () => {
    expect(() =>
      Laws.builder({ ...sound, withouts: { withCach: (builder) => builder } })).toThrow("did you mean \"withCache\"?")
  })

  it("inserts in the middle without moving anything", () => {
    const builder = new Small().withPlug("cache").withPlug("retry")
    expect(namesOf(sound.insertAfter!(builder, "retry"))).toEqual(["retry", "new", "cache", "provider"])
  })
})
