/**
 * `keys`: makes API keys of the gateway, and the digests by which a configuration knows them.
 *
 * @module
 */
import { Source } from "@plugline/plugs"
import { Effect, Schema } from "effect"
import { Suggest } from "plugline"
import { ApiKey } from "../auth/AuthConfig.ts"
import { digest, make, weakness } from "../auth/secret.ts"
import { Failed } from "./Failed.ts"
import { indent, json, painter, type Screen } from "./Screen.ts"

/** Writes the digest of a key, as the field `hash` of a configuration takes it. */
export const hash = (key: string, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.suspend(() => {
    const plain = key.trim()
    if (plain === "") return Effect.fail(new Failed("there is no key: type it when asked, or pipe it in"))
    const weak = weakness(plain)
    if (weak !== undefined) return Effect.fail(new Failed(`the gateway takes no such key: it must be ${weak}`))
    return Effect.sync(() => screen.write(`${digestOf(plain)}\n`))
  })

/** What `keys new` goes by. */
export interface NewKey {
  readonly name: string
  readonly role: string
  /** Whether JSON is written, for programs. */
  readonly json: boolean
}

/** Makes a random key and writes it, once, with its digest and what a configuration says of it. */
export const create = ({ json: machine, name, role }: NewKey, screen: Screen): Effect.Effect<void, Failed> =>
  Effect.suspend(() => {
    for (const [field, value] of Object.entries({ name, role })) {
      if (!Schema.is(ApiKey.fields[field as "name" | "role"])(value)) {
        return Effect.fail(new Failed(`--${field} must be a name of 1 to 200 characters, not ${Suggest.quote(value)}`))
      }
    }
    return Effect.sync(() => {
      const key = make()
      const entry = { name, role, hash: digestOf(key) }
      if (machine) return screen.write(json({ key, ...entry }))
      const bold = (text: string) => painter(screen)("bold", text)
      screen.write([
        `${bold("Key")}, for whoever is to use it; it is shown this once:\n`,
        indent(key),
        `\n${bold("Hash")}, which is all that the gateway keeps of it:\n`,
        indent(entry.hash),
        `\n${bold("Configuration")}:\n`,
        indent(Source.write({ auth: { keys: [entry] } }).trimEnd())
      ].join(""))
    })
  })

const digestOf = (key: string): string => `sha256:${digest(key)}`
