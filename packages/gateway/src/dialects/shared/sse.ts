/**
 * Frames server-sent events so that nothing in them is taken for framing.
 *
 * @module
 */

/** One event, framed. Line breaks in the data become lines of data, those in the name are left out. */
export const event = (data: string, name?: string): string => {
  const head = name === undefined ? "" : `event: ${name.replace(/[\r\n]/g, "")}\n`
  const body = /[\r\n]/.test(data) ? data.split(/\r\n|\r|\n/).join("\ndata: ") : data
  return `${head}data: ${body}\n\n`
}

/** What keeps an idle stream open: a comment, which clients pass over. */
export const keepAlive = ": keep-alive\n\n"
