/** The tree of a run holds each visit once, in the shape in which it happened; and a person can step through all of it. */
import { Plug, Request, Result } from "@plugline/core"
import { steps, type Visit, type Walk, walk } from "@plugline/inspector"
import { Mock } from "@plugline/testing"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { busy, chat, forEveryRun, recorded, retry, stream } from "./support.ts"

/** The tree as text: `+` for branches. */
const drawn = (visits: ReadonlyArray<Visit>, indent = ""): ReadonlyArray<string> =>
  visits.flatMap((visit) => [
    `${indent}${visit.name}${visit.attempt > 1 ? `#${visit.attempt}` : ""} ${visit.outcome}`,
    ...visit.branches.flatMap(({ label, outcome, visits }) => [`${indent}+ ${label} ${outcome}`, ...drawn(visits, `${indent}  `)])
  ])

const stepped = (walk: Walk): ReadonlyArray<string> =>
  steps(walk).map(({ direction, visit }) => `${direction} ${visit.name}${visit.attempt > 1 ? `#${visit.attempt}` : ""}`)

const note = (name: string) => Plug.make(name, (request) => Request.putMetadata(request, name, true))
const note1 = Request.putMetadata("waited", true)
const wrap = (name: string) => Plug.around(name, (request, next) => Effect.map(next(request), Request.putMetadata(name, true)))

describe("the tree", () => {
  it("holds every recorded visit exactly once, and each step of it", () =>
    forEveryRun(({ recorded }) => {
      const tree = walk(recorded)
      const visited = tree.flat.filter(({ attempt }) => attempt > 0)
      expect(visited.map(({ id }) => id).toSorted()).toEqual(recorded.trace.steps.map(({ attempt, path }) => `${path}#${attempt}`).toSorted())
      expect(new Set(tree.flat.map(({ id }) => id)).size).toBe(tree.flat.length)
      expect(tree.flat.reduce((sum, { ends }) => sum + ends.length, 0)).toBe(recorded.trace.ends.length)
      const all = steps(tree)
      const count = (direction: string) => all.filter((step) => step.direction === direction).map(({ visit }) => visit.id).toSorted()
      expect(count("down")).toEqual(visited.map(({ id }) => id).toSorted())
      expect(count("back")).toEqual(visited.filter(({ calls }) => calls.length > 0).map(({ id }) => id).toSorted())
      expect(count("end").length).toBe(recorded.trace.ends.length)
      expect(all.map(({ index }) => index)).toEqual(all.map((_, index) => index))
    }), 120_000)

  it("nests as it happened: what is inside a branch began and ended within it, and each list goes from front to back", () =>
    forEveryRun(({ recorded }) => {
      const inside = (visits: ReadonlyArray<Visit>, from: number, to: number): void => {
        const places = visits.map(({ path }) => Number(path.slice(path.lastIndexOf(".") + 1))).filter(Number.isInteger)
        expect(places).toEqual(places.toSorted((a, b) => a - b))
        expect(new Set(places).size).toBe(places.length)
        for (const visit of visits) {
          if (visit.start !== undefined) {
            expect(visit.start).toBeGreaterThanOrEqual(from)
            // What waits behind the provider for the end of a stream comes later.
            if (recorded.trace.ends.length === 0) expect(visit.end).toBeLessThanOrEqual(to)
          }
          for (const branch of visit.branches) {
            inside(branch.visits, branch.start ?? visit.start ?? 0, branch.end ?? visit.end ?? Infinity)
          }
        }
      }
      const tree = walk(recorded)
      inside(tree.visits, 0, tree.total)
    }), 120_000)

  it("hands a request on from each plug to the next", () =>
    forEveryRun(({ recorded }) => {
      const tree = walk(recorded)
      const follow = (visits: ReadonlyArray<Visit>): void => {
        const visited = visits.filter(({ attempt }) => attempt > 0)
        visited.slice(1).forEach((visit, index) => {
          const before = visited[index]!
          const passed = before.branches.some(({ kind }) => kind === "attempt") ? undefined : before.calls[0]?.passed ?? before.out
          // A reply that is arriving is wrapped on its way by plugs that do not show.
          if (passed !== undefined && passed.state !== "streaming") expect(visit.in).toEqual(passed)
        })
        for (const { branches } of visited) for (const { visits } of branches) follow(visits)
      }
      follow(tree.visits)
    }), 120_000)

  it("divides the time: own times of plugs that did not run side by side add up to no more than the whole", () =>
    forEveryRun(({ recorded }) => {
      const tree = walk(recorded)
      const beside = tree.flat.some(({ branches }) => branches.filter(({ kind, outcome }) => kind === "child" && outcome !== "skipped").length > 1)
      for (const { own = 0, share = 0, total = 0 } of tree.flat) {
        expect(own).toBeLessThanOrEqual(total + 1e-9)
        expect(share).toBeGreaterThanOrEqual(0)
        expect(share).toBeLessThanOrEqual(1)
      }
      if (!beside) expect(tree.flat.reduce((sum, { own = 0 }) => sum + own, 0)).toBeLessThanOrEqual(tree.total + 1e-6)
    }), 120_000)
})

describe("a line", () => {
  it("is drawn as it is written, with what each plug did", async () => {
    const run = await recorded([wrap("outer"), note("note"), Plug.identity, Mock.make(["Hello"]).plug], chat)
    const tree = walk(run)
    expect(drawn(tree.visits)).toEqual(["outer changed", "note changed", "identity ran", "mock answered"])
    expect(stepped(tree)).toEqual(["down outer", "down note", "down identity", "down mock", "back identity", "back outer"])
    expect(tree.byId.get("1#1")?.down?.added).toEqual([{ path: "metadata.note", value: true }])
    expect(tree.byId.get("0#1")?.back?.added).toEqual([{ path: "metadata.outer", value: true }])
    expect(Result.text(tree.final?.result)).toBe("Hello")
  })

  it("shows attempts as branches, with what was not come to", async () => {
    const run = await recorded([retry(3), note("note"), Mock.make([busy, busy, "at last"]).plug, note("behind")], chat, { edge: ["mock"] })
    const tree = walk(run)
    expect(drawn(tree.visits)).toEqual([
      "retry ran",
      "+ attempt 1 failed", "  note changed", "  mock failed", "  behind skipped",
      "+ attempt 2 failed", "  note#2 changed", "  mock#2 failed", "  behind skipped",
      "+ attempt 3 answered", "  note#3 changed", "  mock#3 answered", "  behind changed"
    ])
    expect(stepped(tree)).toEqual([
      "down retry", "down note", "down mock", "down note#2", "down mock#2", "down note#3", "down mock#3", "down behind", "back retry"
    ])
    expect(tree.byId.get("2#1")?.error).toMatchObject({ reason: { _tag: "Overloaded", status: 529 } })
  })

  it("shows pipelines inside plugs, and the onion around what follows them", async () => {
    const line = [Plug.group("group", [wrap("inside")]), Plug.branch("branch", () => true, { yes: [note("yes")], no: [note("no")] }), Mock.make(["Hello"]).plug]
    const tree = walk(await recorded(line, chat))
    expect(drawn(tree.visits)).toEqual([
      "group changed", "+ plugs answered", "  inside changed", "branch changed", "+ yes passed", "  yes changed", "+ no skipped", "  no skipped", "mock answered"
    ])
    expect(stepped(tree)).toEqual([
      "down group", "down inside", "down branch", "down yes", "down mock", "back branch", "back inside", "back group"
    ])
  })

  it("follows attempts that are made inside a group", async () => {
    const tree = walk(await recorded([Plug.group("group", [retry(2)]), note("note"), Mock.make([busy, "at last"]).plug], chat))
    expect(stepped(tree)).toEqual([
      "down group", "down retry", "down note", "down mock", "down note#2", "down mock#2", "back retry", "back group"
    ])
  })

  it("keeps lanes apart that run at the same time, and tells who was interrupted", async () => {
    const lane = (name: string, delay: number) => [note(`before-${name}`), Mock.make(() => Mock.text(name, { delay }), { name }).plug]
    const tree = walk(await recorded([Plug.race("race", { slow: lane("slow", 40), fast: lane("fast", 4) })], chat))
    expect(drawn(tree.visits)).toEqual([
      "race answered", "+ slow interrupted", "  before-slow changed", "  slow interrupted", "+ fast answered", "  before-fast changed", "  fast answered"
    ])
  })

  it("keeps calls apart that are under way at the same time, by what each handed on", async () => {
    const both = Plug.around("both", (request, next) =>
      Effect.map(
        Effect.all([0, 1].map((temperature) => next(Request.mergeOptions(request, { temperature }))), { concurrency: "unbounded" }),
        ([first]) => first!
      ))
    // The second overtakes the first, and meets it again at one and the same time.
    const wait = Plug.make("wait", (request) => Effect.as(Effect.sleep(request.options.temperature === 0 ? 10 : 5), note1(request)))
    const later = Plug.make("later", (request) => Effect.as(Effect.sleep(request.options.temperature === 0 ? 5 : 10), note1(request)))
    const tree = walk(await recorded([both, wait, later, note("note"), Mock.make(["a", "b"]).plug], chat))
    const branches = tree.byId.get("0#1")!.branches
    expect(branches.map(({ label, visits }) => [label, ...visits.map(({ in: given, name }) => `${name} ${given?.options.temperature}`)])).toEqual([
      ["attempt 1", "wait 0", "later 0", "note 0", "mock 0"], ["attempt 2", "wait 1", "later 1", "note 1", "mock 1"]
    ])
  })

  it("knows that nothing follows a refusal: what comes then is the next attempt", async () => {
    let asked = 0
    const once = Plug.make("once", (request) => asked++ === 0 ? Request.refuse(request, "not yet") : request)
    const again = Plug.around("again", (request, next) => Effect.flatMap(next(request), () => next(request)))
    const tree = walk(await recorded([again, once, Mock.make(["Hello"]).plug], chat))
    expect(drawn(tree.visits)).toEqual([
      "again ran", "+ attempt 1 failed", "  once halted", "  mock skipped", "+ attempt 2 answered", "  once#2 ran", "  mock answered"
    ])
  })

  it("shows who halted it, and what was skipped", async () => {
    const tree = walk(await recorded([wrap("outer"), Plug.make("guard", Request.refuse("not today")), Plug.group("later", [note("a")]), Mock.make([]).plug], chat))
    expect(drawn(tree.visits)).toEqual(["outer changed", "guard halted", "later skipped", "+ plugs skipped", "  a skipped", "mock skipped"])
    expect(tree.byId.get("1#1")?.error?.reason.message).toBe("not today")
  })

  it("tells a plug that broke from one that refused", async () => {
    const tree = walk(await recorded([Plug.make("broken", () => {
      throw new Error("oh")
    })], chat))
    expect(drawn(tree.visits)).toEqual(["broken failed"])
  })

  it("shows what plugs did once the stream had ended, those behind the provider too", async () => {
    const line = [Plug.after("cost", (request) => Request.putMetadata(request, "cost", 1)), wrap("wrap"), Mock.make([Mock.text("Hello", { cut: 2, between: 5 })]).plug, note("behind")]
    const tree = walk(await recorded(line, stream))
    expect(drawn(tree.visits)).toEqual(["cost changed", "wrap changed", "mock answered", "behind changed"])
    expect(stepped(tree)).toEqual(["down cost", "down wrap", "down mock", "back wrap", "back cost", "end behind", "end cost"])
    expect(tree.byId.get("0#1")?.ended?.added).toEqual([{ path: "metadata.cost", value: 1 }])
    expect(tree.firstPart).toBe(0)
    expect(tree.total).toBe(25)
  })

  it("names the guard that broke a stream off", async () => {
    const guard = Plug.monitor("guard", { every: 1 }, ({ length }) => length > 4 ? "too long" : undefined)
    const tree = walk(await recorded([guard, Mock.make([Mock.text("Hello, world", { cut: 2 })]).plug], stream))
    expect(drawn(tree.visits)).toEqual(["guard halted", "mock answered"])
  })
})
