import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parse, to, withQuery } from "../../src/page/app/address.ts"

describe("addresses", () => {
  it("reads every place", () => {
    expect(parse("")).toEqual({ view: "traffic", query: "" })
    expect(parse("#/traffic?status=error")).toEqual({ view: "traffic", query: "status=error" })
    expect(parse("#/traces/req_1")).toEqual({ view: "trace", id: "req_1", tab: "walk", query: "" })
    expect(parse("#/traces/req_1/walk?step=7")).toEqual({ view: "trace", id: "req_1", tab: "walk", query: "step=7" })
    expect(parse("#/compare/a/b")).toEqual({ view: "compare", a: "a", b: "b" })
    expect(parse("#/pipelines/support/steady")).toEqual({ view: "pipelines", name: "support", other: "steady" })
    expect(parse("#/health?by=model")).toEqual({ view: "health", query: "by=model" })
  })

  it("does not guess at what is not there", () => {
    for (const hash of ["#/nowhere", "#/traces", "#/traces/a/dance", "#/compare/a"]) expect(parse(hash).view).toBe("nowhere")
  })

  it("reads what it wrote, whatever an id is made of", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (id) => {
        expect(parse(to("traces", id, "wire"))).toEqual({ view: "trace", id, tab: "wire", query: "" })
      })
    )
  })

  it("takes broken encoding as it stands", () => {
    expect(parse("#/traces/%zz/walk")).toMatchObject({ id: "%zz" })
  })

  it("leaves empty values out of a query", () => {
    expect(withQuery("#/traffic", { q: "a b", status: "", model: undefined })).toBe("#/traffic?q=a+b")
    expect(withQuery("#/traffic", {})).toBe("#/traffic")
  })
})
