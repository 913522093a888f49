import { Laws } from "@plugline/testing"
import { Layer } from "effect"
import { describe, it } from "vitest"
import { Budget, Tokens, TrackCost } from "../src/index.ts"
import { prices } from "./money.ts"

const services = Layer.mergeAll(Budget.memory(), TrackCost.memory(), prices)
const options = { services, numRuns: 15 }

const subjects = {
  "a hard budget": Laws.plug(Budget.plug({ limits: [{ per: "global", amount: "1", every: "day" }], unpriced: "allow" }), options),
  "a soft budget": Laws.plug(Budget.plug({ limits: [{ per: "user", amount: "0", every: "total", kind: "soft" }] }), options),
  "a budget that refuses": Laws.plug(Budget.plug({ limits: [{ per: "global", amount: "0", every: "month" }] }), options),
  "costs": Laws.plug(TrackCost.plug({ pipeline: "main" }), options),
  "costs, twice, around a budget": Laws.pipeline([
    TrackCost.plug(), Budget.plug({ limits: [{ per: "tenant", amount: "1", every: "week" }], unpriced: "allow", uncertain: "reservation" }), TrackCost.plug()
  ], options),
  "a limit on tokens": Laws.plug(Tokens.limit({ max: 100 }), { numRuns: 15 }),
  "a trim": Laws.plug(Tokens.trim({ max: 60, keep: 1 }), { numRuns: 15 }),
  "a sure trim": Laws.plug(Tokens.trim({ max: 200, keep: 2, sure: true }), { numRuns: 15 })
}

for (const [name, laws] of Object.entries(subjects)) {
  describe(name, () => {
    for (const { check, name } of laws) it(name, check)
  })
}
