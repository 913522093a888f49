/**
 * Measures the gateway beside the floor of all gateways and beside Portkey's, and prints one table. `--only PART` measures one
 * part (and may be given again), `--write FILE` puts the table between the markers of a file.
 *
 * @module
 */
import { spawn } from "node:child_process"
import { cpus } from "node:os"
import { setTimeout as pause } from "node:timers/promises"
import { parseArgs } from "node:util"
import manifest from "../../package.json" with { type: "json" }
import { type Service, withUpstream } from "../service.ts"
import { spread } from "../statistics.ts"
import { check, difference, figure, markdown, ratio, type Row, write } from "../table.ts"
import { close, hold, latencies, many } from "./load.ts"
import { free, gateway, peer, type Peer } from "./peers.ts"

type Name = Peer["name"]
const all: ReadonlyArray<Name> = ["floor", "plugline", "portkey"]

/** Starts gateways, uses them, and stops them. */
const withPeers = async <A>(names: ReadonlyArray<Name>, { origin }: Service, use: (peers: ReadonlyArray<Peer>) => Promise<A>): Promise<A> => {
  const peers: Array<Peer> = []
  try {
    for (const name of names) peers.push(await peer(name, origin))
    return await use(peers)
  } finally {
    for (const each of peers) each.stop()
  }
}

type Samples = { readonly [Each in Name]: Array<number> }
const none = (): Samples => ({ floor: [], plugline: [], portkey: [] })

/** Each gateway in its turn, round after round; each round begins with another. */
const rounds = async (count: number, peers: ReadonlyArray<Peer>, measure: (peer: Peer) => Promise<number>): Promise<Samples> => {
  const samples = none()
  for (let round = 0; round < count; round++) {
    for (let turn = 0; turn < peers.length; turn++) {
      const each = peers[(turn + round) % peers.length]!
      samples[each.name].push(await measure(each))
    }
  }
  return samples
}

const beside = (what: string, samples: Samples, unit: string, limits: { readonly floor?: number; readonly portkey?: number }): ReadonlyArray<Row> => [
  ratio(what, { ours: samples.plugline, theirs: samples.floor, name: "raw proxy", unit, ...(limits.floor !== undefined && { limit: limits.floor }) }),
  ...(samples.portkey.length === 0 ? [] : [
    ratio("", { ours: samples.plugline, theirs: samples.portkey, name: "Portkey", unit, ...(limits.portkey !== undefined && { limit: limits.portkey }) })
  ])
]

/** Processor time of a call. */
const calls = (service: Service): Promise<ReadonlyArray<Row>> =>
  withPeers(all, service, async (peers) => {
    for (const each of peers) await many(each, "whole", 4_000, 32)
    const cpu = await rounds(9, peers, async (each) => {
      const count = each.name === "portkey" ? 600 : 2_000
      const before = each.cpu()
      await many(each, "whole", count, 32)
      return (each.cpu() - before) / count
    })
    for (const each of peers) await latencies(each, "whole", 200)
    const wait = await rounds(9, peers, async (each) => spread(await latencies(each, "whole", 300)).median)
    return [
      ...beside("A call, 32 at a time: processor time", cpu, "µs", { floor: 1.3, portkey: 0.2 }),
      difference("A call alone: median wait", { ours: wait.plugline, theirs: wait.floor, name: "raw proxy", unit: "µs", limit: 200 }),
      difference("", { ours: wait.plugline, theirs: wait.portkey, name: "Portkey", unit: "µs" })
    ]
  })

/** Events of one steady stream. */
const events = 63

/** Processor time of an event of a stream that is written one every 10 ms. */
const streams = (service: Service): Promise<ReadonlyArray<Row>> =>
  withPeers(all, service, async (peers) => {
    for (const each of peers) await many(each, "steady", 60, 30, true)
    const rows: Array<Row> = []
    for (const open of [50, 1_000]) {
      const cpu = await rounds(open === 50 ? 5 : 3, peers, async (each) => {
        const before = each.cpu()
        await many(each, "steady", open, open, true)
        return (each.cpu() - before) / (open * events)
      })
      rows.push(...beside(`${open} streams, an event every 10 ms: processor time of an event`, cpu, "µs", { floor: 1.2, portkey: 0.5 }))
    }
    return rows
  })

/** Memory of what is open. */
const memory = async (service: Service): Promise<ReadonlyArray<Row>> => {
  const rows: Array<Row> = []
  for (const [how, stream, what] of [["hold", false, "requests"], ["hold-stream", true, "streams"]] as const) {
    const samples = none()
    for (let repetition = 0; repetition < 3; repetition++) {
      for (const name of all) {
        await withPeers([name], service, async ([each]) => {
          if (each === undefined) return
          const first = await hold(each, how, 50, stream)
          await service.holds(50)
          await pause(300)
          const before = each.memory()
          const rest = await hold(each, how, 1_000, stream)
          await service.holds(1_050)
          await pause(1_000)
          samples[name].push((each.memory() - before) / 1_000 / 1_024)
          first()
          rest()
        })
        await service.holds(0)
      }
    }
    rows.push(...beside(`1000 open ${what}, each: memory of the process`, samples, "KiB", { floor: 1.3 }))
  }
  return rows
}

/** From the start of the process until it answers. */
const starting = async (): Promise<ReadonlyArray<Row>> => {
  const took: Array<number> = []
  const bare: Array<number> = []
  for (let round = 0; round < 7; round++) {
    const port = await free()
    const from = performance.now()
    const child = spawn(process.execPath, [gateway, "serve", "--port", String(port)], { stdio: "ignore" })
    while (!await fetch(`http://127.0.0.1:${port}/health`).then((answer) => answer.ok, () => false)) {
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode} before it answered`)
      await pause(2)
    }
    took.push(performance.now() - from)
    child.kill("SIGKILL")
    const begun = performance.now()
    await new Promise((resolve) => spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }).once("exit", resolve))
    bare.push(performance.now() - begun)
  }
  const { median } = spread(took)
  return [{
    what: "From the start of the process until it answers",
    ours: figure(median, "ms"),
    beside: `node that does nothing: ${figure(spread(bare).median, "ms")}`,
    comparison: spread(took),
    difference: "ms",
    limit: 400
  }]
}

const parts: { readonly [name: string]: (service: Service) => Promise<ReadonlyArray<Row>> } = { calls, streams, memory, starting }

const { values: { only = Object.keys(parts), write: file } } = parseArgs({
  options: { only: { type: "string", multiple: true }, write: { type: "string" } }
})
if (file !== undefined) check(file)
const rows: Array<Row> = []
for (const name of only) {
  const part = parts[name]
  if (part === undefined) throw new Error(`there is no part ${JSON.stringify(name)}; the parts are ${Object.keys(parts).join(", ")}`)
  const from = performance.now()
  process.stderr.write(`${name} …`)
  rows.push(...await withUpstream(part))
  process.stderr.write(` ${((performance.now() - from) / 1_000).toFixed(0)} s\n`)
}
const table = markdown(rows, `Node ${process.versions.node} on ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model.trim()}; `
  + `undici ${manifest.dependencies.undici}, Portkey's gateway ${manifest.dependencies["@portkey-ai/gateway"]}.`)
console.log(table)
if (file !== undefined) write(file, table)
await close()
