/**
 * What can be permitted, and the four roles that are there without being configured.
 *
 * @module
 */
import { LlmError } from "plugline"

/** Everything that can be permitted, with what it means. */
export const meanings = {
  chat: "ask a model, whole or streamed, and count tokens",
  completion: "complete a text",
  embeddings: "turn texts into vectors",
  moderations: "ask what is objectionable in texts and images",
  models: "list models",
  batches: "run batches, and read their files and results",
  sessions: "continue conversations that the gateway remembers",
  usage: "read limits, budgets and spending",
  metrics: "read metrics",
  inspect: "read recorded requests in the inspector",
  replay: "run recorded requests again",
  status: "read the state of providers, circuits, queues and caches",
  operate: "reset circuits, empty caches, drain and stop",
  "config:read": "read the configuration, secrets masked",
  "config:write": "load the configuration anew",
  "keys:read": "list API keys, by their prefix alone",
  "keys:write": "make, rotate, revoke and date API keys",
  "budgets:write": "change budgets and limits",
  "audit:read": "read what admins did"
} as const

/** Something that can be permitted. */
export type Permission = keyof typeof meanings

/** Everything that can be permitted. */
export const permissions = Object.keys(meanings) as ReadonlyArray<Permission>

/** A role, as it is configured. `*` is every permission; lists that are absent hold nothing back. */
export interface RoleOptions {
  readonly permissions: ReadonlyArray<Permission | "*">
  readonly routes?: ReadonlyArray<string>
  readonly models?: ReadonlyArray<string>
  readonly providers?: ReadonlyArray<string>
}

/** A role: what whoever has it may do, and where. */
export interface Role extends RoleOptions {
  readonly name: string
  readonly permissions: ReadonlyArray<Permission>
}

const asks: ReadonlyArray<Permission> = ["chat", "completion", "embeddings", "moderations", "models", "batches", "sessions"]
const watches: ReadonlyArray<Permission> = ["models", "usage", "metrics", "status"]

/** The roles that are always there, from the mightiest down. */
export const builtIn: ReadonlyArray<Role> = [
  { name: "admin", permissions },
  {
    name: "operator",
    permissions: [
      ...new Set([...asks, ...watches]),
      ...["inspect", "replay", "operate", "config:read", "config:write", "keys:read", "audit:read"] as const
    ]
  },
  { name: "developer", permissions: [...asks, "usage"] },
  { name: "viewer", permissions: watches }
]

/**
 * The roles by name: those of the configuration first where they say what a built-in one is to be. `admin` stays what
 * it is.
 */
export const rolesOf = (
  configured: { readonly [name: string]: RoleOptions } = {}
): ReadonlyMap<string, Role> | LlmError => {
  if (Object.hasOwn(configured, "admin")) {
    return LlmError.make({
      _tag: "Configuration",
      option: "auth.roles.admin",
      expected: "left out: whoever lost what only admins may do could not get it back",
      message: "auth.roles.admin must be left out: admin may do everything. Give another role another name"
    })
  }
  const roles = new Map(builtIn.map((role) => [role.name, role]))
  for (const [name, role] of Object.entries(configured)) {
    roles.set(name, Object.freeze({ ...role, name, permissions: expand(role.permissions) }))
  }
  return roles
}

/** Permissions with `*` as all of them, each once, in the order of the table. */
export const expand = (given: ReadonlyArray<Permission | "*">): ReadonlyArray<Permission> =>
  given.includes("*") ? permissions : permissions.filter((each) => given.includes(each))
