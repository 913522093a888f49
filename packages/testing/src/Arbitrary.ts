/**
 * Random values of every public type of `@plugline/core`, for property tests with `fast-check`: plain ones, and the odd
 * and hostile ones that come in from outside.
 *
 * @example
 * ```ts
 * import { Request } from "@plugline/core"
 * import { Arbitrary } from "@plugline/testing"
 * import fc from "fast-check"
 *
 * const sound = fc.property(Arbitrary.request(), (request) => Request.toJson(request).id === request.id)
 * fc.check(sound).failed // => false
 * ```
 *
 * @module
 */
export * from "./arbitrary/data.ts"
export * from "./arbitrary/message.ts"
export * from "./arbitrary/options.ts"
export * from "./arbitrary/part.ts"
export * from "./arbitrary/pipeline.ts"
export * from "./arbitrary/request.ts"
