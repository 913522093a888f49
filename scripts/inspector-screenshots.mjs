// Makes the pictures of `docs/inspector`: each view of the inspector's page on a gateway that has something to show.
//
//   node scripts/inspector-screenshots.mjs [name …]
//
// Needs a Chromium on the path or as PLAYWRIGHT_CHROMIUM.
import { spawnSync } from "node:child_process"
import { mkdirSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const out = join(root, "docs", "inspector")

// By the Node that the project brings: the machine's own may not read TypeScript.
if (Number(process.versions.node.split(".")[0]) < 24) {
  const node = join(root, "node_modules", ".bin", "node")
  process.exit(spawnSync(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1)
}

const { built } = await import("../packages/inspector/test/browser/built.ts")
const { found, launch, missing } = await import("../packages/inspector/test/browser/chromium.ts")
const { crowd, play, stage } = await import("../packages/inspector/test/stage/stage.ts")

if (found === undefined) {
  console.error(missing)
  process.exit(1)
}

/** Largest picture, in bytes. */
const most = 150_000

const wanted = process.argv.slice(2)
const isWanted = (name) => wanted.length === 0 || wanted.some((each) => name.startsWith(each))
mkdirSync(out, { recursive: true })
await built()

const gateway = await stage()
const browser = await launch()

/** One picture. `act`: what is done before it is taken. */
const shoot = async (name, hash, { act, height = 800, theme = "light", width = 1280 } = {}) => {
  if (!isWanted(name)) return
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: "reduce" })
  const page = await context.newPage()
  await page.goto(`${gateway.address}/inspector/${hash}`)
  await page.waitForLoadState("networkidle", { timeout: 2_000 }).catch(() => {})
  await sleep(700)
  await act?.(page)
  await sleep(300)
  const path = join(out, `${name}.png`)
  await page.screenshot({ path })
  await context.close()
  const { size } = statSync(path)
  console.log(`${name}.png ${width}×${height} ${Math.round(size / 1000)} kB${size > most ? "  TOO LARGE" : ""}`)
  if (size > most) process.exitCode = 1
}

try {
  // Spread over some time, so that there is something to plot.
  if (isWanted("health")) {
    for (let round = 0; round < 14; round++) {
      await crowd(gateway, 6 + ((round * 7) % 11))
      await sleep(4_200)
    }
  } else await crowd(gateway, 60)
  const ids = await play(gateway)
  const trace = (view, id = ids.stream.id) => `#/traces/${id}/${view}`
  const fork = await (
    await fetch(`${gateway.address}/inspector/api/traces/${ids.stream.id}/fork`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ set: [{ path: "options.temperature", value: 0 }] })
    })
  ).json()

  const list = { width: 1180, height: 580 }
  await shoot("traffic", "#/traffic", { ...list, act: (page) => page.locator("[role=row][data-id]").nth(4).hover() })
  await shoot("traffic-dark", "#/traffic", { ...list, theme: "dark" })
  await shoot("walk", trace("walk?step=3"))
  await shoot("walk-back", trace("walk"), {
    theme: "dark",
    act: async (page) => {
      await page.locator(".stop[aria-label^='cache at the end']").click()
    }
  })
  await shoot("waterfall", trace("waterfall"), { height: 900 })
  await shoot("stream", trace("stream"), {
    act: async (page) => {
      await page.getByRole("button", { name: "To the beginning" }).click()
      for (let part = 0; part < 42; part++) await page.getByRole("button", { name: "Forward one part" }).click()
    }
  })
  await shoot("wire", trace("wire"), { theme: "dark" })
  await shoot("replay", trace("replay"), {
    act: async (page) => {
      await page.getByRole("button", { name: "Replay now" }).click()
      await page.getByText("Equal, step by step").waitFor()
    }
  })
  await shoot("compare", `#/compare/${ids.stream.id}/${fork.forked.summary.id}`)
  await shoot("explain", trace("explain", ids.whole.id))
  await shoot("pipelines", "#/pipelines/support")
  await shoot("pipelines-dark", "#/pipelines/support/steady", { theme: "dark" })
  await shoot("playground", "#/playground?pipeline=support&model=support", {
    act: async (page) => {
      await page.getByRole("textbox", { name: "Message" }).fill("Where is my order 4711-B, and when will I get it?")
      await page.keyboard.press("Enter")
      await page.getByRole("link", { name: "Walk this request" }).waitFor()
    }
  })
  await shoot("health", "#/health?span=5m&by=model", { height: 900 })
  await shoot("health-dark", "#/health?span=5m&by=provider", { height: 900, theme: "dark" })
  const narrow = { width: 375, height: 760 }
  await shoot("narrow-traffic", "#/traffic", narrow)
  await shoot("narrow-walk", trace("walk?step=4"), { ...narrow, theme: "dark" })
  await shoot("narrow-waterfall", trace("waterfall"), narrow)
  await shoot("narrow-explain", trace("explain", ids.whole.id), { ...narrow, theme: "dark" })
} finally {
  await browser.close()
  await gateway.close()
}
