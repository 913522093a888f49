/**
 * Runs one contender in a process of its own: makes it, then does its work as often as the parent asks for and
 * tells what each turn took.
 *
 * `node worker.ts MODULE NAME JSON`: the contender `NAME` of `contenders/MODULE.ts`, made with an argument.
 *
 * @module
 */

/** Does its work `count` times. */
export type Contender = (count: number) => void | Promise<void>

/** The contenders of one module, by name. */
export interface Contenders<A> {
  readonly [name: string]: (argument: A) => Contender | Promise<Contender>
}

/** What the parent hears: once that work can begin, and then of each turn what it took, all threads, in µs. */
export type Reply = { readonly ready: true } | { readonly cpu: number } | { readonly failed: string }

const reply = (message: Reply): void => {
  // A parent that is gone wants no answer; the process ends with `disconnect`.
  process.send?.(message, undefined, undefined, () => {})
}

const failed = (thrown: unknown): void => {
  reply({ failed: thrown instanceof Error ? thrown.stack ?? thrown.message : String(thrown) })
}

const measure = async (work: Contender, count: number): Promise<number> => {
  const before = process.cpuUsage()
  const pending = work(count)
  if (pending !== undefined) await pending
  const { system, user } = process.cpuUsage(before)
  return system + user
}

const [module, name = "", argument = "null"] = process.argv.slice(2)
process.on("disconnect", () => process.exit())
try {
  const { contenders }: { contenders: Contenders<unknown> } = await import(`./contenders/${module}.ts`)
  const make = contenders[name]
  if (make === undefined) throw new Error(`contenders/${module}.ts has no contender ${name}`)
  const work = await make(JSON.parse(argument))
  process.on("message", (count: number) => {
    measure(work, count).then((cpu) => reply({ cpu }), failed)
  })
  reply({ ready: true })
} catch (thrown) {
  failed(thrown)
}
