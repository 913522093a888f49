/**
 * What every store of circuits must do, and that it does the same as the one in memory, whatever happens in whatever order.
 *
 * @module
 */
import { CircuitBreaker } from "@plugline/plugs"
import type { StoreError } from "@plugline/plugs"
import { Effect, type Layer } from "effect"
import fc from "fast-check"
import { expect, it } from "vitest"

type Store = CircuitBreaker.BreakerStore["Service"]
type Now<A> = A | Effect.Effect<A, StoreError>

export const policy: CircuitBreaker.Policy = {
  consecutive: 0, failureRate: 0, slowRate: 0, minimum: 4, window: 1_000, openFor: 500, growth: 1, maxOpenFor: 5_000, probes: 1, lease: 300
}
const failure: CircuitBreaker.Report = { outcome: "failure", slow: false }
const healthy: CircuitBreaker.Report = { outcome: "healthy", slow: false }
const slow: CircuitBreaker.Report = { outcome: "healthy", slow: true }
const ignored: CircuitBreaker.Report = { outcome: "ignored", slow: false }

const ask = <A>(now: Now<A>): Promise<A> => Effect.isEffect(now) ? Effect.runPromise(now) : Promise.resolve(now)

/** One circuit of a store, with what is asked of it kept short. */
class Bench {
  readonly store: Store
  readonly name: string
  readonly policy: CircuitBreaker.Policy
  constructor(store: Store, name: string, changes: Partial<CircuitBreaker.Policy> = {}) {
    this.store = store
    this.name = name
    this.policy = { ...policy, ...changes }
  }
  admit = (now: number) => ask(this.store.admit(this.name, this.policy, now))
  async permit(now: number): Promise<CircuitBreaker.Permit> {
    const admitted = await this.admit(now)
    if (admitted._tag !== "Permit") throw new Error(`refused: ${JSON.stringify(admitted)}`)
    return admitted
  }
  report = (permit: CircuitBreaker.Permit, report: CircuitBreaker.Report, now: number) =>
    ask(this.store.report(this.name, this.policy, permit, report, now))
  call = async (report: CircuitBreaker.Report, now: number) => await this.report(await this.permit(now), report, now)
  order = (order: CircuitBreaker.Order, now: number) => ask(this.store.order(this.name, order, now))
  read = (now: number) => ask(this.store.read(this.name, now))
}

