/**
 * The section `auth` of the configuration: API keys, tokens of an identity provider, and roles.
 *
 * @module
 */
import { DateTime, Option, Schema } from "effect"
import { Address, described, field, fieldOr, named, Secret, Span, whole } from "../config/values.ts"
import { permissions } from "./permissions.ts"

// --- words
// ---------------------------------------------------------------------------------------------------------------------

/** What somebody or something is called. */
export const Name = Schema.String.check(
  Schema.isPattern(/^(?! )[^\p{Cc}\p{Zl}\p{Zp}]{1,200}(?<! )$/u, {
    expected: "a name of 1 to 200 characters, without line breaks or blanks around it"
  })
)

const KeyName = Schema.String.check(
  Schema.isPattern(/^(?! |key_)[^\p{Cc}\p{Zl}\p{Zp}]{1,200}(?<! )$/u, {
    expected: "a name of 1 to 200 characters, without line breaks or blanks around it, that does not begin with key_"
  })
)

const instant = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/

const aMoment = "a day such as 2027-01-31, or a time with its zone such as 2027-01-31T12:00:00Z"

/** ms since 1970 of a day, which begins in UTC, or of a time with its zone; `undefined` for anything else. */
export const momentOf = (given: string): number | undefined => {
  if (!instant.test(given)) return undefined
  const found = Option.getOrUndefined(Option.map(DateTime.make(given), DateTime.toEpochMillis))
  // A 30th of February is no day, though some would take it for the 2nd of March.
  return found !== undefined && isDay(given.slice(0, 10)) ? found : undefined
}

const isDay = (day: string): boolean =>
  Option.match(DateTime.make(day), { onNone: () => false, onSome: (found) => DateTime.formatIsoDateUtc(found) === day })

/** A day, or a time with its zone. */
export const Moment = Schema.String.check(
  Schema.makeFilter((given: string) => momentOf(given) !== undefined, { expected: aMoment }),
  Schema.isPattern(instant, { expected: aMoment })
)

/** What a key or a token may be permitted. */
export const Permission = Schema.Literals([...permissions, "*"])

/** Names with `*` for any characters. */
const Patterns = Schema.Array(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200)))

// --- limits and budgets
// ------------------------------------------------------------------------------------------------------

const Units = whole(1, 100_000_000_000)
const Rate = Schema.Union([
  Units,
  Schema.Struct({
    rate: described(Units, "What comes back in a minute."),
    burst: described(Units, "The most that can be saved up.")
  })
])

/** How much may be asked with one key. */
export const Rates = Schema.Struct({
  requestsPerMinute: field(Rate, "Calls by the minute: a number, or `{ rate, burst }`. Default: no limit."),
  tokensPerMinute: field(Rate, "Tokens by the minute, of question and answer. Default: no limit."),
  requestsPerDay: field(Units, "Calls by calendar day. Default: no limit."),
  tokensPerDay: field(Units, "Tokens by calendar day. Default: no limit."),
  concurrency: field(Units, "Calls at a time. Default: no limit.")
})

const isMoney = (given: number | string): boolean =>
  typeof given === "number" ? given >= 0 && given <= 1e12 : /^\d{1,12}(\.\d{1,12})?$/.test(given)

/** How much may be spent with one key. */
export const Spending = Schema.Struct({
  amount: described(
    Schema.Union([Schema.String, Schema.Finite]).check(
      Schema.makeFilter(isMoney, { expected: "an amount of USD from 0 up, as decimal text or number" })
    ),
    "USD: decimal text, or a number."
  ),
  every: described(Schema.Literals(["day", "week", "month", "total"]), "When it starts anew."),
  kind: field(
    Schema.Literals(["hard", "soft"]),
    "`hard` refuses what does not fit, `soft` lets it through with a warning. Default: hard."
  )
})

// --- keys
// -------------------------------------------------------------------------------------------------------------------

/** What an API key may be used for, wherever it was made. */
export const grant = {
  role: field(Name, "What it may do: a role by its name. Default: developer."),
  tenant: field(Name, "The customer whose cache, limits, budgets, sessions and logs it shares. Default: none."),
  team: field(Name, "The team it counts for. Default: none."),
  user: field(Name, "The user it counts for. Default: none."),
  tier: field(Name, "The class of service: `free`, `premium`. Default: none."),
  scopes: field(Schema.Array(Permission), "What of its role it may do. Default: all of it."),
  models: field(
    Patterns,
    "Models it may ask for: names as clients use them or `provider/model`, with `*` for anything. "
      + "Default: all of its role."
  ),
  providers: field(Patterns, "Providers its requests may go to, with `*` for anything. Default: all of its role."),
  limits: field(Rates, "How much may be asked with it, beside the limits of all. Default: no more than those."),
  budgets: field(
    Schema.Array(Spending),
    "How much may be spent with it, beside the budgets of all. Default: no more than those."
  )
}

/** One API key of the configuration. */
export const ApiKey = Schema.Struct({
  name: described(KeyName, "What it is called in logs, limits and budgets. No two keys share one."),
  hash: field(
    Schema.String.annotate({ format: "password" } as never).check(
      Schema.isPattern(/^sha256:[0-9a-fA-F]{64}$/, { expected: "sha256: and 64 hexadecimal digits" })
    ),
    "The SHA-256 digest of the key, as `plugline keys hash` prints it. Either this or `key`."
  ),
  key: field(
    Secret,
    "The key itself, as `env:NAME`; only its digest is kept. At least 32 characters. Either this or `hash`."
  ),
  ...grant,
  expires: field(
    Moment,
    "From when it is refused: a day, which begins in UTC, or a time with its zone. Default: never."
  ),
  replaces: field(
    Schema.Struct({
      name: described(KeyName, "The key that it replaces, which counts for the same limits and budgets."),
      since: described(Moment, "When this key was brought in."),
      overlap: fieldOr(Span, "1 day", "How long after that the replaced key is still taken.")
    }),
    "The older key it takes the place of. Default: none."
  )
}).check(
  Schema.makeFilter(({ hash, key }) => (hash === undefined) !== (key === undefined), {
    expected: "a key with either hash or key"
  })
)

