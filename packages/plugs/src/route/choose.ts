/**
 * Finds out which targets a request may go to, and what it goes by. Pure.
 *
 * @module
 */
import { type Key as KeyOf, Key, type LlmError, Message, Request } from "@plugline/core"
import * as Identity from "../identity.ts"
import type { Outcome } from "./RouteState.ts"

/** A conversation's own id, where a plug in front knows one: `sticky` goes by it first. */
export const session: KeyOf<string> = Key.make<string>("route.session")

/** Names of targets, by what callers write as the model. */
export type Aliases = { readonly [alias: string]: string | ReadonlyArray<string> }

interface Named {
  readonly name: string
  readonly provider: string
  readonly model?: string | undefined
}

/**
 * The targets that a model's name means: `auto` and none mean all; an alias those it lists; else those of that name or
 * model.
 */
export const meant = <T extends Named>(model: string | undefined, targets: ReadonlyArray<T>, aliases: Aliases): ReadonlyArray<T> => {
  if (model !== undefined && Object.hasOwn(aliases, model)) {
    const listed = aliases[model]!
    const names = typeof listed === "string" ? [listed] : listed
    return [...new Set(names.flatMap((name) => targets.filter((target) => is(target, name))))]
  }
  return model === undefined || model === "auto" ? targets : targets.filter((target) => is(target, model))
}

const is = ({ model, name, provider }: Named, word: string): boolean =>
  name === word || model === word || (model !== undefined && `${provider}/${model}` === word)

/** Who is asking, for experiments: the user, the key, the session. `undefined` where nobody says. */
export const personOf = (request: Request): string | undefined => {
  const { key, tenant, user } = Identity.of(request)
  const who = user ?? key ?? request.options.user ?? Request.get(request, session)
  return who === undefined ? undefined : JSON.stringify([tenant ?? "", who])
}

/**
 * What keeps a conversation at one target, whose cache of prompts knows it: the session, else the user, else how the
 * conversation begins.
 */
export const stickyKeyOf = (request: Request): string | undefined => {
  const id = Request.get(request, session)
  if (id !== undefined) return JSON.stringify([Identity.of(request).tenant ?? "", id])
  return personOf(request) ?? beginning(request)
}

const beginning = ({ messages }: Request): string | undefined => {
  const turn = messages.findIndex(({ role }) => role === "user")
  const text = Message.text(messages.slice(0, turn + 1))
  return text === "" ? undefined : text.slice(0, 8_192)
}

/** What an ended request says of its target's health: nothing, where it was left, limited, or refused by a plug. */
export const outcomeOf = (error: LlmError | undefined): Outcome => {
  switch (error?.reason._tag) {
    case "Halted":
    case "Plug":
    case "RateLimit":
    case "Transition":
    case "Unsupported":
      return "none"
    case undefined:
    case "ContentPolicy":
    case "ContextLength":
    case "InvalidRequest":
      return "good"
    default:
      return "bad"
  }
}
