/**
 * Tells addresses of the public internet from those of this machine and of private networks. Pure.
 *
 * @module
 */
import ipaddr from "ipaddr.js"

/**
 * Whether an IP address is one of the public internet: neither loopback, link-local, private, shared by a carrier,
 * reserved, nor one of these in IPv6's clothes.
 */
export const isPublic = (address: string): boolean => {
  if (!ipaddr.isValid(address)) return false
  const found = ipaddr.process(address)
  return found.range() === "unicast"
}

/** The IP address that a URL names itself, however it spells it, or `undefined` where it names a host. */
export const literal = (url: string): string | undefined => {
  const host = URL.parse(url)?.hostname.replace(/^\[(.*)\]$/, "$1")
  return host !== undefined && ipaddr.isValid(host) ? host : undefined
}

/** Whether a URL leads to this machine or a private network, as far as that can be told from the URL alone. */
export const isPrivate = (url: string): boolean => {
  const address = literal(url)
  if (address !== undefined) return !isPublic(address)
  const host = URL.parse(url)?.hostname.replace(/\.$/, "") ?? ""
  return host === "localhost" || host.endsWith(".localhost")
}
