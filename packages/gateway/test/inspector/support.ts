/** What the tests of the inspector have in common. */
import type { Recorded, Summary } from "@plugline/inspector"
import { Effect } from "effect"
import { expect } from "vitest"
import { type Body, type Person, question, type Site } from "../admin/site.ts"
import { after, ask, type Ask, type Stage } from "../server/harness.ts"

/** Waits until something is so. */
export const until = async (is: () => boolean | Promise<boolean>, what = "it"): Promise<void> => {
  const end = performance.now() + 8_000
  while (!await is()) {
    if (performance.now() > end) throw new Error(`${what} did not come`)
    await after(10)
  }
}

/** Asks the API of a gateway, as somebody or as nobody. */
export type Asking = (path: string, more?: Ask) => Promise<{ readonly status: number; readonly json: Body; readonly text: string }>

/** Whoever asks on an open stage. */
export const openly = ({ address }: Stage): Asking => async (path, more) => {
  const { status, text } = await ask(address, path, more)
  let json: Body
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status, text, json }
}

/** Whoever asks with a key. */
export const as = (site: Site, who: Person): Asking => (path, more) => site.as(who, path, more)

/** What is kept of a request, once it is. */
export const summaryOf = async (api: Asking, id: string): Promise<Summary> => {
  let found: Summary | undefined
  await until(async () => {
    const { json } = await api(`/inspector/api/traces?q=${id}`)
    found = (json.traces as ReadonlyArray<Summary>).find((each) => each.id === id)
    return found !== undefined
  }, id)
  return found!
}

/** A request with everything that is kept of it, once it is. */
export const recordedOf = async (api: Asking, id: string): Promise<Recorded> => {
  await summaryOf(api, id)
  const { json, status, text } = await api(`/inspector/api/traces/${id}`)
  expect(status, text).toBe(200)
  return json as Recorded
}

/** Asks a model on an open stage, and says under which id. */
export const called = async ({ address }: Stage, body: object = {}, path = "/v1/chat/completions") => {
  const answered = await ask(address, path, { body: question(body) })
  return { ...answered, id: String(answered.headers["x-request-id"]) }
}

/** A plain step of a trace. */
export const namesOf = ({ trace }: Recorded): ReadonlyArray<unknown> => trace.steps.map(({ name }) => name)

export const run = Effect.runPromise
