/**
 * Conversations as conversations. Whatever a model or a person wrote is shown as text: no links, no pictures, no markup.
 *
 * @module
 */
import { BookOpen, Brain, CornerDownRight, FileText, MessageCircle, Sparkles, Wrench } from "lucide-react"
import type { ReactNode } from "react"
import { bytes } from "./format.ts"
import { JsonTree, LongText } from "./json.tsx"
import type { Piece, Said } from "./said.ts"
import "./messages.css"

const roles: { readonly [role: string]: { readonly name: string; readonly icon: typeof Wrench } } = {
  system: { name: "system", icon: BookOpen },
  user: { name: "user", icon: MessageCircle },
  assistant: { name: "assistant", icon: Sparkles },
  tool: { name: "tool", icon: Wrench }
}

/** Who said it, and what. `mark`: what became of it. */
export const Message = ({
  children,
  index,
  mark,
  role
}: {
  readonly role: string
  readonly index?: number | undefined
  readonly mark?: "added" | "removed" | "changed" | undefined
  readonly children: ReactNode
}) => {
  const { icon: Icon, name } = roles[role] ?? { icon: MessageCircle, name: role }
  return (
    <article
      className="message"
      data-role={role}
      data-mark={mark}
      aria-label={`${mark === undefined ? "" : `${mark} `}${name} message`}
    >
      <header>
        <Icon aria-hidden />
        <span>{name}</span>
        {index !== undefined && <span className="message-place">messages[{index}]</span>}
        {mark !== undefined && (
          <span className="mark-word" data-mark={mark}>
            {mark}
          </span>
        )}
      </header>
      <div className="message-body">{children}</div>
    </article>
  )
}

export const Messages = ({ messages }: { readonly messages: ReadonlyArray<Said> }) => (
  <div className="messages">
    {messages.map(({ content, role }, index) => (
      <Message key={index} role={role} index={index}>
        <Pieces content={content} />
      </Message>
    ))}
  </div>
)

/** The pieces of a content: a text, or a list of parts. */
export const Pieces = ({ content }: { readonly content: unknown }): ReactNode => {
  if (typeof content === "string") return <LongText text={content} limit={2_000} />
  if (!Array.isArray(content)) return <JsonTree value={content} label="content" />
  return content.map((piece: Piece, index) => <PieceView key={index} piece={piece} />)
}

export const PieceView = ({ piece }: { readonly piece: Piece }): ReactNode => {
  const { data, fileName, id, isFailure, mediaType, name, params, result, text, type } = piece
  switch (type) {
    case "text":
      return (
        <p>
          <LongText text={String(text)} limit={2_000} />
        </p>
      )
    case "reasoning":
      return (
        <div className="piece" data-kind="reasoning">
          <span className="piece-head">
            <Brain aria-hidden />
            reasoning
          </span>
          <p>
            <LongText text={String(text)} limit={1_200} />
          </p>
        </div>
      )
    case "tool-call":
      return (
        <div className="piece">
          <span className="piece-head">
            <Wrench aria-hidden />
            calls <code>{String(name)}</code>
            <span className="faint">{String(id)}</span>
          </span>
          <JsonTree value={params} label={`Arguments of ${String(name)}`} />
        </div>
      )
    case "tool-result":
      return (
        <div className="piece" data-failed={isFailure === true ? "" : undefined}>
          <span className="piece-head">
            <CornerDownRight aria-hidden />
            <code>{String(name)}</code> {isFailure === true ? "failed with" : "answered"}
            <span className="faint">{String(id)}</span>
          </span>
          {typeof result === "string" ? (
            <p>
              <LongText text={result} limit={1_200} />
            </p>
          ) : (
            <JsonTree value={result} label={`Result of ${String(name)}`} />
          )}
        </div>
      )
    case "file":
      return (
        <div className="piece">
          <span className="piece-head">
            <FileText aria-hidden />
            {typeof fileName === "string" ? fileName : "file"}
            <span className="faint">
              {String(mediaType)}, {placeOf(data)}
            </span>
          </span>
        </div>
      )
    default:
      return (
        <div className="piece">
          <span className="piece-head">{String(type)}</span>
          <JsonTree value={piece} label={String(type)} open={1} />
        </div>
      )
  }
}

const placeOf = (data: unknown): string => {
  if (typeof data === "string") return bytes(Math.floor((data.length * 3) / 4))
  const { base64, href } = (data ?? {}) as { readonly href?: unknown; readonly base64?: unknown }
  if (typeof href === "string") return `at ${href}`
  return typeof base64 === "string" ? bytes(Math.floor((base64.length * 3) / 4)) : "not kept"
}
