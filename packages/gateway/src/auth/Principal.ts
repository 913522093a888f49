/**
 * Who asks, once that is known, and what he may do.
 *
 * @module
 */
import type { Budget, Identity, RateLimit } from "@plugline/plugs"
import { LlmError, Mask } from "plugline"
import type { Rates, Spending } from "./AuthConfig.ts"
import { matches, namesModel, namesRoute } from "./pattern.ts"
import type { Permission, Role } from "./permissions.ts"

/** Who asks. */
export interface Principal {
  /** What it is called in logs and in the audit log: the name or id of a key, `jwt:` and a subject, `open`. */
  readonly id: string
  readonly name: string
  readonly kind: "key" | "jwt" | "open"
  /** Whom calls are made for. `key` stays the same when a key is rotated. */
  readonly identity: Identity.Identity
  readonly role: Role
  /** What it may do: what its role may, as far as its scopes go. */
  readonly permissions: ReadonlyArray<Permission>
  /** Models it may ask for, beside what its role says; absent where it may ask for all. */
  readonly models?: ReadonlyArray<string>
  /** Providers its requests may go to, beside what its role says; absent where they may go to all. */
  readonly providers?: ReadonlyArray<string>
  readonly limits?: typeof Rates.Type
  readonly budgets?: ReadonlyArray<typeof Spending.Type>
  /** From when it is refused, in ms since 1970. */
  readonly expires?: number
}

/** What somebody is about to do. */
export interface Doing {
  readonly permission: string
  /** The path of the route, as the table of routes has it. */
  readonly route?: string
  readonly provider?: string
  /** What the provider calls the model. */
  readonly model?: string
  /** What the client called the model. */
  readonly alias?: string
}

/** Why somebody may not do something, or `undefined` where he may. */
export const allows = (principal: Principal, doing: Doing): LlmError | undefined => {
  const { models, permissions, providers, role } = principal
  const { alias, model, permission, provider, route } = doing
  if (permission !== "public" && !permissions.includes(permission as Permission)) {
    return forbidden(`it lacks the permission ${quote(permission)}`)
  }
  if (route !== undefined && role.routes !== undefined && !namesRoute(role.routes, route)) {
    return forbidden("its role does not reach this route")
  }
  if (provider !== undefined && !(within(role.providers, provider) && within(providers, provider))) {
    return forbidden(`it may not use the provider ${quote(provider)}`)
  }
  const isCall = alias !== undefined || model !== undefined || provider !== undefined
  const isNamed = (list: ReadonlyArray<string> | undefined): boolean => list === undefined || namesModel(list, doing)
  if (isCall && !(isNamed(role.models) && isNamed(models))) {
    return forbidden(`it may not use the model ${quote(alias ?? model ?? "that the provider chooses")}`)
  }
  return undefined
}

const within = (patterns: ReadonlyArray<string> | undefined, name: string): boolean =>
  patterns === undefined || patterns.some((pattern) => matches(pattern, name))

/** The answer to somebody who is known and may not do something. */
export const forbidden = (why: string): LlmError =>
  LlmError.make({ _tag: "Permission", status: 403, message: `the credential is known, but ${why}` })

/** A caller's word, fit for a message: of one line, not too long, and no credential. */
const quote = (text: string): string => {
  const plain = Mask.text(text).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ")
  return JSON.stringify(plain.length > 100 ? `${plain.slice(0, 100)}…` : plain)
}

type Limits = NonNullable<Parameters<typeof RateLimit.plug>[0]>["limits"]
type Budgets = NonNullable<Parameters<typeof Budget.plug>[0]>["limits"]

/** The limits that a key brings along, as `rateLimit` takes them: they hold for requests made with it. */
export const limitsOf = ({ identity: { key }, limits }: Principal): Limits =>
  limits === undefined || key === undefined || Object.keys(limits).length === 0
    ? []
    : [{ per: ["key"], name: `key ${key}`, ...limits }]

/** The budgets that a key brings along, as `budget` takes them: they hold for requests made with it. */
export const budgetsOf = ({ budgets = [], identity: { key } }: Principal): Budgets =>
  key === undefined ? [] : budgets.map((budget, index) => ({
    per: "key" as const,
    name: `key ${key} ${budget.every}${index === 0 ? "" : ` ${index + 1}`}`,
    only: { key },
    ...budget
  }))

type Lists = ReadonlyArray<ReadonlyArray<string>> | undefined

/** The lists of providers that hold for requests made with a credential; nothing where it may use all. */
export const providersOf = ({ providers, role }: Principal): Lists => both(role.providers, providers)

/** The lists of models that hold where such a request is sent on to another; nothing where it may use all. */
export const modelsOf = ({ models, role }: Principal): Lists => both(role.models, models)

const both = (...lists: ReadonlyArray<ReadonlyArray<string> | undefined>): Lists => {
  const given = lists.filter((list) => list !== undefined)
  return given.length === 0 ? undefined : given
}
