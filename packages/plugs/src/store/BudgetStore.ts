/**
 * Where budgets keep what is spent and what is held. In memory here; `Budget.sqlite` keeps it in a file, `Budget.redis`
 * and `Budget.postgres` where several processes share it.
 *
 * Every store keeps the same book. A hold is taken from several accounts in one step, from all or from none. Settling
 * it replaces it with what was charged. A hold whose time has run out becomes a charge of all it held: whoever crashed
 * pays. If its holder settles it after all, the difference is booked back. Each charge is an entry of a ledger that is
 * only ever added to, and the sum of an account's entries is what is spent.
 *
 * @module
 */
import { Context, Layer } from "effect"
import type { Amount } from "../cost/amount.ts"
import type { Now } from "../cost/now.ts"
import { StoreError } from "./patience.ts"

/** One account a hold is taken from. */
export interface Claim {
  readonly account: string
  /** Most that may be spent and held together. Absent: the account counts, and never refuses. */
  readonly limit?: Amount
  /** When the account's period ends, ms since 1970; afterwards it may be forgotten. Absent: it never ends. */
  readonly until?: number
}

/** What is to be held. */
export interface Hold {
  /** Unique: a hold of the same id is the same hold. */
  readonly id: string
  readonly amount: Amount
  /** When it becomes a charge, ms since 1970. */
  readonly expires: number
  readonly claims: ReadonlyArray<Claim>
}

/** What an account stands at. */
export interface Balance {
  readonly spent: Amount
  readonly held: Amount
  /** Charges of which nobody knows how much they were. */
  readonly unknown: number
}

/** What became of a hold. */
export interface Reservation {
  /** Index of the first claim that refused; absent where all agreed. Then nothing is held anywhere. */
  readonly refused?: number
  /** Each claim's account, afterwards. */
  readonly balances: ReadonlyArray<Balance>
  /** What each account had spent before expired holds were charged. */
  readonly before: ReadonlyArray<Amount>
}

/** What a hold is replaced with. */
export interface Settlement {
  readonly id: string
  /** The accounts it was taken from. */
  readonly accounts: ReadonlyArray<string>
  readonly amount: Amount
  /** Whether nobody knows what was charged. `amount` is then what it is taken for. */
  readonly unknown: boolean
}

/** What became of a settlement, account by account. */
export interface Settled {
  readonly account: string
  /**
   * `settled`; `late`, when it had become a charge before; `absent`, when there is no such hold: nothing was changed.
   */
  readonly outcome: "settled" | "late" | "absent"
  /** What the account had spent before, and stands at now. */
  readonly before: Amount
  readonly balance: Balance
}

/** One line of the ledger. */
export interface Entry {
  readonly account: string
  readonly hold: string
  /** ms since 1970. */
  readonly at: number
  /**
   * `charge`: a call was paid; `expired`: a hold became a charge; `correction`: what a late settlement adds or takes
   * back.
   */
  readonly kind: "charge" | "expired" | "correction"
  readonly amount: Amount
}

/**
 * Where budgets are kept. A store in memory answers at once, any other with an Effect. Times are the caller's, ms since
 * 1970.
 */
export class BudgetStore extends Context.Service<BudgetStore, {
  /** Charges holds that have run out, then takes the new one from all accounts or from none. */
  readonly reserve: (hold: Hold, now: number) => Now<Reservation, StoreError>
  /** Replaces a hold with what was charged. Doing it again changes nothing. */
  readonly settle: (settlement: Settlement, now: number) => Now<ReadonlyArray<Settled>, StoreError>
  /** Charges holds that have run out, and tells what accounts stand at. */
  readonly balances: (accounts: ReadonlyArray<string>, now: number) => Now<ReadonlyArray<Balance>, StoreError>
  /** An account's ledger, the oldest entry first. */
  readonly entries: (account: string) => Now<ReadonlyArray<Entry>, StoreError>
}>()("@plugline/plugs/BudgetStore") {}

/** An account of which nothing is known yet. */
export const empty: Balance = Object.freeze({ spent: 0n, held: 0n, unknown: 0 })

/** Index of the first claim that cannot bear the amount, if any. */
export const refusedBy = (
  claims: ReadonlyArray<Claim>,
  balances: ReadonlyArray<Balance>,
  amount: Amount
): number | undefined => {
  for (let index = 0; index < claims.length; index++) {
    const { limit } = claims[index]!
    const { held, spent } = balances[index]!
    if (limit !== undefined && spent + held + amount > limit) return index
  }
  return undefined
}

/** How long an account is kept after its period has ended, in ms: 31 days, for late settlements and questions. */
export const retention = 31 * 86_400_000

