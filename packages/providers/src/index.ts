/**
 * How language model services are asked and how their answers are read. Each provider has an entry of its own, so that using
 * one does not load the others: `@plugline/providers/openai`, `@plugline/providers/local`.
 *
 * @module
 */
import type { Credentials as CredentialsService } from "./Credentials.ts"
import * as ProviderModule from "./Provider.ts"
import * as RegistryModule from "./Registry.ts"
import type { Transport as TransportService } from "./Transport.ts"

export { type Bought, Credentials, type KeyOwner, type Keys, type KeySource, type Purchase } from "./Credentials.ts"
export { type Compatible, compatible, type Quirks } from "./OpenAiCompatible.ts"
export {
  type Headers, type MemoryAnswer, type MemoryHandler, type Outgoing, Transport, type TransportOptions
} from "./Transport.ts"
export * as Verbatim from "./Verbatim.ts"
export { type Apis, type Asked, choose, type Decoder, type Prepared, type Wire, type WireResponse } from "./Wire.ts"

export type { Setting, Settings, Sign, SignInput } from "./Provider.ts"

export const Provider = ProviderModule
export type Provider<R = TransportService | CredentialsService> = ProviderModule.Provider<R>

export const Registry = RegistryModule
export type Registry<R = TransportService | CredentialsService> = RegistryModule.Registry<R>
