/**
 * Connects only to addresses that are allowed, checked at the moment of connecting.
 *
 * @module
 */
import { lookup as resolve, type LookupAddress } from "node:dns"
import { isIP, type LookupFunction } from "node:net"
import { buildConnector } from "undici"

/** Whether a connection to an origin may lead to an IP address. */
type Allow = (origin: string, address: string) => boolean

/** Most origins whose connector is kept ready. */
const most = 1_000

/** A connector that asks before it connects. `timeout` in ms. */
export const guarded = (allow: Allow, timeout: number): buildConnector.connector => {
  const ready = new Map<string, buildConnector.connector>()
  return (options, callback) => {
    const origin = `${options.protocol}//${options.host ?? options.hostname}`
    const host = options.hostname.replace(/^\[(.*)\]$/, "$1")
    if (isIP(host) !== 0 && !allow(origin, host)) return callback(refused(host), null)
    let connect = ready.get(origin)
    if (connect === undefined) {
      if (ready.size >= most) ready.clear()
      ready.set(origin, connect = buildConnector({ allowH2: false, timeout, lookup: lookupOf(origin, allow) }))
    }
    return connect(options, callback)
  }
}

/** Finds the addresses of a name, and passes on those that are allowed. */
const lookupOf = (origin: string, allow: Allow): LookupFunction => (hostname, options, callback) =>
  resolve(hostname, options, (error: NodeJS.ErrnoException | null, found: string | Array<LookupAddress>, family?: number) => {
    if (error !== null) return callback(error, "", 0)
    if (typeof found === "string") return allow(origin, found) ? callback(null, found, family) : callback(refused(found), "", 0)
    const good = found.filter(({ address }) => allow(origin, address))
    if (good.length === 0) return callback(refused(found[0]?.address ?? hostname), "", 0)
    callback(null, good)
  })

const refused = (address: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`the address ${address} is not of the public internet, and private ones are not allowed here`), { code: "EADDRREFUSED" })
