/**
 * How many tokens a text is, guessed from its characters: for models whose tokenizer is not public, and where a guess
 * is enough. By family of models, each with the error it states.
 *
 * @module
 */

/** How a family of models divides text. */
export interface Family {
  readonly name: "openai" | "anthropic" | "google" | "mistral" | "llama" | "deepseek" | "qwen" | "cohere" | "other"
  /** Tokens per 1,000 letters of Latin script; other characters weigh in proportion. */
  readonly perThousand: number
  /**
   * How far off the guess is on ordinary text, code and JSON, as a fraction: 0.25 says between 25 % too low and 25 %
   * too high.
   */
  readonly error: number
  /** Tokens around each message, and once around all. */
  readonly message: number
  readonly once: number
  /** Tokens of one picture, by its size in pixels; `undefined` where the size is not known. */
  readonly image: (size: Size | undefined, model: string, detail: string | undefined) => number
}

/** Width and height in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/**
 * Pictures at OpenAI. Older models: the picture is made to fit 2,048 × 2,048 and its shorter side 768, then counted in
 * tiles of 512; small models since `gpt-4.1-mini`: in squares of 32, at most 1,536, times a factor.
 */
const openaiImage: Family["image"] = (size, model, detail) => {
  const { factor, once, tile } = openaiPictures(model)
  if (factor !== undefined) {
    if (size === undefined) return Math.ceil(1_536 * factor)
    const squares = Math.ceil(size.width / 32) * Math.ceil(size.height / 32)
    return Math.ceil(Math.min(1_536, squares) * factor)
  }
  if (detail === "low") return once
  if (size === undefined) return once + tile * 8
  const fit = Math.min(1, 2_048 / Math.max(size.width, size.height))
  const shorter = Math.min(1, 768 / (Math.min(size.width, size.height) * fit))
  const tiles = Math.ceil(size.width * fit * shorter / 512) * Math.ceil(size.height * fit * shorter / 512)
  return once + tile * tiles
}

const openaiPictures = (model: string): { readonly once: number; readonly tile: number; readonly factor?: number } => {
  if (model.includes("gpt-4o-mini")) return { once: 2_833, tile: 5_667 }
  if (/gpt-(4\.1|5[^-]*)-nano/.test(model)) return { once: 0, tile: 0, factor: 2.46 }
  if (/gpt-(4\.1|5[^-]*)-mini/.test(model)) return { once: 0, tile: 0, factor: 1.62 }
  if (model.includes("o4-mini")) return { once: 0, tile: 0, factor: 1.72 }
  if (/gpt-5/.test(model)) return { once: 70, tile: 140 }
  if (/(^|\/)o[13]/.test(model)) return { once: 75, tile: 150 }
  return { once: 85, tile: 170 }
}

/** Pictures at Anthropic: a token for 750 pixels, after the longer side is made to fit 1,568. */
const anthropicImage: Family["image"] = (size) => {
  if (size === undefined) return 1_600
  const fit = Math.min(1, 1_568 / Math.max(size.width, size.height))
  return Math.min(1_600, Math.max(1, Math.ceil(size.width * fit * size.height * fit / 750)))
}

/** Pictures at Google: 258 tokens where both sides are at most 384 pixels, else 258 for each tile of 768. */
const googleImage: Family["image"] = (size) =>
  size === undefined ? 258 * 4
    : size.width <= 384 && size.height <= 384 ? 258
    : 258 * Math.ceil(size.width / 768) * Math.ceil(size.height / 768)

const anyImage: Family["image"] = (size) =>
  size === undefined ? 1_600 : Math.min(4_096, Math.ceil(size.width * size.height / 750))

