import { expect, it } from "vitest"
import { Lines } from "../../src/rateLimit/Lines.ts"

it("keeps who moves to another line in the place it has by when it came", () => {
  const lines = new Lines()
  const [a, b, c] = [lines.waiter(), lines.waiter(), lines.waiter()]
  lines.join(b, "x")
  lines.join(c, "x")
  lines.join(a, "y")
  lines.join(a, "x")
  expect([lines.first("x"), lines.first("y"), lines.length("x"), lines.size]).toEqual([a, undefined, 3, 1])
  lines.leave(a)
  expect(lines.first("x")).toBe(b)
})

it("wakes who is first when the one before leaves, or when something came free", () => {
  const lines = new Lines()
  const [a, b, c] = [lines.waiter(), lines.waiter(), lines.waiter()]
  for (const each of [a, b, c]) lines.join(each, "x")
  lines.leave(b)
  expect([a.poked, c.poked]).toEqual([false, false])
  lines.leave(a)
  expect(c.poked).toBe(true)
  const d = lines.waiter()
  lines.join(d, "x")
  lines.free("x")
  lines.free("nobody waits here")
  expect(d.poked).toBe(false)
})

it("knows who came before", () => {
  const lines = new Lines()
  const [a, b, c] = [lines.waiter(), lines.waiter(), lines.waiter()]
  lines.join(b, "x")
  expect(lines.ahead(["w", "x"])).toBe("x")
  expect(lines.ahead(["x"], c.ticket)).toBe("x")
  expect([lines.ahead(["x"], b.ticket), lines.ahead(["x"], a.ticket), lines.ahead(["w"])]).toEqual([undefined, undefined, undefined])
})
