/**
 * Hands a recorded run to the browser as a file.
 *
 * @module
 */
import type { Recorded } from "../../../api.ts"

/** `trace`: opens here again; `har` and `otlp`: for other tools. */
export const save = async (recorded: Recorded, form: "trace" | "har" | "otlp"): Promise<void> => {
  const content =
    form === "trace"
      ? recorded
      : form === "har"
        ? (await import("../../../model/har.ts")).har(recorded)
        : (await import("../../../model/otlp.ts")).otlp(recorded)
  const url = URL.createObjectURL(new Blob([JSON.stringify(content, undefined, 2)], { type: "application/json" }))
  const link = document.createElement("a")
  link.href = url
  link.download = `${recorded.summary.id}.${form === "har" ? "har" : `${form}.json`}`
  link.click()
  window.setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
