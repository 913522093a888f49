/**
 * Flags that several commands take.
 *
 * @module
 */
import { Config, Option } from "effect"
import { Flag } from "effect/cli"

/** `--config`. */
export const config = Flag.String("config").pipe(
  Flag.withAlias("c"),
  Flag.withDescription("The configuration file. Default: the environment alone"),
  Flag.withFallbackConfig(Config.String("PLUGLINE_CONFIG")),
  Flag.optional,
  Flag.map(Option.getOrUndefined)
)

/** `--json`. */
export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON, for programs"),
  Flag.withDefault(false)
)

/** `--provider`, of commands that ask. */
export const provider = Flag.String("provider").pipe(
  Flag.withAlias("p"),
  Flag.withDescription("Whom to ask; `plugline providers` lists them. Default: local, which needs no key"),
  Flag.withDefault("local")
)

/** `--model`. */
export const model = Flag.String("model").pipe(
  Flag.withAlias("m"),
  Flag.withDescription("Which model, by the provider's name for it"),
  Flag.optional,
  Flag.map(Option.getOrUndefined)
)

/** `--system`. */
export const system = Flag.String("system").pipe(
  Flag.withDescription("Rules for the conversation"),
  Flag.optional,
  Flag.map(Option.getOrUndefined)
)

/** `--concurrency`. */
export const concurrency = (usual: number) =>
  Flag.Int("concurrency").pipe(
    Flag.withAlias("n"),
    Flag.withDescription(`Most questions at a time. Default: ${usual}`),
    Flag.filter((given) => given >= 1, (given) => `Expected 1 or more, got ${given}`),
    Flag.withDefault(usual)
  )
