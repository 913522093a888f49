/**
 * A field for JSON: numbered lines, colours, and the place of whatever is wrong. Loaded when it is needed.
 *
 * @module
 */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands"
import { json, jsonParseLinter } from "@codemirror/lang-json"
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, syntaxTree } from "@codemirror/language"
import { linter, lintGutter, lintKeymap } from "@codemirror/lint"
import { EditorState, RangeSetBuilder } from "@codemirror/state"
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  ViewPlugin,
  type ViewUpdate
} from "@codemirror/view"
import { useEffect, useRef } from "react"
import "./editor.css"

export interface JsonEditorProps {
  readonly label: string
  /** What is there at first, and whenever it becomes another text than what was typed. */
  readonly value: string
  readonly onChange: (text: string) => void
  /** Lines in view. Default: as many as there are, within bounds. */
  readonly tall?: boolean
}

const JsonEditor = ({ label, onChange, tall = false, value }: JsonEditorProps) => {
  const box = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const told = useRef(onChange)
  told.current = onChange
  useEffect(() => {
    const editor = new EditorView({
      parent: box.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          lineNumbers(),
          foldGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          highlightActiveLine(),
          json(),
          colours,
          lintGutter(),
          linter(lint),
          EditorView.lineWrapping,
          keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap]),
          EditorView.cspNonce.of(nonce()),
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) told.current(update.state.doc.toString())
          })
        ]
      })
    })
    view.current = editor
    return () => editor.destroy()
    // Made once; later texts come through below.
  }, [])
  useEffect(() => {
    const editor = view.current
    const now = editor?.state.doc.toString()
    if (editor !== undefined && now !== value)
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } })
  }, [value])
  return <div className="editor" data-tall={tall ? "" : undefined} ref={box} />
}

export default JsonEditor

const nonce = (): string => document.querySelector<HTMLMetaElement>("meta[property='csp-nonce']")?.nonce ?? ""

const parse = jsonParseLinter()

/** An empty field is no mistake. */
const lint = (view: EditorView) => (view.state.doc.toString().trim() === "" ? [] : parse(view))

const classes: { readonly [node: string]: Decoration } = {
  PropertyName: Decoration.mark({ class: "cm-json-key" }),
  String: Decoration.mark({ class: "cm-json-text" }),
  Number: Decoration.mark({ class: "cm-json-number" }),
  True: Decoration.mark({ class: "cm-json-word" }),
  False: Decoration.mark({ class: "cm-json-word" }),
  Null: Decoration.mark({ class: "cm-json-word" })
}

/** Colours by the names of what was parsed, so that they come from the stylesheet and change with the theme. */
const colours = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet

    constructor(view: EditorView) {
      this.decorations = paint(view)
    }

    update(update: ViewUpdate): void {
      if (update.docChanged || update.viewportChanged || syntaxTree(update.startState) !== syntaxTree(update.state))
        this.decorations = paint(update.view)
    }
  },
  { decorations: ({ decorations }) => decorations }
)

const paint = (view: EditorView): DecorationSet => {
  const builder = new RangeSetBuilder<Decoration>()
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(view.state).iterate({
      from,
      to,
      enter: (node) => {
        const decoration = classes[node.name]
        if (decoration !== undefined) builder.add(node.from, node.to, decoration)
      }
    })
  }
  return builder.finish()
}
