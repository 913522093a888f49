import { Request } from "@plugline/core"
import { Laws, Mock } from "@plugline/testing"
import { Layer } from "effect"
import { describe, it } from "vitest"
import { Cache, CacheStore, Identity, Sqlite } from "../../src/index.ts"

const few = { numRuns: 25 }

const services = {
  memory: Cache.memory(),
  tiered: Layer.provide(Cache.layer(CacheStore.tiered(CacheStore.memory(), CacheStore.sqlite())), Sqlite.layer())
}

describe("the laws hold for a cache", () => {
  for (const { check, name } of Laws.plug(Cache.plug(), { services: services.memory, ...few })) it(name, check)
})

describe("the laws hold for a cache that records times, over two stores", () => {
  const plug = Cache.plug({ timing: "recorded", stale: "1 hour", onlyDeterministic: true, finish: ["stop", "length", "tool-calls"] })
  for (const { check, name } of Laws.plug(plug, { services: services.tiered, clock: "live", ...few })) it(name, check)
})

describe("the laws hold for a line with a cache", () => {
  const line = () => [Identity.plug({ tenant: "acme" }), Cache.plug({ ttl: 1 }), Mock.make(() => "Hello", { name: "behind" }).plug]
  for (const { check, name } of Laws.pipeline(line, { services: services.memory, ...few })) it(name, check)
})

describe("the laws hold for a cache that is skipped", () => {
  const line = () => [(request: Request) => Cache.control(request, "skip"), Cache.plug()]
  for (const { check, name } of Laws.pipeline(line, { services: services.memory, ...few })) it(name, check)
})
