/**
 * Keeps what is costly to open, or remembers something, open across configurations that say the same of it.
 *
 * @module
 */
import { type Context, Effect, Exit, Layer, Redacted, Scope } from "effect"
import { createHash } from "node:crypto"

/** Something that is open, for one who uses it. */
export interface Lease<A> {
  readonly context: Context.Context<A>
  /** Says that it is used no more; the last who does closes it. */
  readonly release: Effect.Effect<void>
}

interface Open<A> {
  readonly context: Context.Context<A>
  readonly scope: Scope.Closeable
  users: number
}

/** Things that are opened once for all who ask for the same. They are closed with `scope` at the latest. */
export const parts = <A, E = never>(scope: Scope.Scope) => {
  const known = new Map<string, Open<A>>()
  const release = (key: string, open: Open<A>): Effect.Effect<void> => {
    let using = true
    return Effect.suspend(() => {
      if (!using) return Effect.void
      using = false
      if (--open.users > 0) return Effect.void
      if (known.get(key) === open) known.delete(key)
      return Scope.close(open.scope, Exit.void)
    })
  }
  /** What the layer gives, opened now unless it is open under the same key. Not to be called twice at a time. */
  const take = (key: string, layer: Layer.Layer<A, E>): Effect.Effect<Lease<A>, E> =>
    Effect.gen(function*() {
      let open = known.get(key)
      if (open === undefined) {
        const own = yield* Scope.fork(scope)
        const context = yield* Effect.onError(Layer.buildWithScope(layer, own), () => Scope.close(own, Exit.void))
        known.set(key, open = { context, scope: own, users: 0 })
      }
      open.users++
      return { context: open.context, release: release(key, open) }
    })
  return { take }
}

/** A secret as part of a key: its digest, which tells it from others and says nothing of it. */
export const digest = (value: Redacted.Redacted<string> | undefined): string =>
  value === undefined ? "" : createHash("sha256").update(Redacted.value(value)).digest("hex")