/** One API key of the configuration. */
export type ApiKey = typeof ApiKey.Type

// --- tokens
// --------------------------------------------------------------------------------------------------------------------

/** How tokens may be signed: with a private key alone, so that nobody who can check one can make one. */
export const algorithms = [
  "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"
] as const

const isSecure = (given: string): boolean => {
  const url = URL.parse(given)
  return url !== null && (url.protocol === "https:" || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname))
}

const Issuer = Address.check(
  Schema.makeFilter(isSecure, { expected: "an https URL without user name, password, query and fragment" }),
  Schema.isPattern(/^https?:\/\//)
)

const Claim = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200))

/** Tokens of an identity provider. */
export const Jwt = Schema.Struct({
  issuer: described(Issuer, "Who signs the tokens: their claim `iss`, letter by letter."),
  audience: described(
    Schema.Union([Name, Schema.NonEmptyArray(Name)]),
    "Whom the tokens are made for: their claim `aud` has to hold one of these."
  ),
  jwksUrl: field(
    Issuer,
    "Where the issuer's public keys are. Default: what `/.well-known/openid-configuration` below the issuer says, "
      + "on the same origin."
  ),
  algorithms: fieldOr(
    Schema.NonEmptyArray(Schema.Literals(algorithms)),
    ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"],
    "How tokens may be signed. Those with a shared secret cannot be named."
  ),
  claims: fieldOr(
    Schema.Struct({
      tenant: field(
        Claim,
        "The claim that says the tenant. Where it is named, a token without it is refused. Default: none."
      ),
      team: field(Claim, "The claim that says the team. Default: none."),
      user: fieldOr(Claim, "sub", "The claim that says the user."),
      tier: field(Claim, "The claim that says the class of service. Default: none."),
      role: field(
        Claim,
        "The claim that says the role: a text or a list of them; dots lead into objects. Default: none."
      ),
      scope: field(
        Claim,
        "The claim that says what of its role a token may do, such as `scope` or `scp`: a list, or a text with blanks between. "
          + "Where it is named, a token without it may do nothing. Default: none, which is all of the role."
      )
    }),
    {},
    "Which claims say who asks."
  ),
  role: fieldOr(Name, "viewer", "The role of tokens that name none."),
  roles: field(
    named(Name),
    "Roles by what the identity provider calls them; the first that a token has counts. "
      + "Default: the same names here and there."
  ),
  scopes: field(
    named(Schema.Array(Permission)),
    "What each scope permits, by what the identity provider calls it; other scopes permit nothing. "
      + "Default: the names of permissions."
  ),
  tenant: field(Name, "The tenant of all its tokens, whatever they say. Either this or `claims.tenant`. Default: none."),
  clockTolerance: fieldOr(Span, "30 seconds", "By how much the clocks of issuer and gateway may differ."),
  cooldown: fieldOr(Span, "30 seconds", "How long the issuer is not asked again for a key it did not have."),
  maxAge: fieldOr(Span, "10 minutes", "How long its keys are used before it is asked again."),
  timeout: fieldOr(Span, "5 seconds", "How long the issuer may take to answer.")
}).check(
  Schema.makeFilter(({ claims, tenant }) => tenant === undefined || claims.tenant === undefined, {
    expected: "an issuer with either tenant or claims.tenant"
  })
)

/** Tokens of an identity provider. */
export type Jwt = typeof Jwt.Type

// --- all of it
// -----------------------------------------------------------------------------------------------------------------

/** What whoever has a role may do, and where. */
export const Role = Schema.Struct({
  permissions: described(Schema.Array(Permission), "What it may do; `*` for everything."),
  routes: field(
    Patterns,
    "Paths of the routes it may use, as the table of routes has them, with `*` for anything. Default: all."
  ),
  models: field(Patterns, "Models it may ask for, with `*` for anything. Default: all."),
  providers: field(Patterns, "Providers its requests may go to, with `*` for anything. Default: all.")
})

/** Who may ask, and for what. */
export const AuthConfig = Schema.Struct({
  keys: fieldOr(Schema.Array(ApiKey), [], "API keys. Those that admins make while the gateway runs stand beside them."),
  jwt: field(Jwt, "Takes tokens of an identity provider (OpenID Connect). Default: none are taken."),
  issuers: field(
    Schema.Array(Jwt),
    "Further identity providers, each with the fields of `jwt`. Their subjects are other people than those of `jwt`, though they "
      + "be called the same. Default: none."
  ),
  roles: fieldOr(
    named(Role),
    {},
    "Roles beside `admin`, `operator`, `developer` and `viewer`, or in place of the last three."
  )
})

/** Who may ask, and for what; plain keys wrapped. */
export type AuthConfig = typeof AuthConfig.Type

/** Every identity provider that is trusted, that of `jwt` first. */
export const issuersOf = ({ issuers = [], jwt }: AuthConfig): ReadonlyArray<Jwt> =>
  jwt === undefined ? issuers : [jwt, ...issuers]
