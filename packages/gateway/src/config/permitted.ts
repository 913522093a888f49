/**
 * Holds a call to the providers and models its caller may use, also where a plug in front sends it on to another.
 *
 * @module
 */
import { Key, LlmError, Plug, Request, Suggest } from "plugline"
import { matches, namesModel } from "../auth/pattern.ts"

/** What a call is held to: lists of patterns, each of which must name whoever is asked. */
export interface Bounds {
  readonly providers: ReadonlyArray<ReadonlyArray<string>>
  readonly models: ReadonlyArray<ReadonlyArray<string>>
}

/** Who is asked for what. */
export interface Place {
  readonly provider: string
  readonly model: string | undefined
}

const first = Key.make<Place>("gateway.asked")

/**
 * Notes what was asked for when the call came: that much was permitted by whatever name the client gave it. It stands in front of
 * all that could send the call elsewhere.
 */
export const asked: Plug = Plug.make("asked", (request) => {
  const { options: { model }, provider, state } = request
  return state === "pending" ? Request.putPrivate(request, first, { provider, model }) : request
})

/**
 * The same for a request that may have been changed on its way here: what was permitted is what it asked for before that, or
 * nothing so far.
 */
export const askedBefore = (place: Place | undefined): Plug => Plug.make(asked.name, (request) =>
  request.state === "pending" && place !== undefined ? Request.putPrivate(request, first, place) : request)

/** Lets a call on to what the bounds name. It stands right in front of the providers; with models, behind {@link asked}. */
export const permitted = ({ models, providers }: Bounds): Plug =>
  Plug.make("permitted", (request) => {
    const { options: { model }, provider, state } = request
    if (state !== "pending") return request
    if (!providers.every((list) => list.some((each) => matches(each, provider)))) {
      return refused(request, `the provider ${Suggest.quote(provider)}`)
    }
    const before = Request.getPrivate(request, first)
    const isMoved = before === undefined || before.provider !== provider || before.model !== model
    if (!isMoved || models.every((list) => namesModel(list, { provider, ...(model !== undefined && { model }) }))) return request
    const what = model === undefined ? `a model that ${provider} chooses` : `the model ${Suggest.quote(`${provider}/${model}`)}`
    return refused(request, what)
  }, { options: { providers, ...(models.length > 0 && { models }) } })

const refused = (request: Request, what: string): Request =>
  Request.fail(request, LlmError.make({ _tag: "Permission", status: 403, message: `whoever asks may not use ${what}` }))
