import { Plug } from "@plugline/core"
import { Laws, Mock } from "@plugline/testing"
import { describe, it } from "vitest"
import * as Identity from "../src/identity.ts"
import * as RateLimit from "../src/RateLimit.ts"

const services = RateLimit.memory()
const wide = RateLimit.plug({
  limits: [
    { per: "user", requestsPerMinute: 1_000, tokensPerDay: 10_000_000_000, concurrency: 100 },
    { per: "provider", tokensPerMinute: 10_000_000_000 }
  ],
  adaptive: true
})
const narrow = RateLimit.plug({ limits: [{ per: "global", requestsPerMinute: 1, tokensPerMinute: 50 }] })
const waiting = RateLimit.plug({ limits: [{ per: ["user", "model"], concurrency: 1, requestsPerMinute: 2 }], whenFull: "wait" })

for (const [title, plug] of [["wide", wide], ["narrow", narrow], ["waiting", waiting]] as const) {
  describe(`a ${title} limit keeps the laws`, () => {
    Laws.plug(plug, { services, numRuns: 40 }).forEach(({ check, name }) => it(name, check))
  })
}

describe("limits in a pipeline keep the laws", () => {
  const twice = [Identity.plug({ user: "ada", tier: "free" }), wide, waiting, Plug.identity, ...Mock.make(() => "Hello").pipeline]
  Laws.pipeline(twice, { services, numRuns: 40 }).forEach(({ check, name }) => it(name, check))
})
