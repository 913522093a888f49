/**
 * Makes a provider out of what its service speaks: for each operation a pipeline of five named plugs that checks, sets up,
 * prepares, sends and reads.
 *
 * @module
 */
import type { Operation, Pipeline } from "@plugline/core"
import { configure } from "./call/configure.ts"
import { type Settings, template } from "./call/address.ts"
import type { Definition, Init } from "./call/definition.ts"
import { parse } from "./call/parse.ts"
import { prepare } from "./call/prepare.ts"
import { send } from "./call/send.ts"
import { validate } from "./call/validate.ts"
import type { Credentials, KeySource } from "./Credentials.ts"
import type { Headers, Transport } from "./Transport.ts"
import type { Wire } from "./Wire.ts"

export type { Init, Setting, Settings, Sign, SignInput } from "./call/definition.ts"

/** A service that can be asked. `R`: the services its pipelines need; `Op`: the operations it surely has. */
export interface Provider<out R = Transport | Credentials, Op extends Operation = never> {
  /** What requests call it by. */
  readonly name: string
  /** What people call it. */
  readonly title: string
  /** Where it is, without a trailing slash, each `{name}` one of `settings`; empty where it is no place. */
  readonly baseUrl: string
  /** What the `{name}`s of `baseUrl` are filled from. Absent: nothing. */
  readonly settings?: Settings
  /** Where its key customarily is, the first that is set counts. */
  readonly keys: ReadonlyArray<KeySource>
  /** Whether it answers nobody without a key. */
  readonly needsKey: boolean
  /** The headers that carry a key. */
  readonly authorize: (key: string) => Headers
  /** What it speaks, by operation. */
  readonly wires: { readonly [Each in Operation]?: Wire }
  /** What a request runs through, by operation: plain lists of plugs. */
  readonly pipelines: { readonly [Each in Operation]?: Pipeline<R> } & { readonly [Each in Op]: Pipeline<R> }
}

/**
 * A provider from its wire functions. Its pipelines are lists of the plugs `validate`, `configure`, `prepare`, `send` and
 * `parse`; to be edited like any other.
 *
 * @throws LlmError `Configuration` when the base URL is none.
 */
export const make = <const Op extends Operation>(init: Init<Op>): Provider<Transport | Credentials, Op> => {
  const definition: Definition = {
    name: init.name,
    title: init.title ?? init.name,
    baseUrl: template(init.baseUrl, init.settings ?? none),
    origins: (init.origins ?? []).map((origin) => template(origin, init.settings ?? none)),
    settings: init.settings ?? none,
    keys: init.keys ?? [],
    needsKey: init.needsKey ?? true,
    authorize: init.authorize ?? bearer,
    sign: init.sign,
    headers: init.headers ?? nothing,
    timeouts: init.timeouts ?? {},
    wires: init.wires
  }
  const { authorize, keys, name, needsKey, settings, title } = definition
  const pipelines = Object.fromEntries(
    Object.entries<Wire>(init.wires).map(([operation, wire]) => [operation, line(definition, operation as Op, wire)])
  ) as { readonly [Each in Op]: Pipeline<Transport | Credentials> }
  return { name, title, baseUrl: definition.baseUrl, settings, keys, needsKey, authorize, wires: init.wires, pipelines }
}

const line = (provider: Definition, operation: Operation, wire: Wire): Pipeline<Transport | Credentials> => [
  validate(provider, operation),
  configure(provider, operation),
  prepare(provider, operation, wire),
  send(provider, operation, wire),
  parse(provider, operation, wire)
]

const bearer = (key: string): Headers => ({ authorization: `Bearer ${key}` })
const nothing = (): Headers => ({})
const none: Settings = {}
