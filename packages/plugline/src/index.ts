/**
 * Calls to language models as immutable requests through a list of plugs.
 *
 * @module
 */
export * from "@plugline/core"
export { Credentials, Provider, Registry, Transport } from "@plugline/providers"
export { Answer } from "./Answer.ts"
export { Builder } from "./Builder.ts"
export type { Answers, DebugInfo, OptionChanges, Reach, Services } from "./Builder.ts"
export { build, builtIn, layer, make, plugline } from "./Plugline.ts"
export type { BuiltIn, CallOptions, Plugline, PluglineOptions, ProviderName, Run } from "./Plugline.ts"