/** The tests of a store; the layer must take the time it is told. */
export const contract = (layer: Layer.Layer<CircuitBreaker.BreakerStore>): void => {
  let count = 0
  const withStore = async (f: (bench: (changes?: Partial<CircuitBreaker.Policy>) => Bench) => Promise<void>) =>
    await Effect.runPromise(Effect.scoped(Effect.provide(
      Effect.flatMap(CircuitBreaker.BreakerStore, (store) => Effect.promise(() => f((changes) => new Bench(store, `c ${++count}/"{}`, changes)))),
      layer
    )))

  it("opens exactly at so many failures in a row", () =>
    withStore(async (bench) => {
      const circuit = bench({ consecutive: 3 })
      for (const report of [failure, failure, healthy, failure, ignored, failure]) expect(await circuit.call(report, 0)).toBeUndefined()
      expect(await circuit.call(failure, 10)).toMatchObject({ from: "closed", to: "open", why: "consecutive", at: 10, openFor: 500 })
      expect(await circuit.admit(11)).toEqual({ _tag: "Refusal", state: "open", retryAfter: 499 })
      expect(await circuit.admit(509)).toEqual({ _tag: "Refusal", state: "open", retryAfter: 1 })
    }))

  it("opens exactly at its rate, once the window holds enough calls, also by a call that went well", () =>
    withStore(async (bench) => {
      const circuit = bench({ failureRate: 0.5 })
      for (const report of [failure, failure, healthy]) expect(await circuit.call(report, 0)).toBeUndefined()
      expect(await circuit.call(healthy, 0)).toMatchObject({ to: "open", why: "failures" })
      const below = bench({ failureRate: 0.5 })
      for (const report of [failure, healthy, healthy, failure, ...Array.from({ length: 3 }, () => healthy)].toSorted((a) => a === healthy ? -1 : 1)) {
        expect(await below.call(report, 0)).toBeUndefined()
      }
      expect(await below.read(0)).toMatchObject({ state: "closed", calls: 7, failures: 2 })
    }))

  it("counts slow calls at a rate of their own", () =>
    withStore(async (bench) => {
      const circuit = bench({ slowRate: 0.75, consecutive: 2 })
      for (const report of [slow, slow, healthy]) expect(await circuit.call(report, 0)).toBeUndefined()
      expect(await circuit.call(slow, 0)).toMatchObject({ to: "open", why: "slow" })
    }))

  it("forgets what has left the window, a tenth at a time", () =>
    withStore(async (bench) => {
      const circuit = bench({ failureRate: 1, minimum: 100 })
      await circuit.call(failure, 5)
      await circuit.call(failure, 150)
      await circuit.call(healthy, 999)
      expect(await circuit.read(999)).toMatchObject({ calls: 3, failures: 2 })
      expect(await circuit.read(1_000)).toMatchObject({ calls: 2, failures: 1 })
      expect(await circuit.read(1_099)).toMatchObject({ calls: 2, failures: 1 })
      expect(await circuit.read(1_100)).toMatchObject({ calls: 1, failures: 0 })
      expect(await circuit.read(1_899)).toMatchObject({ calls: 1 })
      expect(await circuit.read(1_900)).toMatchObject({ calls: 0 })
      expect(await circuit.read(900_000)).toMatchObject({ calls: 0 })
    }))

  it("lets exactly as many probes through, and closes when all went well", () =>
    withStore(async (bench) => {
      const circuit = bench({ consecutive: 1, probes: 2 })
      await circuit.call(failure, 0)
      expect(await circuit.read(500)).toMatchObject({ state: "half-open", since: 500 })
      const first = await circuit.permit(500)
      expect(first).toMatchObject({ state: "half-open", moved: { from: "open", to: "half-open", why: "time", at: 500 } })
      const second = await circuit.permit(510)
      expect(second.moved).toBeUndefined()
      expect(await circuit.admit(520)).toEqual({ _tag: "Refusal", state: "half-open", retryAfter: 280 })
      expect(await circuit.report(first, healthy, 530)).toBeUndefined()
      expect(await circuit.admit(540)).toMatchObject({ _tag: "Refusal" })
      expect(await circuit.report(first, healthy, 545)).toBeUndefined()
      expect(await circuit.report(second, healthy, 550)).toMatchObject({ from: "half-open", to: "closed", why: "probes" })
      expect(await circuit.admit(560)).toMatchObject({ _tag: "Permit", state: "closed" })
    }))

  it("opens again when a probe fails or is slow; one that says nothing makes room", () =>
    withStore(async (bench) => {
      const circuit = bench({ consecutive: 1, slowRate: 1, probes: 2 })
      await circuit.call(failure, 0)
      expect(await circuit.call(ignored, 500)).toBeUndefined()
      const [one, two] = [await circuit.permit(510), await circuit.permit(510)]
      expect(await circuit.report(one, failure, 520)).toMatchObject({ from: "half-open", to: "open", why: "probe" })
      expect(await circuit.report(two, healthy, 530)).toBeUndefined()
      expect(await circuit.read(530)).toMatchObject({ state: "open", openings: 2 })
      expect(await circuit.call(slow, 1_020)).toMatchObject({ to: "open", why: "probe" })
    }))

  it("gives up a probe that does not come back, and does not hear it then", () =>
    withStore(async (bench) => {
      const circuit = bench({ consecutive: 1 })
      await circuit.call(failure, 0)
      const lost = await circuit.permit(500)
      expect(await circuit.admit(799)).toMatchObject({ _tag: "Refusal", retryAfter: 1 })
      const other = await circuit.permit(800)
      expect(await circuit.report(lost, failure, 810)).toBeUndefined()
      expect(await circuit.report(other, healthy, 820)).toMatchObject({ to: "closed" })
    }))

  it("does not hear reports of calls that were let through before it moved", () =>
    withStore(async (bench) => {
      const circuit = bench({ consecutive: 2 })
      const early = [await circuit.permit(0), await circuit.permit(0), await circuit.permit(0)]
      await circuit.call(failure, 0)
      await circuit.call(failure, 0)
      expect(await circuit.report(early[0]!, failure, 5)).toBeUndefined()
      await circuit.call(healthy, 500)
      for (const permit of early) expect(await circuit.report(permit, failure, 510)).toBeUndefined()
      expect(await circuit.read(510)).toMatchObject({ state: "closed", consecutive: 0, calls: 0 })
    }))

  it("stays open longer each time, up to a limit, and as at first once it was well for long enough", () =>
    withStore(async (bench) => {
      const circuit = bench({ consecutive: 1, growth: 3, maxOpenFor: 4_000 })
      const openFor: Array<number | undefined> = []
      let now = 0
      const fail = async () => {
        const moved = await circuit.call(failure, now)
        openFor.push(moved?.openFor)
        now += moved?.openFor ?? 0
      }
      for (let time = 0; time < 4; time++) await fail()
      await circuit.call(healthy, now)
      now += 3_999
      await fail()
      await circuit.call(healthy, now)
      now += 4_000
      await fail()
      expect(openFor).toEqual([500, 1_500, 4_000, 4_000, 4_000, 500])
    }))

  it("stays open for as long as the service asks, up to a limit", () =>
    withStore(async (bench) => {
      const circuit = bench({ consecutive: 1 })
      expect(await circuit.call({ ...failure, retryAfter: 2_000 }, 0)).toMatchObject({ openFor: 2_000 })
      expect(await circuit.call({ ...failure, retryAfter: 31_536_000_000 }, 2_000)).toMatchObject({ openFor: 5_000 })
      expect(await circuit.call({ ...failure, retryAfter: 100 }, 7_000)).toMatchObject({ openFor: 500 })
    }))

  it("obeys what it is told by hand", () =>
    withStore(async (bench) => {
      const circuit = bench({ consecutive: 1, growth: 2 })
      const early = await circuit.permit(0)
      expect(await circuit.order({ to: "open" }, 0)).toMatchObject({ from: "closed", to: "open", why: "manual" })
      expect(await circuit.admit(9_999_999)).toEqual({ _tag: "Refusal", state: "open" })
      expect(await circuit.read(9_999_999)).toMatchObject({ state: "open", forced: true })
      expect(await circuit.report(early, failure, 1)).toBeUndefined()
      expect(await circuit.order({ to: "closed" }, 10)).toMatchObject({ from: "open", to: "closed", why: "manual" })
      expect(await circuit.order({ to: "open", for: 50 }, 20)).toMatchObject({ to: "open", openFor: 50 })
      expect(await circuit.admit(69)).toEqual({ _tag: "Refusal", state: "open", retryAfter: 1 })
      expect(await circuit.call(failure, 70)).toMatchObject({ openFor: 500 })
      expect(await circuit.order({ to: "closed" }, 80)).toMatchObject({ to: "closed" })
      expect(await circuit.call(failure, 90)).toMatchObject({ openFor: 1_000 })
      expect(await circuit.order({ to: "reset" }, 100)).toMatchObject({ to: "closed" })
      expect(await circuit.call(failure, 110)).toMatchObject({ openFor: 500 })
      expect(await circuit.order({ to: "closed" }, 115)).toBeDefined()
      expect(await circuit.order({ to: "closed" }, 120)).toBeUndefined()
    }))

  it("knows its circuits, and those it never met not", () =>
    withStore(async (bench) => {
      const circuit = bench()
      expect(await circuit.read(0)).toBeUndefined()
      await circuit.call(failure, 3)
      expect(await circuit.read(4)).toEqual({
        circuit: circuit.name, state: "closed", forced: false, since: 3, calls: 1, failures: 1, slow: 0, consecutive: 1, openings: 0, probing: 0
      })
      expect(await ask(circuit.store.circuits())).toContain(circuit.name)
    }))

  it("starts to count anew when the window is another", () =>
    withStore(async (bench) => {
      const circuit = bench()
      await circuit.call(failure, 0)
      const other = new Bench(circuit.store, circuit.name, { window: 20_000 })
      await other.call(failure, 0)
      expect(await other.read(0)).toMatchObject({ calls: 1 })
    }))

  it("does what the store in memory does, whatever happens", () =>
    fc.assert(fc.asyncProperty(
      fc.record({
        consecutive: fc.constantFrom(0, 2, 3), failureRate: fc.constantFrom(0, 0.5, 1), slowRate: fc.constantFrom(0, 0.4),
        minimum: fc.constantFrom(1, 3), growth: fc.constantFrom(1, 1.7), probes: fc.constantFrom(1, 2, 3), openFor: fc.constantFrom(7, 500)
      }),
      fc.array(fc.record({
        wait: fc.constantFrom(0, 0, 1, 40, 99, 120, 400, 900),
        act: fc.constantFrom("admit", "admit", "report", "report", "report", "open", "close", "reset", "for"),
        report: fc.constantFrom(failure, failure, healthy, slow, ignored, { ...failure, retryAfter: 777 }),
        which: fc.nat(5)
      }), { maxLength: 40 }),
      (changes, steps) =>
        withStore(async (bench) => {
          const circuit = bench(changes)
          const model = new Bench(await Effect.runPromise(Effect.provide(Effect.map(CircuitBreaker.BreakerStore, (store) => store), CircuitBreaker.memory())),
            circuit.name, changes)
          const permits: Array<readonly [CircuitBreaker.Permit, CircuitBreaker.Permit]> = []
          const bare = (value: object | undefined) => ({ ...value, generation: 0 })
          let now = 1_000_000
          for (const { act, report, wait, which } of steps) {
            now += wait
            if (act === "admit" || (act === "report" && permits.length === 0)) {
              const [real, expected] = [await circuit.admit(now), await model.admit(now)]
              expect(bare(real)).toEqual(bare(expected))
              if (real._tag === "Permit" && expected._tag === "Permit") permits.unshift([real, expected])
            } else if (act === "report") {
              const [real, expected] = permits[which % permits.length]!
              expect(await circuit.report(real, report, now)).toEqual(await model.report(expected, report, now))
            } else {
              const order = act === "for" ? { to: "open", for: 250 } as const : { to: act === "close" ? "closed" : act } as CircuitBreaker.Order
              expect(await circuit.order(order, now)).toEqual(await model.order(order, now))
            }
            expect(await circuit.read(now)).toEqual(await model.read(now))
          }
        })
    ), { numRuns: 60 }))
}
