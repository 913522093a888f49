/**
 * Typed names for what plugs tell each other. A key is declared beside the plug that writes it; a misspelt one does not
 * compile, and reading gives the type that was written.
 *
 * @module
 */

/** The name of a value of type `A` in a request's `assigns` or `private`. */
export interface Key<in out A> {
  readonly name: string
  /** Only for the type checker. */
  readonly _A?: (_: A) => A
}

/**
 * Declares a key. The name should tell whose it is: `"audit.user"`.
 *
 * @example
 * ```ts
 * import { Key, Request } from "@plugline/core"
 *
 * const user = Key.make<string>("audit.user")
 * const request = Request.make({ provider: "local", messages: "Hi" }).pipe(Request.assign(user, "ada"))
 * Request.get(request, user) // => "ada"
 * ```
 */
export const make = <A>(name: string): Key<A> => ({ name })
