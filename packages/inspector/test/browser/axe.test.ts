import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { play, type Stage, stage } from "../stage/stage.ts"
import { built } from "./built.ts"
import { axeFinds, found, launch, missing, open } from "./chromium.ts"

if (found === undefined) console.warn(`inspector: accessibility of every view ${missing}`)

describe.skipIf(found === undefined)("every view, in both themes, wide and narrow", () => {
  let gateway: Stage
  let browser: Browser
  let ids: Awaited<ReturnType<typeof play>>

  beforeAll(async () => {
    await built()
    gateway = await stage()
    browser = await launch()
    ids = await play(gateway)
  }, 120_000)
  afterAll(async () => {
    await browser?.close()
    await gateway?.close()
  })

  const views = (): ReadonlyArray<readonly [hash: string, ready: string]> => [
    ["#/traffic", "[role=grid] [role=row][data-id]"],
    [`#/traces/${ids.stream.id}/walk?step=4`, ".step"],
    [`#/traces/${ids.stream.id}/waterfall`, ".wf-row"],
    [`#/traces/${ids.stream.id}/stream`, ".part[data-state]"],
    [`#/traces/${ids.stream.id}/wire`, ".wire-exchange"],
    [`#/traces/${ids.stream.id}/replay`, ".cm-content"],
    [`#/traces/${ids.whole.id}/explain`, ".explain-list"],
    [`#/compare/${ids.first.id}/${ids.cached.id}`, ".compared"],
    ["#/pipelines/support", ".plugs"],
    ["#/pipelines/support/steady", ".plug[data-kind=added]"],
    ["#/playground", ".play-form"],
    ["#/health?span=5m", ".plot canvas"],
    ["#/nothing/here", ".empty"]
  ]

  it.each([
    ["light", 1280],
    ["dark", 1280],
    ["dark", 375]
  ] as const)(
    "has nothing to complain of: %s, %i px",
    async (theme, width) => {
      const { page, trouble } = await open(browser, gateway.address, { theme, width })
      const finds: Array<string> = []
      for (const [hash, ready] of views()) {
        await page.goto(`${gateway.address}/inspector/${hash}`)
        await page.locator(ready).first().waitFor()
        for (const find of await axeFinds(page)) finds.push(`${hash}\n${find}`)
        const overflow = await page.evaluate<boolean>("document.documentElement.scrollWidth > window.innerWidth")
        if (overflow) finds.push(`${hash}: wider than ${width} px`)
      }
      expect(finds).toEqual([])
      expect(await trouble()).toEqual([])
      await page.context().close()
    },
    120_000
  )
})
