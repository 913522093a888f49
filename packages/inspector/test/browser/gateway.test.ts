import type { Browser, Page } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { late, play, type Stage, stage } from "../stage/stage.ts"
import { built } from "./built.ts"
import { found, launch, missing, open } from "./chromium.ts"

/** What a text must never become. */
const notText = ["img", "iframe", "script", "style", "[onerror]", "[onload]", "a[href*=evil]", "a[href^=javascript]"]

if (found === undefined) console.warn(`inspector: the page against the gateway ${missing}`)

describe.skipIf(found === undefined)("the page, served by the gateway", () => {
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

  /** Runs a story on a page of its own; nothing may go wrong in it that nobody asked for. */
  const story = (tell: (page: Page, at: (hash: string) => string) => Promise<void>, expected?: RegExp) => async () => {
    const { page, trouble } = await open(browser, gateway.address, expected === undefined ? {} : { expected })
    await tell(page, (hash) => `${gateway.address}/inspector/${hash}`)
    expect(await trouble()).toEqual([])
    await page.context().close()
  }

  const row = (page: Page, id: string) => page.locator(`[role=row][data-id="${id}"]`)

  it(
    "lists what was asked, live, and never shows an unknown cost as nothing",
    story(async (page, at) => {
      await page.goto(at("#/traffic"))
      await row(page, ids.stream.id).waitFor()
      expect(await row(page, ids.stream.id).textContent()).toContain("support")
      expect(await row(page, ids.cached.id).textContent()).toContain("hit")
      expect(await row(page, ids.bad.id).locator(".c-cost").textContent()).toBe("unknown")
      expect(await row(page, ids.local.id).locator(".c-cost").textContent()).toBe("unknown")
      const { id } = await gateway.ask({ model: "local/rules-1", messages: [{ role: "user", content: "What is 2 plus 2?" }] })
      await row(page, id).waitFor()
      expect(await page.locator("[role=grid] [role=row][data-id]").first().getAttribute("data-id")).toBe(id)
    })
  )

  it(
    "pauses, and shows what came in the meantime when it goes on",
    story(async (page, at) => {
      await page.goto(at("#/traffic"))
      await row(page, ids.stream.id).waitFor()
      await page.getByText("Live", { exact: true }).waitFor()
      await page.getByRole("button", { name: "Pause" }).click()
      const { id } = await gateway.ask({ model: "local/rules-1", messages: [{ role: "user", content: "What is 3 plus 3?" }] })
      await page.getByRole("button", { name: /Show \d+ new/ }).waitFor()
      expect(await row(page, id).count()).toBe(0)
      await page.getByRole("button", { name: /Show \d+ new/ }).click()
      await row(page, id).waitFor()
    })
  )

  it(
    "finds by words and filters, and keeps them in the address",
    story(async (page, at) => {
      await page.goto(at("#/traffic"))
      await row(page, ids.stream.id).waitFor()
      await page.keyboard.press("/")
      await page.keyboard.type("mistral")
      await row(page, ids.stream.id).waitFor({ state: "detached" })
      expect(await row(page, ids.whole.id).count()).toBe(1)
      expect(page.url()).toContain("q=mistral")
      await page.goto(at("#/traffic?status=error"))
      await row(page, ids.failed.id).waitFor()
      expect(await row(page, ids.stream.id).count()).toBe(0)
      await page.goto(at("#/traffic?q=nothing-is-called-like-that"))
      await page.getByRole("heading", { name: "No request fits" }).waitFor()
    })
  )

  it(
    "is walked through with the keyboard alone: down to a row, into it, down to the provider and back",
    story(async (page, at) => {
      await page.goto(at(`#/traffic?q=${ids.stream.id}`))
      await row(page, ids.stream.id).waitFor()
      await page.getByRole("grid").focus()
      await page.keyboard.press("ArrowDown")
      await page.keyboard.press("Enter")
      const position = page.locator(".walk-position")
      await position.waitFor()
      const [, count] = /of (\d+)/.exec((await position.textContent()) ?? "") ?? []
      const names: Array<string> = []
      const ways: Array<string> = []
      for (let step = 1; step <= Number(count); step++) {
        expect(await position.textContent()).toBe(`step ${step} of ${count}`)
        names.push((await page.locator(".step-head h2").textContent()) ?? "")
        ways.push((await page.locator(".way").getAttribute("data-direction")) ?? "")
        if (step < Number(count)) await page.keyboard.press("ArrowDown")
      }
      expect(names[0]).toBe("metrics")
      expect(names.filter((name) => name === "send")).toHaveLength(2)
      expect(new Set(ways)).toEqual(new Set(["down", "back", "end"]))
      expect(ways.indexOf("back")).toBeGreaterThan(names.indexOf("send"))
      await page.keyboard.press("ArrowDown")
      expect(await position.textContent()).toBe(`step ${count} of ${count}`)
      for (let step = Number(count); step > 1; step--) await page.keyboard.press("ArrowUp")
      expect(await position.textContent()).toBe(`step 1 of ${count}`)
      await page.keyboard.press("End")
      expect(await position.textContent()).toBe(`step ${count} of ${count}`)
      expect(page.url()).toContain(`step=${count}`)
      await page.keyboard.press("Home")
      expect(await position.textContent()).toBe(`step 1 of ${count}`)
    })
  )

  it(
    "shows attempts as branches, and what a plug changed by its path",
    story(async (page, at) => {
      await page.goto(at(`#/traces/${ids.stream.id}/walk`))
      await page.getByText("attempt 1").waitFor()
      expect(await page.locator(".branch-head").allTextContents()).toEqual(
        expect.arrayContaining([expect.stringMatching(/^attempt 1failed/), expect.stringMatching(/^attempt 2answered/)])
      )
      await page
        .getByRole("button", { name: /^prepare(,|$| )/ })
        .first()
        .click()
      const changes = page.locator(".changes")
      expect(await changes.locator(".entry[data-kind=added] .path").allTextContents()).toContain("providerRequest")
      await page.getByRole("radio", { name: "Request after" }).click()
      await page.locator(".message", { hasText: "4711-B" }).waitFor()
      expect(await page.locator(".walk-left").textContent()).toContain("RateLimit")
    })
  )

  it(
    "shows when what happened, and leads from the waterfall into the walk",
    story(async (page, at) => {
      await page.goto(at(`#/traces/${ids.stream.id}/waterfall`))
      await page.locator(".wf-row").first().waitFor()
      expect(await page.locator(".wf-mark").allTextContents()).toEqual(
        expect.arrayContaining(["attempt 1", "attempt 2", "first part"])
      )
      await page.locator(".wf-row .wf-name", { hasText: "circuitBreaker" }).first().click()
      await page.locator(".step-head h2", { hasText: "circuitBreaker" }).waitFor()
    })
  )

  it(
    "plays a stream back: part by part, at a speed, to its end",
    story(async (page, at) => {
      await page.goto(at(`#/traces/${ids.stream.id}/stream`))
      const text = page.getByTestId("so-far")
      await text.waitFor()
      expect(await text.textContent()).toBe(late)
      await page.getByRole("button", { name: "To the beginning" }).click()
      expect(await text.count()).toBe(0)
      await page.getByText("Nothing has reached the reader yet.").waitFor()
      for (let part = 0; part < 6; part++) await page.getByRole("button", { name: "Forward one part" }).click()
      const some = (await text.textContent())!
      expect(some.length).toBeGreaterThan(0)
      expect(late.startsWith(some)).toBe(true)
      await page.getByRole("button", { name: "Speed" }).click()
      await page.getByRole("option", { name: "10×", exact: true }).click()
      await page.getByRole("button", { name: "Play" }).click()
      await page.getByText("finished").waitFor()
      expect(await text.textContent()).toBe(late)
    })
  )

  it(
    "keeps a stream of two thousand parts smooth",
    story(async (page, at) => {
      await page.goto(at(`#/traces/${ids.long.id}/stream`))
      await page.locator(".part[data-state]").first().waitFor()
      expect(await page.locator(".stream-count").textContent()).toMatch(/of 20\d\d/)
      // Only what is in view is drawn.
      expect(await page.locator(".parts .part").count()).toBeLessThan(80)
      const slowest = await page.evaluate<number>(`new Promise((resolve) => {
      const box = document.querySelector(".parts")
      const frames = []
      let last = performance.now()
      let left = 60
      const tick = (now) => {
        frames.push(now - last)
        last = now
        box.scrollTop = Math.random() * box.scrollHeight
        if (left-- > 0) requestAnimationFrame(tick)
        else resolve(frames.sort((a, b) => a - b)[Math.floor(frames.length * 0.75)])
      }
      requestAnimationFrame(tick)
    })`)
      expect(slowest).toBeLessThan(120)
    })
  )

  it(
    "shows the wire to the byte, and no credential",
    story(async (page, at) => {
      await page.goto(at(`#/traces/${ids.stream.id}/wire`))
      await page.locator(".wire-exchange").waitFor()
      expect(await page.locator(".wire-item").count()).toBe(2)
      expect(await page.locator(".wire-exchange").textContent()).toContain("chat/completions")
      expect(await page.locator(".masked").textContent()).toContain("<redacted>")
      expect(await page.locator("body").textContent()).not.toContain("sk-stage")
      await page.locator(".event-row").nth(3).click()
      await page.locator(".event-open .json").waitFor()
      await page.context().grantPermissions(["clipboard-read", "clipboard-write"])
      await page.getByRole("button", { name: "Copy as curl" }).click()
      await page.getByRole("button", { name: "Copied" }).waitFor()
      const copied = await page.evaluate<string>("navigator.clipboard.readText()")
      expect(copied).toMatch(/^curl /)
      expect(copied).toContain("/v1/chat/completions")
      expect(copied).not.toContain("sk-stage")
    })
  )

  it(
    "replays equal, and says so",
    story(async (page, at) => {
      const before = gateway.upstream.asked()
      await page.goto(at(`#/traces/${ids.stream.id}/replay`))
      await page.getByRole("button", { name: "Replay now" }).click()
      await page.getByText("Equal, step by step").waitFor()
      expect(gateway.upstream.asked()).toBe(before)
    })
  )

  /** Replaces a piece of the text in the editor. */
  const retype = async (page: Page, from: string, to: string): Promise<void> => {
    await page.locator(".cm-content").first().click()
    await page.keyboard.press("ControlOrMeta+a")
    const text = await page.evaluate<string>("document.querySelector('.cm-content').innerText")
    expect(text).toContain(from)
    await page.keyboard.insertText(text.replace(/\u00a0/g, " ").replace(from, to))
  }

  it(
    "forks with one value changed, and shows just what that leads to",
    story(async (page, at) => {
      const before = gateway.upstream.asked()
      await page.goto(at(`#/traces/${ids.first.id}/replay`))
      await page.locator(".cm-content").waitFor()
      expect(await page.getByRole("button", { name: "Run the fork" }).isDisabled()).toBe(true)
      await retype(page, '"temperature": 0', '"temperature": 0.7')
      await page.locator(".fork-summary", { hasText: "options.temperature" }).waitFor()
      await page.getByRole("button", { name: "Run the fork" }).click()
      await page.getByRole("heading", { name: "Compare two runs" }).waitFor()
      expect(gateway.upstream.asked()).toBe(before)
      await page.getByText("What was changed before the first plug").waitFor()
      const paths = new Set(await page.locator(".compared .path").allTextContents())
      expect(paths).toContain("options.temperature")
      expect(paths).toContain("providerRequest.body.temperature")
      // The answer came from the record: it is the same.
      expect([...paths].filter((path) => path.startsWith("messages") || path.startsWith("result"))).toEqual([])
      await page.locator("section[aria-label=Answers]", { hasText: "equal" }).waitFor()
    })
  )

  it(
    "says what is wrong with a JSON before it is sent",
    story(async (page, at) => {
      await page.goto(at(`#/traces/${ids.first.id}/replay`))
      await page.locator(".cm-content").waitFor()
      await retype(page, '"provider"', "provider")
      await page.getByText(/This JSON cannot be read yet/).waitFor()
      await page.locator(".cm-lint-marker-error").waitFor()
      expect(await page.getByRole("button", { name: "Run the fork" }).isDisabled()).toBe(true)
    })
  )

  it(
    "asks before a live fork, which costs money",
    story(async (page, at) => {
      const before = gateway.upstream.asked()
      await page.goto(at(`#/traces/${ids.first.id}/replay`))
      await page.locator(".cm-content").waitFor()
      await page.getByRole("radio", { name: "Live upstream" }).click()
      await page.getByRole("button", { name: "Run the fork" }).click()
      const dialog = page.getByRole("alertdialog", { name: "Ask services for real?" })
      await dialog.waitFor()
      await dialog.getByRole("button", { name: "Cancel" }).click()
      expect(gateway.upstream.asked()).toBe(before)
      await page.getByRole("button", { name: "Run the fork" }).click()
      await dialog.getByRole("button", { name: "Run it, and pay" }).click()
      await page.getByRole("heading", { name: "Compare two runs" }).waitFor()
    })
  )

  it(
    "forks with another line of plugs",
    story(async (page, at) => {
      await page.goto(at(`#/traces/${ids.first.id}/replay`))
      await page.getByRole("radio", { name: "List of plugs" }).click()
      await page.getByRole("button", { name: "Take tokens.trim out" }).click()
      await page.getByRole("button", { name: "Run the fork" }).click()
      await page.getByRole("heading", { name: "Compare two runs" }).waitFor()
      await page.getByRole("heading", { name: "The pipeline" }).waitFor()
    })
  )

  it(
    "marks two requests in the list, and compares them",
    story(async (page, at) => {
      await page.goto(at("#/traffic?q=support"))
      await page.goto(at("#/traffic"))
      await row(page, ids.first.id).waitFor()
      await row(page, ids.first.id).locator(".mark").click()
      await row(page, ids.cached.id).locator(".mark").click()
      await page.getByRole("button", { name: "Compare" }).click()
      await page.getByRole("heading", { name: "Compare two runs" }).waitFor()
      await page.locator(".compared", { hasText: "only in the first run" }).first().waitFor()
    })
  )

  it(
    "explains a fallback",
    story(async (page, at) => {
      await page.goto(at(`#/traces/${ids.whole.id}/explain`))
      await page.locator(".explain-text").waitFor()
      const text = await page.locator(".explain").textContent()
      expect(text).toContain("mistral-small-latest")
      expect(text).toMatch(/overloaded/i)
      expect(await page.locator(".station").count()).toBeGreaterThan(2)
      await page.locator("a.station").first().click()
      await page.locator(".step").waitFor()
    })
  )

  it(
    "draws pipelines, compares two, and leads to the playground",
    story(async (page, at) => {
      await page.goto(at("#/pipelines/support"))
      await page.locator(".plugs").first().waitFor()
      expect(await page.locator(".plugs > li strong").allTextContents()).toEqual(
        expect.arrayContaining(["metrics", "cache", "retry", "ask"])
      )
      await page.getByRole("button", { name: "Compare with" }).click()
      await page.getByRole("option", { name: "steady" }).click()
      await page.locator(".plug[data-kind=removed]", { hasText: "cache" }).waitFor()
      await page.locator(".plug[data-kind=added]", { hasText: "fallback" }).waitFor()
      await page.goto(at("#/pipelines/support"))
      await page.getByRole("link", { name: "Try it" }).click()
      await page.getByText("Ask through “support”").waitFor()
    })
  )

  it(
    "asks in the playground, streamed, with a tool, and walks what came of it",
    story(async (page, at) => {
      await page.goto(at("#/playground?pipeline=steady&model=openai/gpt-5-mini"))
      await page.getByRole("textbox", { name: "Message" }).fill("What is the weather in Lisbon?")
      await page.keyboard.press("Enter")
      await page.locator(".piece", { hasText: "calls weather" }).waitFor()
      await page.getByLabel("What weather answers").fill('{"celsius": 21}')
      await page.getByRole("button", { name: "Answer for the tool" }).click()
      await page.getByRole("link", { name: "Walk this request" }).nth(1).waitFor()
      await page.getByRole("link", { name: "Walk this request" }).nth(1).click()
      await page.locator(".trace-head", { hasText: "steady" }).waitFor()
      await page.locator(".step").waitFor()
    })
  )

  it(
    "stops an answer in the playground, and the service with it",
    story(async (page, at) => {
      await page.goto(at("#/playground?pipeline=support&model=support"))
      await page.getByRole("textbox", { name: "Message" }).fill("Say slowly where my order is.")
      await page.keyboard.press("Enter")
      await page.locator(".message[data-role=assistant] .so-far", { hasText: "sorry" }).waitFor()
      await page.getByRole("button", { name: "Stop" }).click()
      await page.getByText("You stopped it").waitFor()
      expect((await page.locator(".message[data-role=assistant] .so-far").textContent())!.length).toBeLessThan(late.length)
    })
  )

  it(
    "plots how it goes, with a table of the same numbers",
    story(async (page, at) => {
      await page.goto(at("#/health?span=5m&by=model"))
      await page.locator(".plot canvas").first().waitFor()
      expect(await page.locator(".tiles").textContent()).toMatch(/Calls\d+/)
      await page.getByRole("button", { name: "Show Calls as a table" }).click()
      await page
        .getByRole("region", { name: "Calls", exact: true })
        .getByRole("columnheader", { name: "gpt-5-mini" })
        .first()
        .waitFor()
      await page.getByRole("table", { name: "Circuits" }).waitFor()
      await page.getByRole("table", { name: "Limits and budgets" }).waitFor()
    })
  )

  it(
    "shows an answer full of markup as the text that it is",
    story(async (page, at) => {
      for (const view of ["walk?step=1", "walk?step=9999", "wire", "explain", "stream", "replay"]) {
        await page.goto(at(`#/traces/${ids.evil.id}/${view}`))
        await page.locator(".trace-head").waitFor()
        await page.waitForTimeout(300)
        expect(await page.evaluate("window.owned"), view).toBeUndefined()
        expect(await page.locator(notText.map((each) => `main ${each}`).join()).count(), view).toBe(0)
      }
      await page.goto(at(`#/traces/${ids.evil.id}/walk`))
      await page.locator(".walk-position").waitFor()
      await page.keyboard.press("End")
      await page.getByRole("radio", { name: "Request after" }).click()
      await page.locator(".message[data-role=assistant]", { hasText: "<script>window.owned=2</script>" }).waitFor()
      await page.locator(".message[data-role=assistant]", { hasText: "![pixel](https://evil.example/pixel.png)" }).waitFor()
      await page.goto(at("#/playground?pipeline=default&model=openai/gpt-5-mini"))
      await page.getByRole("textbox", { name: "Message" }).fill("HOSTILE please")
      await page.keyboard.press("Enter")
      await page.getByRole("link", { name: "Walk this request" }).waitFor()
      expect(await page.locator(".play-turns img, .play-turns iframe, .play-turns script, .play-turns svg[onload]").count()).toBe(
        0
      )
      expect(await page.evaluate("window.owned")).toBeUndefined()
    })
  )

  it(
    "says why the steps of a request are not there",
    story(async (page, at) => {
      await page.goto(at(`#/traces/${ids.bad.id}/walk`))
      await page.getByRole("heading", { name: "The steps of this request were not kept" }).waitFor()
      await page.goto(at("#/traces/req_that_never_was/walk"))
      await page.getByText(/there is no request/).waitFor()
    }, /404/)
  )

  it(
    "exports a run, and opens it again from the file",
    story(async (page, at) => {
      await page.goto(at(`#/traces/${ids.stream.id}/walk`))
      await page.getByRole("button", { name: "Export" }).click()
      const download = page.waitForEvent("download")
      await page.getByRole("menuitem", { name: "Trace file" }).click()
      const path = await (await download).path()
      await page.goto(at("#/traffic"))
      await page.locator("input[type=file]").setInputFiles(path)
      await page.locator(".walk-position").waitFor()
      expect(page.url()).not.toContain(ids.stream.id)
      await page.goto(page.url().replace(/\/walk.*/, "/replay"))
      await page.getByRole("button", { name: "Replay now" }).click()
      await page.getByText("Equal, step by step").waitFor()
    })
  )
})