const families: ReadonlyArray<readonly [words: RegExp, family: Family]> = [
  [/gpt-|chatgpt|(^|\/)o[134](-|$)|text-embedding-|davinci|babbage/, {
    name: "openai", perThousand: 215, error: 0.25, message: 3, once: 3, image: openaiImage
  }],
  [/claude/, { name: "anthropic", perThousand: 275, error: 0.35, message: 5, once: 5, image: anthropicImage }],
  [/gemini|gemma|palm|learnlm/, {
    name: "google", perThousand: 215, error: 0.3, message: 4, once: 2, image: googleImage
  }],
  [/mistral|mixtral|ministral|codestral|pixtral|magistral|devstral/, {
    name: "mistral", perThousand: 240, error: 0.3, message: 4, once: 2, image: anyImage
  }],
  [/llama/, { name: "llama", perThousand: 220, error: 0.3, message: 5, once: 5, image: anyImage }],
  [/deepseek/, { name: "deepseek", perThousand: 230, error: 0.3, message: 4, once: 3, image: anyImage }],
  [/qwen|qwq/, { name: "qwen", perThousand: 220, error: 0.3, message: 5, once: 3, image: anyImage }],
  [/command|(^|\/)c4ai|embed-/, { name: "cohere", perThousand: 225, error: 0.3, message: 4, once: 8, image: anyImage }]
]

const rest: Family = { name: "other", perThousand: 260, error: 0.4, message: 5, once: 5, image: anyImage }

/** The family a model belongs to, by its name. */
export const familyOf = (model: string): Family => {
  const id = model.toLowerCase()
  for (const [words, family] of families) if (words.test(id)) return family
  return rest
}

/** How many tokens a text is, guessed. */
export const guess = (text: string, family: Family): number => {
  const weigher = new Weigher()
  weigher.add(text)
  return weigher.tokens(family)
}

/**
 * Weighs a text that may come in pieces; the sum does not depend on how it is cut. A word is a token, long ones more; a
 * mark is half of one, three digits are one; Chinese and Japanese characters are more than a token for two, other
 * scripts lie between.
 */
export class Weigher {
  #weight = 0
  #kind: Kind = "none"
  /** How long the run of one kind is. */
  #run = 0
  #before = 0

  add(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index)
      const kind = kindOf(code)
      // A capital within a word begins another: camelCase.
      const starts = kind !== this.#kind || (code >= 65 && code <= 90 && this.#before >= 97 && this.#before <= 122)
      this.#run = starts ? 1 : this.#run + 1
      this.#weight += this.#step(code, kind)
      this.#kind = kind
      this.#before = code
    }
  }

  tokens({ perThousand }: Family): number {
    return Math.ceil(this.#weight * perThousand / 215_000)
  }

  /** What one character adds, in thousandths of a token of OpenAI's newest tokenizer. */
  #step(code: number, kind: Kind): number {
    const run = this.#run
    switch (kind) {
      case "letter":
        // Capitals in a row are seldom a word of their own.
        if (run > 1 && code <= 90) return 350
        return run === 1 ? 720 : run <= 5 ? 70 : 150
      case "digit":
        return run % 3 === 1 ? 950 : 20
      case "space":
        return run === 1 ? 60 : run === 2 ? 500 : 15
      case "line":
        return run === 1 ? 500 : 40
      case "mark":
        return run === 1 ? 620 : code === this.#before ? 100 : 400
      case "accented":
        return 420
      case "script":
        return 260
      case "hangul":
        return 560
      case "ideograph":
        return 680
      default:
        return 850
    }
  }
}

type Kind =
  | "none" | "letter" | "digit" | "space" | "line" | "mark" | "accented" | "script" | "hangul" | "ideograph" | "rest"

const kindOf = (code: number): Kind => {
  if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90)) return "letter"
  if (code === 32 || code === 9) return "space"
  if (code === 10 || code === 13) return "line"
  if (code >= 48 && code <= 57) return "digit"
  if (code < 128) return "mark"
  if (code < 0x250) return "accented"
  if (code < 0x2000) return "script"
  if (code >= 0xac00 && code < 0xd7a4) return "hangul"
  if (code >= 0x2e80 && code < 0xac00) return "ideograph"
  return "rest"
}
