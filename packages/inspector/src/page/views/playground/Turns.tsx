/**
 * The turns of a conversation in the playground.
 *
 * @module
 */
import { Footprints } from "lucide-react"
import { useState } from "react"
import { to } from "../../app/route.ts"
import { Button, Text } from "../../ui/controls.tsx"
import { cost, count, duration, toneOfCache } from "../../ui/format.ts"
import { Message, PieceView } from "../../ui/messages.tsx"
import { Badge, Notice } from "../../ui/surfaces.tsx"
import type { Answer, ToolCall, Turn } from "./chat.ts"

/** One turn of the conversation. */
export const TurnView = ({ arriving = false, turn }: { readonly turn: Turn; readonly arriving?: boolean }) => {
  if (turn.role === "user")
    return (
      <Message role="user">
        <p>{turn.text}</p>
      </Message>
    )
  if (turn.role === "tool")
    return (
      <Message role="tool">
        <PieceView piece={{ type: "tool-result", id: turn.call.id, name: turn.call.name, result: turn.text, isFailure: false }} />
      </Message>
    )
  const { about, calls, reasoning, text } = turn
  return (
    <Message role="assistant">
      {reasoning !== "" && <PieceView piece={{ type: "reasoning", text: reasoning }} />}
      {(text !== "" || arriving) && (
        <p className="so-far">
          {text}
          {arriving && <span className="caret" aria-hidden />}
        </p>
      )}
      {calls.map(({ arguments: params, id, name }, index) => (
        <PieceView key={index} piece={{ type: "tool-call", id, name, params: jsonOr(params) }} />
      ))}
      {about.error !== undefined && (
        <Notice tone="bad" title={about.status === undefined || about.status === 200 ? "It broke off" : `${about.status}`}>
          <p>{about.error}</p>
        </Notice>
      )}
      {about.stopped === true && (
        <Notice tone="warn" title="You stopped it">
          <p>The service was told to stop, too.</p>
        </Notice>
      )}
      {!arriving && <Footer about={about} />}
    </Message>
  )
}

const jsonOr = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const Footer = ({
  about: { cache, cost: usd, finish, first, id, inputTokens, model, outputTokens, took }
}: {
  readonly about: Answer["about"]
}) => (
  <footer className="turn-foot num">
    {model !== undefined && <span>{model}</span>}
    {took !== undefined && <span>{duration(took)}</span>}
    {first !== undefined && <span>first token {duration(first)}</span>}
    {(inputTokens !== undefined || outputTokens !== undefined) && (
      <span>
        {count(inputTokens)} in, {count(outputTokens)} out
      </span>
    )}
    {usd !== undefined && <span>{usd === "unknown" ? "cost unknown" : cost(usd)}</span>}
    {cache !== undefined && <Badge tone={toneOfCache(cache)}>{cache}</Badge>}
    {finish !== undefined && finish !== "stop" && <span>{finish}</span>}
    {id !== undefined && (
      <a className="button" href={to("traces", id, "walk")}>
        <Footprints aria-hidden />
        Walk this request
      </a>
    )}
  </footer>
)

/** Where nobody runs a tool, whoever asks says what it would have answered. */
export const ToolAnswer = ({ call, onAnswer }: { readonly call: ToolCall; readonly onAnswer: (text: string) => void }) => {
  const [text, setText] = useState("")
  return (
    <form
      className="card tool-answer"
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim() !== "") onAnswer(text)
      }}
    >
      <Text label={`What ${call.name} answers`} value={text} onChange={setText} mono placeholder='{"celsius": 21}' />
      <Button type="submit" isDisabled={text.trim() === ""}>
        Answer for the tool
      </Button>
    </form>
  )
}
