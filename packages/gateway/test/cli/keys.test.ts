import { Effect } from "effect"
import { expect, it } from "vitest"
import { create, hash } from "../../src/cli/keys.ts"
import { digest, isWellFormed } from "../../src/auth/secret.ts"
import { from } from "../../src/config/load.ts"
import { ended, screen } from "./support.ts"

it("makes a key whose lines a configuration takes, and whose hash is that of the key", async () => {
  const out = screen()
  expect(await ended(create({ name: "yes", role: "viewer", json: false }, out))).toBeUndefined()
  const key = /pk-plugline-\w+/.exec(out.text())![0]
  expect(isWellFormed(key)).toBe(true)
  const yaml = out.text().split("Configuration:\n")[1]!.replace(/^ {2}/gm, "")
  const loaded = await Effect.runPromise(from(yaml, "g.yaml", { env: {}, folder: "/tmp", path: undefined }))
  expect(loaded.config.auth?.keys).toMatchObject([{ name: "yes", role: "viewer", hash: `sha256:${digest(key)}` }])
  const again = screen()
  await ended(hash(` ${key}\n`, again))
  expect(again.text()).toBe(`sha256:${digest(key)}\n`)
})

it("makes another key each time, for programs too", async () => {
  const keys = await Promise.all([1, 2].map(async () => {
    const out = screen()
    await ended(create({ name: "a", role: "developer", json: true }, out))
    return JSON.parse(out.text()) as { readonly key: string; readonly hash: string }
  }))
  expect(keys[0]!.key).not.toBe(keys[1]!.key)
  expect(keys[0]!.hash).toBe(`sha256:${digest(keys[0]!.key)}`)
})

it("refuses names that no configuration takes, weak keys, mistyped ones and none, and repeats none", async () => {
  expect(await ended(create({ name: " a", role: "developer", json: false }, screen()))).toContain("--name must be")
  expect(await ended(create({ name: "a", role: "", json: false }, screen()))).toContain("--role must be")
  expect(await ended(hash("  \n", screen()))).toContain("there is no key")
  expect(await ended(hash("hunter2", screen()))).toBe("the gateway takes no such key: it must be a key of at least 32 characters")
  const out = screen()
  await ended(create({ name: "a", role: "developer", json: true }, out))
  const { key } = JSON.parse(out.text()) as { readonly key: string }
  const typo = key.slice(0, -1) + (key.endsWith("x") ? "y" : "x")
  const told = await ended(hash(typo, screen()))
  expect(told).toContain("typing errors")
  expect(told).not.toContain(typo)
})
