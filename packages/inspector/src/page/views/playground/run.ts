/**
 * Sends a conversation through a pipeline and tells of the answer as it comes.
 *
 * @module
 */
import { send } from "../../api/client.ts"
import { events } from "../../api/events.ts"
import { added, type Answer, bodyOf, empty, type Settings, type Turn } from "./chat.ts"

/** Never throws: what went wrong stands in the answer. */
export const run = async (
  settings: Settings,
  turns: ReadonlyArray<Turn>,
  tell: (answer: Answer) => void,
  signal: AbortSignal
): Promise<Answer> => {
  const begun = performance.now()
  const took = () => performance.now() - begun
  let answer = empty
  const note = (about: Answer["about"]): void => {
    answer = { ...answer, about: { ...answer.about, ...about } }
  }
  try {
    const body = bodyOf(settings, turns)
    const response = await send(`/inspector/api/play/${encodeURIComponent(settings.pipeline)}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal
    })
    const id = response.headers.get("x-request-id")
    const cost = response.headers.get("x-plugline-cost-usd")
    const cache = response.headers.get("x-plugline-cache")
    note({
      status: response.status,
      ...(id !== null && { id }),
      ...(cost !== null && { cost }),
      ...(cache !== null && { cache })
    })
    if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) {
      for await (const { data } of events(response)) {
        if (data === "[DONE]") break
        const wasEmpty = answer.text === "" && answer.calls.length === 0 && answer.reasoning === ""
        answer = added(answer, JSON.parse(data))
        if (wasEmpty && (answer.text !== "" || answer.calls.length > 0 || answer.reasoning !== "")) note({ first: took() })
        tell(answer)
      }
    } else answer = added(answer, await response.json())
  } catch (thrown) {
    if (signal.aborted) note({ stopped: true })
    else
      note({
        error: thrown instanceof Error ? thrown.message : String(thrown),
        ...(thrown instanceof Error && "status" in thrown && { status: Number(thrown.status) })
      })
  }
  note({ took: took() })
  tell(answer)
  return answer
}
