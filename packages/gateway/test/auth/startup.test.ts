import fc from "fast-check"
import { expect, it } from "vitest"
import { isLoopback, isOpen, refuseToStart } from "../../src/auth/startup.ts"
import { decode } from "./support.ts"

const none = decode({})
const hash = `sha256:${"0".repeat(64)}`

it("is open on loopback alone, and says elsewhere what would be right", () => {
  for (const host of ["127.0.0.1", "127.255.0.9", "::1", "[::1]", "localhost", "LOCALHOST", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"]) {
    expect(isLoopback(host), host).toBe(true)
    expect(refuseToStart(host, none)).toBeUndefined()
    expect(isOpen(host, none)).toBe(true)
  }
  for (const host of [
    "0.0.0.0", "::", "", "10.0.0.1", "192.168.1.1", "126.0.0.1", "128.0.0.1", "localhost.example.com", "127.0.0.1.example.com", "example.com", "::ffff:10.0.0.1",
    "2130706433", "0x7f000001", "0177.0.0.1", "127.1", " 127.0.0.1", "127.0.0.1 ", "fe80::1", "[127.0.0.1", "x".repeat(10_000)
  ]) {
    expect(isLoopback(host), host).toBe(false)
    const error = refuseToStart(host, none)
    expect(error).toMatchObject({ reason: { _tag: "Configuration", option: "server.host" } })
    expect(error!.message).toContain("auth.keys")
    expect(error!.message.length).toBeLessThan(800)
    expect(isOpen(host, none)).toBe(false)
  }
})

it("starts anywhere once somebody is named, and is open to nobody else then", () => {
  for (const section of [{ keys: [{ name: "a", hash }] }, { jwt: { issuer: "https://a.example", audience: "b" } }]) {
    for (const host of ["0.0.0.0", "127.0.0.1"]) {
      expect(refuseToStart(host, decode(section))).toBeUndefined()
      expect(isOpen(host, decode(section))).toBe(false)
    }
  }
})

it("is never open where it may not start", () =>
  fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), fc.string()), (host) => {
    expect(isOpen(host, none)).toBe(refuseToStart(host, none) === undefined)
    if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) expect(isLoopback(host)).toBe(host.startsWith("127."))
  })))
