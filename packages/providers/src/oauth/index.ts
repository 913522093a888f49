/**
 * Signs calls with tokens that are bought (OAuth 2.0): for providers whose credential takes more than a key.
 *
 * @module
 */
export { type ClientCredentials, clientCredentials } from "./clientCredentials.ts"
export { machine, type ServiceAccount, serviceAccount } from "./serviceAccount.ts"
