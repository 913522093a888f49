/**
 * Decides whether a gateway may be open to everybody who reaches it: on loopback it may, anywhere else it does not
 * start.
 *
 * @module
 */
import { BlockList, isIP } from "node:net"
import { LlmError } from "plugline"
import { type AuthConfig, issuersOf } from "./AuthConfig.ts"

const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8, "ipv4")
loopback.addAddress("::1", "ipv6")

/** Whether an address is reached from this machine alone. A name is taken for one only where it is `localhost`. */
export const isLoopback = (host: string): boolean => {
  const address = host.replace(/^\[(.*)\]$/, "$1")
  const version = isIP(address)
  if (version === 0) return address.toLowerCase() === "localhost"
  return loopback.check(address, version === 4 ? "ipv4" : "ipv6")
}

/** Whether the configuration says who may ask. */
export const isConfigured = (config: AuthConfig): boolean => config.keys.length > 0 || issuersOf(config).length > 0

/** Whether everybody who reaches the gateway may do everything. */
export const isOpen = (host: string, config: AuthConfig): boolean => isLoopback(host) && !isConfigured(config)

/** Why a gateway must not listen on an address, or `undefined` where it may. */
export const refuseToStart = (host: string, config: AuthConfig): LlmError | undefined => {
  if (isLoopback(host) || isConfigured(config)) return undefined
  const expected = "127.0.0.1, or auth.keys or auth.jwt must say who may ask"
  return LlmError.make({
    _tag: "Configuration",
    option: "server.host",
    value: host.slice(0, 200),
    expected,
    message: `server.host is ${JSON.stringify(host.slice(0, 200))}, which others reach, and no key is configured: `
      + `it must be ${expected}. For example: auth: { keys: [{ name: admin, role: admin, `
      + "key: env:PLUGLINE_ADMIN_KEY }] }, with a random key of 32 characters or more in that variable"
  })
}
