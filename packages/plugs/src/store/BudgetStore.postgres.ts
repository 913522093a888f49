/**
 * Budgets in PostgreSQL, for several processes that share them and must not lose them.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { type Balance, BudgetStore, empty, type Entry, refusedBy, type Settled } from "./BudgetStore.ts"
import { StoreError } from "./patience.ts"

interface Row {
  readonly account: string
  readonly spent: string
  readonly held: string
  readonly unknown: number
}

/**
 * Budgets in the database of a `SqlClient` for PostgreSQL. Each step is one transaction that locks the accounts it
 * touches, always in the same order, so that two never wait for each other. Amounts are `numeric`: whole numbers of any
 * length.
 */
export const postgres: Layer.Layer<BudgetStore, StoreError, SqlClient.SqlClient> = Layer.effect(
  BudgetStore,
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const failed = (error: SqlError.SqlError): StoreError =>
      new StoreError("budget", "PostgreSQL could not be asked", error)
    const atOnce = <A>(steps: Effect.Effect<A, SqlError.SqlError>): Effect.Effect<A, StoreError> =>
      Effect.mapError(sql.withTransaction(steps), failed)

    yield* atOnce(Effect.gen(function*() {
      // Two that start at the same time would both try to make the tables.
      yield* sql`SELECT pg_advisory_xact_lock(hashtext('plugline_budget'))`
      yield* sql`CREATE TABLE IF NOT EXISTS plugline_budget_accounts (
        account text PRIMARY KEY, spent numeric NOT NULL, held numeric NOT NULL, unknown integer NOT NULL,
        until bigint)`
      yield* sql`CREATE TABLE IF NOT EXISTS plugline_budget_holds (
        account text NOT NULL, id text NOT NULL, amount numeric NOT NULL, expires bigint NOT NULL,
        expired boolean NOT NULL, PRIMARY KEY (account, id))`
      yield* sql`CREATE INDEX IF NOT EXISTS plugline_budget_due
        ON plugline_budget_holds (account, expires) WHERE NOT expired`
      yield* sql`CREATE TABLE IF NOT EXISTS plugline_budget_ledger (
        seq bigserial PRIMARY KEY, account text NOT NULL, hold text NOT NULL, at bigint NOT NULL, kind text NOT NULL,
        amount numeric NOT NULL)`
      yield* sql`CREATE INDEX IF NOT EXISTS plugline_budget_ledger_account ON plugline_budget_ledger (account, seq)`
    }))

    /** The accounts, locked until the transaction ends. */
    const lock = (names: ReadonlyArray<string>) =>
      Effect.map(
        sql<Row>`SELECT account, spent::text, held::text, unknown FROM plugline_budget_accounts
          WHERE ${sql.in("account", [...new Set(names)])} ORDER BY account FOR UPDATE`,
        (rows) => new Map(rows.map(({ account, held, spent, unknown }): [string, Balance] =>
          [account, { spent: BigInt(spent), held: BigInt(held), unknown }]))
      )
    /** The same, with what has run out charged, and what each had spent before. */
    const expire = (names: ReadonlyArray<string>, now: number) =>
      Effect.gen(function*() {
        const before = yield* lock(names)
        if (before.size === 0) return { balances: names.map(() => empty), before: names.map(() => 0n) }
        const due = yield* sql<{ account: string; id: string; amount: string }>`UPDATE plugline_budget_holds
          SET expired = true WHERE ${sql.in("account", [...before.keys()])} AND NOT expired AND expires <= ${now}
          RETURNING account, id, amount::text`
        const balances = new Map<string, Balance>(before)
        for (const { account, amount, id } of due) {
          const { held, spent, unknown } = balances.get(account) ?? empty
          balances.set(account, { spent: spent + BigInt(amount), held: held - BigInt(amount), unknown })
          yield* book(account, id, now, "expired", BigInt(amount))
        }
        for (const account of new Set(due.map(({ account }) => account))) yield* write(account, balances.get(account)!)
        return {
          balances: names.map((name) => balances.get(name) ?? empty),
          before: names.map((name) => (before.get(name) ?? empty).spent)
        }
      })
    const write = (account: string, { held, spent, unknown }: Balance) =>
      sql`UPDATE plugline_budget_accounts SET spent = ${spent.toString()}::numeric, held = ${held.toString()}::numeric,
        unknown = ${unknown} WHERE account = ${account}`
    const book = (account: string, hold: string, at: number, kind: Entry["kind"], amount: bigint) =>
      sql`INSERT INTO plugline_budget_ledger (account, hold, at, kind, amount)
        VALUES (${account}, ${hold}, ${at}, ${kind}, ${amount.toString()}::numeric)`

    return {
      reserve: ({ amount, claims, expires, id }, now) =>
        atOnce(Effect.gen(function*() {
          // A row can only be locked once it is there; made in order, so that no two wait for each other.
          for (const { account, until } of [...claims].sort((a, b) => a.account < b.account ? -1 : 1)) {
            yield* sql`INSERT INTO plugline_budget_accounts VALUES (${account}, 0, 0, 0, ${until ?? null})
              ON CONFLICT (account) DO NOTHING`
          }
          const { balances, before } = yield* expire(claims.map(({ account }) => account), now)
          const refused = refusedBy(claims, balances, amount)
          if (refused !== undefined) return { refused, balances, before }
          const held: Array<Balance> = []
          for (const [index, { account }] of claims.entries()) {
            const added = yield* sql`INSERT INTO plugline_budget_holds
              VALUES (${account}, ${id}, ${amount.toString()}::numeric, ${expires}, false)
              ON CONFLICT DO NOTHING RETURNING id`
            const balance = balances[index]!
            const after = added.length === 0 ? balance : { ...balance, held: balance.held + amount }
            if (after !== balance) yield* write(account, after)
            held.push(after)
          }
          return { balances: held, before }
        })),
      settle: ({ accounts, amount, id, unknown }, now) =>
        atOnce(Effect.gen(function*() {
          const found = yield* lock(accounts)
          const settled: Array<Settled> = []
          for (const account of accounts) {
            const balance = found.get(account) ?? empty
            const [row] = yield* sql<{ amount: string; expired: boolean }>`DELETE FROM plugline_budget_holds
              WHERE account = ${account} AND id = ${id} RETURNING amount::text, expired`
            if (row === undefined) {
              settled.push({ account, outcome: "absent", before: balance.spent, balance })
              continue
            }
            const reserved = BigInt(row.amount)
            const charged = row.expired ? amount - reserved : amount
            const after = {
              spent: balance.spent + charged,
              held: row.expired ? balance.held : balance.held - reserved,
              unknown: balance.unknown + (unknown ? 1 : 0)
            }
            yield* book(account, id, now, row.expired ? "correction" : "charge", charged)
            yield* write(account, after)
            settled.push({ account, outcome: row.expired ? "late" : "settled", before: balance.spent, balance: after })
          }
          return settled
        })),
      balances: (accounts, now) => Effect.map(atOnce(expire(accounts, now)), ({ balances }) => balances),
      entries: (account) =>
        Effect.mapError(
          Effect.map(
            sql<{ hold: string; at: string; kind: Entry["kind"]; amount: string }>`SELECT hold, at::text, kind,
              amount::text FROM plugline_budget_ledger WHERE account = ${account} ORDER BY seq`,
            (rows) =>
              rows.map(({ amount, at, hold, kind }): Entry =>
                ({ account, hold, at: Number(at), kind, amount: BigInt(amount) }))
          ),
          failed
        )
    }
  })
)
