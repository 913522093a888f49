/**
 * Budgets in SQLite: of one machine, shared by its processes, and there after any of them was killed.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import type { Amount } from "../cost/amount.ts"
import { type Balance, BudgetStore, empty, type Entry, refusedBy, retention, type Settled } from "./BudgetStore.ts"
import type { StoreError } from "./patience.ts"
import { Sqlite } from "./Sqlite.ts"

/** Amounts are decimal text: SQLite adds whole numbers of 64 bits exactly, and turns what is larger into floats. */
const schema = `
CREATE TABLE IF NOT EXISTS plugline_budget_accounts (
  account TEXT PRIMARY KEY, spent TEXT NOT NULL, held TEXT NOT NULL, unknown INTEGER NOT NULL, until INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS plugline_budget_holds (
  account TEXT NOT NULL, id TEXT NOT NULL, amount TEXT NOT NULL, expires INTEGER NOT NULL, expired INTEGER NOT NULL,
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS plugline_budget_due ON plugline_budget_holds (account, expired, expires);
CREATE TABLE IF NOT EXISTS plugline_budget_ledger (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, hold TEXT NOT NULL, at INTEGER NOT NULL,
  kind TEXT NOT NULL, amount TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS plugline_budget_ledger_account ON plugline_budget_ledger (account, seq);`

interface HoldRow {
  readonly id: string
  readonly amount: string
  readonly expired: number
}

/** Budgets in the database of the layer `Sqlite`. */
export const sqlite: Layer.Layer<BudgetStore, StoreError, Sqlite> = Layer.effect(
  BudgetStore,
  Effect.gen(function*() {
    const { database, run, statement, transaction } = yield* Sqlite
    yield* run(() => database.exec(schema))

    const read = (account: string): Balance => {
      const row = statement("SELECT spent, held, unknown FROM plugline_budget_accounts WHERE account = ?").get(account)
      return row === undefined
        ? empty
        : { spent: BigInt(row.spent as string), held: BigInt(row.held as string), unknown: Number(row.unknown) }
    }
    const write = (account: string, { held, spent, unknown }: Balance, until: number | undefined): void => {
      statement(`INSERT INTO plugline_budget_accounts VALUES (?, ?, ?, ?, ?) ON CONFLICT (account) DO UPDATE SET
        spent = excluded.spent, held = excluded.held, unknown = excluded.unknown,
        until = coalesce(until, excluded.until)`)
        .run(account, spent.toString(), held.toString(), unknown, until ?? null)
    }
    const book = (account: string, hold: string, at: number, kind: Entry["kind"], amount: Amount): void => {
      statement("INSERT INTO plugline_budget_ledger (account, hold, at, kind, amount) VALUES (?, ?, ?, ?, ?)")
        .run(account, hold, at, kind, amount.toString())
    }
    /** What the account stands at once all that has run out is charged. */
    const expire = (account: string, balance: Balance, now: number): Balance => {
      const due = statement(`SELECT id, amount FROM plugline_budget_holds
        WHERE account = ? AND expired = 0 AND expires <= ?`)
        .all(account, now) as unknown as ReadonlyArray<HoldRow>
      if (due.length === 0) return balance
      let { held, spent } = balance
      for (const row of due) {
        const amount = BigInt(row.amount)
        held -= amount
        spent += amount
        book(account, row.id, now, "expired", amount)
        statement("UPDATE plugline_budget_holds SET expired = 1 WHERE account = ? AND id = ?").run(account, row.id)
      }
      const after = { spent, held, unknown: balance.unknown }
      write(account, after, undefined)
      return after
    }

    return {
      reserve: ({ amount, claims, expires, id }, now) =>
        transaction(() => {
          const found = claims.map(({ account }) => read(account))
          const before = found.map(({ spent }) => spent)
          const balances = found.map((balance, index) => expire(claims[index]!.account, balance, now))
          const refused = refusedBy(claims, balances, amount)
          if (refused !== undefined) return { refused, balances, before }
          const held = balances.map((balance, index): Balance => {
            const { account, until } = claims[index]!
            const added = statement("INSERT OR IGNORE INTO plugline_budget_holds VALUES (?, ?, ?, ?, 0)")
              .run(account, id, amount.toString(), expires)
            if (added.changes === 0) return balance
            const after = { ...balance, held: balance.held + amount }
            write(account, after, until)
            return after
          })
          return { balances: held, before }
        }),
      settle: ({ accounts, amount, id, unknown }, now) =>
        transaction(() =>
          accounts.map((account): Settled => {
            const balance = read(account)
            const row = statement(`DELETE FROM plugline_budget_holds
              WHERE account = ? AND id = ? RETURNING amount, expired`)
              .get(account, id) as unknown as HoldRow | undefined
            if (row === undefined) return { account, outcome: "absent", before: balance.spent, balance }
            const late = row.expired === 1
            const reserved = BigInt(row.amount)
            const charged = late ? amount - reserved : amount
            const after = {
              spent: balance.spent + charged,
              held: late ? balance.held : balance.held - reserved,
              unknown: balance.unknown + (unknown ? 1 : 0)
            }
            book(account, id, now, late ? "correction" : "charge", charged)
            write(account, after, undefined)
            return { account, outcome: late ? "late" : "settled", before: balance.spent, balance: after }
          })),
      balances: (accounts, now) => transaction(() => accounts.map((account) => expire(account, read(account), now))),
      entries: (account) =>
        run(() =>
          statement("SELECT account, hold, at, kind, amount FROM plugline_budget_ledger WHERE account = ? ORDER BY seq")
            .all(account).map((row) => ({ ...row, amount: BigInt(row.amount as string) }) as unknown as Entry))
    }
  })
)

/** Forgets accounts whose period ended longer than 31 days ago, with their ledgers. For a task that runs once a day. */
export const forget = (now: number): Effect.Effect<number, StoreError, Sqlite> =>
  Effect.flatMap(Sqlite, ({ statement, transaction }) =>
    transaction(() => {
      const gone = "(SELECT account FROM plugline_budget_accounts WHERE until < ?)"
      statement(`DELETE FROM plugline_budget_ledger WHERE account IN ${gone}`).run(now - retention)
      statement(`DELETE FROM plugline_budget_holds WHERE account IN ${gone}`).run(now - retention)
      return Number(statement("DELETE FROM plugline_budget_accounts WHERE until < ?").run(now - retention).changes)
    }))
