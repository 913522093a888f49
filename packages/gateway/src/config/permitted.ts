/**
 * Holds a call to the providers its caller may use, also where a plug in front sends it on to another.
 *
 * @module
 */
import { LlmError, Plug, Request, Suggest } from "plugline"
import { matches } from "../auth/pattern.ts"

/** Each list must name the provider that is asked. It stands right in front of the providers. */
export const permitted = (providers: ReadonlyArray<ReadonlyArray<string>>): Plug =>
  Plug.make("permitted", (request) => {
    const { provider } = request
    if (request.state !== "pending" || providers.every((list) => list.some((each) => matches(each, provider)))) return request
    return Request.fail(request, LlmError.make({
      _tag: "Permission",
      status: 403,
      message: `whoever asks may not use the provider ${Suggest.quote(provider)}`
    }))
  }, { options: { providers } })
