/**
 * Takes the text of a JSON list apart into the texts of its objects, also where the list was cut off.
 *
 * @module
 */

/** The objects of a list that are there as a whole; `undefined` where the text is no list. */
export const items = (text: string): ReadonlyArray<string> | undefined => {
  const open = text.search(/[^\s\uFEFF]/)
  if (open < 0 || text[open] !== "[") return undefined
  const out: Array<string> = []
  let level = 0
  let start = -1
  let inString = false
  for (let index = open + 1; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (inString) {
      if (code === 92 /* \ */) index++
      else if (code === 34 /* " */) inString = false
    } else if (code === 34) inString = true
    else if (code === 123 /* { */ || code === 91 /* [ */) {
      if (level++ === 0) start = index
    } else if (code === 125 /* } */ || code === 93 /* ] */) {
      if (level === 0) break
      if (--level === 0) out.push(text.slice(start, index + 1))
    }
  }
  return out
}
