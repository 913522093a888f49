/**
 * A real browser for tests, where there is one, that tells of everything that must not happen on a page.
 *
 * @module
 */
import axe from "axe-core"
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { type Browser, chromium, type Page } from "playwright-core"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]

/** Where a Chromium is: `PLAYWRIGHT_CHROMIUM`, or one on the path. */
export const found: string | undefined = [
  process.env.PLAYWRIGHT_CHROMIUM,
  ...(process.env.PATH ?? "").split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
].find((path) => {
  if (path === undefined || path === "") return false
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
})

/** What is said where there is no browser, in place of the tests that need one. */
export const missing = "skipped: no Chromium was found on the path or as PLAYWRIGHT_CHROMIUM"

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: found!, args: ["--no-sandbox", "--disable-dev-shm-usage"] })

/** A page that is watched. */
export interface Watched {
  readonly page: Page
  /** What went wrong: violations of the policy, errors, requests to anywhere else. Empty is good. */
  readonly trouble: () => Promise<ReadonlyArray<string>>
}

export interface Look {
  readonly theme?: "light" | "dark"
  readonly width?: number
  readonly height?: number
  /** Messages that belong to the story: a refused request that the test provokes. */
  readonly expected?: RegExp
}

/** Opens a page of its own. `address`: of the gateway; nothing else may be asked for. */
export const open = async (
  browser: Browser,
  address: string,
  { expected, height = 800, theme = "light", width = 1280 }: Look = {}
): Promise<Watched> => {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: "reduce",
    permissions: []
  })
  const page = await context.newPage()
  // Sooner than the test itself, so that a failure says what was waited for.
  page.setDefaultTimeout(15_000)
  const told: Array<string> = []
  const tell = (text: string): void => {
    if (expected?.test(text) !== true) told.push(text)
  }
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") tell(`${message.type()}: ${message.text()}`)
  })
  page.on("pageerror", (error) => tell(`thrown: ${error.message}`))
  page.on("request", (request) => {
    const url = request.url()
    if (!url.startsWith(address) && !url.startsWith("blob:") && !url.startsWith("data:")) tell(`asked elsewhere: ${url}`)
  })
  await page.addInitScript(`
    window.__violations = []
    document.addEventListener("securitypolicyviolation", ({ blockedURI, effectiveDirective, sourceFile }) =>
      window.__violations.push([effectiveDirective, blockedURI, sourceFile].join(" ")))`)
  return {
    page,
    trouble: async () => [
      ...told,
      ...(await page.evaluate<ReadonlyArray<string>>("window.__violations.map((text) => `policy: ${text}`)"))
    ]
  }
}

/** What `axe-core` finds on a page, one text for each. It is put in from outside: the policy of the page lets no script in. */
export const axeFinds = async (page: Page): Promise<ReadonlyArray<string>> => {
  const session = await page.context().newCDPSession(page)
  await session.send("Runtime.evaluate", { expression: axe.source })
  const { result } = await session.send("Runtime.evaluate", {
    expression: `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(violations.map(
      ({ help, id, nodes }) => ({
        id, help, nodes: nodes.slice(0, 4).map((node) => node.html.slice(0, 160) + " — " + node.failureSummary)
      })
    )))`,
    awaitPromise: true
  })
  await session.detach()
  const violations = JSON.parse(String(result.value)) as ReadonlyArray<{
    readonly id: string
    readonly help: string
    readonly nodes: ReadonlyArray<string>
  }>
  return violations.map(({ help, id, nodes }) => `${id}: ${help}\n  ${nodes.join("\n  ")}`)
}
