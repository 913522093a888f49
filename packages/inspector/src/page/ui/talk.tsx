/**
 * Two conversations as one: which messages came, went and changed, and in them which words.
 *
 * @module
 */
import { useMemo, useState } from "react"
import { type Aligned, words } from "./align.ts"
import { many } from "./format.ts"
import { Message, Pieces, PieceView } from "./messages.tsx"
import type { Piece } from "./said.ts"

/** Two conversations as one. */
export const TalkDiff = ({ aligned }: { readonly aligned: ReadonlyArray<Aligned> }) => {
  const groups: Array<Aligned | ReadonlyArray<Aligned & { readonly kind: "same" }>> = []
  for (const each of aligned) {
    const last = groups.at(-1)
    if (each.kind !== "same") groups.push(each)
    else if (Array.isArray(last)) groups[groups.length - 1] = [...last, each]
    else groups.push([each])
  }
  return (
    <div className="messages">
      {groups.map((group, index) =>
        isSame(group) ? <SameMessages key={index} group={group} /> : <AlignedView key={index} aligned={group} />
      )}
    </div>
  )
}

const isSame = (
  group: Aligned | ReadonlyArray<Aligned & { readonly kind: "same" }>
): group is ReadonlyArray<Aligned & { readonly kind: "same" }> => Array.isArray(group)

const SameMessages = ({ group }: { readonly group: ReadonlyArray<Aligned & { readonly kind: "same" }> }) => {
  const [open, setOpen] = useState(false)
  if (!open)
    return (
      <button type="button" className="same-fold" onClick={() => setOpen(true)}>
        {many(group.length, "message")} unchanged
      </button>
    )
  return group.map(({ after, message }) => (
    <Message key={after} role={message.role} index={after}>
      <Pieces content={message.content} />
    </Message>
  ))
}

const AlignedView = ({ aligned }: { readonly aligned: Aligned }) => {
  switch (aligned.kind) {
    case "added":
      return (
        <Message role={aligned.message.role} index={aligned.after} mark="added">
          <Pieces content={aligned.message.content} />
        </Message>
      )
    case "removed":
      return (
        <Message role={aligned.message.role} index={aligned.before} mark="removed">
          <Pieces content={aligned.message.content} />
        </Message>
      )
    case "changed":
      return (
        <Message role={aligned.to.role} index={aligned.after} mark="changed">
          <ContentDiff before={aligned.from.content} after={aligned.to.content} />
        </Message>
      )
    case "same":
      return (
        <Message role={aligned.message.role} index={aligned.after}>
          <Pieces content={aligned.message.content} />
        </Message>
      )
  }
}

const pieces = (content: unknown): ReadonlyArray<Piece> =>
  typeof content === "string"
    ? [{ type: "text", text: content }]
    : Array.isArray(content)
      ? (content as ReadonlyArray<Piece>)
      : []

const ContentDiff = ({ after, before }: { readonly before: unknown; readonly after: unknown }) => {
  const [a, b] = [pieces(before), pieces(after)]
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => (
    <PieceDiff key={index} before={a[index]} after={b[index]} />
  ))
}

const PieceDiff = ({ after, before }: { readonly before: Piece | undefined; readonly after: Piece | undefined }) => {
  if (
    before !== undefined
    && after !== undefined
    && before.type === after.type
    && typeof before.text === "string"
    && typeof after.text === "string"
  ) {
    return (
      <p>
        <WordDiff before={before.text} after={after.text} />
      </p>
    )
  }
  if (before !== undefined && after !== undefined && JSON.stringify(before) === JSON.stringify(after))
    return <PieceView piece={after} />
  return (
    <>
      {before !== undefined && (
        <div className="piece-was" data-kind="removed">
          <PieceView piece={before} />
        </div>
      )}
      {after !== undefined && (
        <div className="piece-was" data-kind="added">
          <PieceView piece={after} />
        </div>
      )}
    </>
  )
}

/** Two answers as one. */
export const AnswerDiff = ({
  after,
  before
}: {
  readonly before: ReadonlyArray<Piece> | undefined
  readonly after: ReadonlyArray<Piece> | undefined
}) => (
  <Message role="assistant" mark={before === undefined ? "added" : after === undefined ? "removed" : "changed"}>
    {before === undefined || after === undefined ? (
      <Pieces content={after ?? before} />
    ) : (
      <ContentDiff before={before} after={after} />
    )}
  </Message>
)

/** A text with the words that came and went. */
export const WordDiff = ({ after, before }: { readonly before: string; readonly after: string }) => {
  const found = useMemo(() => words(before, after), [before, after])
  return (
    <span className="word-diff">
      {found.map(({ kind, text }, index) =>
        kind === "added" ? (
          <ins key={index}>{text}</ins>
        ) : kind === "removed" ? (
          <del key={index}>{text}</del>
        ) : (
          <Same key={index} text={text} first={index === 0} last={index === found.length - 1} />
        )
      )}
    </span>
  )
}

/** Of a long stretch that stayed the same, its ends are enough. */
const Same = ({ first, last, text }: { readonly text: string; readonly first: boolean; readonly last: boolean }) => {
  const [all, setAll] = useState(false)
  if (all || text.length < 700) return <span>{text}</span>
  const [head, tail] = [first ? "" : text.slice(0, 200), last ? "" : text.slice(-200)]
  return (
    <span>
      {head}
      <button type="button" className="more" onClick={() => setAll(true)}>
        … {(text.length - head.length - tail.length).toLocaleString("en-US")} characters unchanged …
      </button>
      {tail}
    </span>
  )
}