/** How much is kept in memory. */
export interface MemoryBudgetOptions {
  /**
   * Most accounts. Beyond it those whose period has ended go; where none has, new ones are refused. Default: 100,000.
   */
  readonly accounts?: number
  /** Most ledger entries per account; the oldest go, and the sums stay exact. Default: 1,000. */
  readonly entries?: number
}

interface Line {
  amount: Amount
  expires: number
  expired: boolean
}

interface Account {
  spent: Amount
  held: Amount
  unknown: number
  until: number
  /** No hold runs out before this time. */
  earliest: number
  readonly lines: Map<string, Line>
  readonly ledger: Array<Entry>
}

/** Budgets in memory: those of one process, gone with it. */
export const memory = (options: MemoryBudgetOptions = {}): Layer.Layer<BudgetStore> =>
  Layer.sync(BudgetStore, () => makeMemory(options))

/** @internal The store itself, for tests that need no layer. */
export const makeMemory = (options: MemoryBudgetOptions = {}): BudgetStore["Service"] => {
  const { accounts: mostAccounts = 100_000, entries: mostEntries = 1_000 } = options
  const accounts = new Map<string, Account>()
  let pruned = Number.NEGATIVE_INFINITY

  const write = (account: Account, entry: Entry): void => {
    account.spent += entry.amount
    account.ledger.push(entry)
    if (account.ledger.length > mostEntries * 1.25) account.ledger.splice(0, account.ledger.length - mostEntries)
  }

  /** Charges what has run out; looks only when something can have. */
  const expire = (name: string, account: Account, now: number): void => {
    if (now < account.earliest) return
    account.earliest = Number.POSITIVE_INFINITY
    for (const [hold, line] of account.lines) {
      if (line.expired) continue
      if (line.expires <= now) {
        line.expired = true
        account.held -= line.amount
        write(account, { account: name, hold, at: now, kind: "expired", amount: line.amount })
      } else account.earliest = Math.min(account.earliest, line.expires)
    }
  }

  const open = (name: string, until: number, now: number): Account => {
    let account = accounts.get(name)
    if (account === undefined) {
      if (accounts.size >= mostAccounts) prune(now)
      const earliest = Number.POSITIVE_INFINITY
      account = { spent: 0n, held: 0n, unknown: 0, until, earliest, lines: new Map(), ledger: [] }
      accounts.set(name, account)
    }
    return account
  }

  const prune = (now: number): void => {
    // At most once a minute: a flood of names must not cost a walk each.
    if (now - pruned >= 60_000) {
      pruned = now
      for (const [name, { held, until }] of accounts) if (until <= now && held === 0n) accounts.delete(name)
    }
    if (accounts.size >= mostAccounts) throw new StoreError("budget", `there are ${mostAccounts} accounts already`)
  }

  const balanceOf = (account: Account | undefined): Balance =>
    account === undefined ? empty : { spent: account.spent, held: account.held, unknown: account.unknown }

  return {
    reserve: ({ amount, claims, expires, id }, now) => {
      const opened = claims.map(({ account, until = Number.POSITIVE_INFINITY }) => open(account, until, now))
      const before = opened.map(({ spent }) => spent)
      opened.forEach((account, index) => expire(claims[index]!.account, account, now))
      const refused = refusedBy(claims, opened, amount)
      if (refused !== undefined) return { refused, balances: opened.map(balanceOf), before }
      for (const account of opened) {
        if (account.lines.has(id)) continue
        account.held += amount
        account.lines.set(id, { amount, expires, expired: false })
        account.earliest = Math.min(account.earliest, expires)
      }
      return { balances: opened.map(balanceOf), before }
    },
    settle: ({ accounts: names, amount, id, unknown }, now) =>
      names.map((name): Settled => {
        const account = accounts.get(name)
        const line = account?.lines.get(id)
        if (account === undefined || line === undefined) {
          return { account: name, outcome: "absent", before: account?.spent ?? 0n, balance: balanceOf(account) }
        }
        const before = account.spent
        account.lines.delete(id)
        if (unknown) account.unknown++
        if (line.expired) {
          write(account, { account: name, hold: id, at: now, kind: "correction", amount: amount - line.amount })
        } else {
          account.held -= line.amount
          write(account, { account: name, hold: id, at: now, kind: "charge", amount })
        }
        return { account: name, outcome: line.expired ? "late" : "settled", before, balance: balanceOf(account) }
      }),
    balances: (names, now) =>
      names.map((name) => {
        const account = accounts.get(name)
        if (account !== undefined) expire(name, account, now)
        return balanceOf(account)
      }),
    entries: (name) => [...accounts.get(name)?.ledger ?? []]
  }
}
