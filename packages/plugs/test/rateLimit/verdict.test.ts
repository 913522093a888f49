import { expect, it } from "vitest"
import { blocked } from "../../src/rateLimit/verdict.ts"
import { parts } from "../../src/store/LimitStore.ts"
import { day, rate, slots } from "../stores/limit.contract.ts"

it("says how long time alone needs, whatever the order, and what to wait for", () => {
  const slow = rate("slow", 10, 6)
  const quick = rate("quick", 10, 60)
  const daily = day("day", 10, 1, 5_000)
  const full = parts * 10
  expect(blocked([slow, quick], [0, 0])).toEqual({ wait: 10_000, slots: false, key: "slow" })
  expect(blocked([quick, daily, slow], [0, 0, 0])).toEqual({ wait: 10_000, slots: false, key: "slow" })
  expect(blocked([slow, daily, quick], [full, 0, 0])).toEqual({ wait: 5_000, slots: false, key: "day" })
  expect(blocked([slow, slots("some", 1), slots("more", 1), daily], [0, 0, 0, 0])).toEqual({ wait: 10_000, slots: true, key: "some" })
  expect(blocked([slots("some", 1), slow], [0, 0])).toEqual({ wait: 10_000, slots: true, key: "some" })
})
