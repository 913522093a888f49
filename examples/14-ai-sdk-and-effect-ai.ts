// In both directions: models of effect/ai and of the AI SDK as providers here, and calls from here as models there.
import { effectAi } from "@plugline/providers/effect-ai"
import { Effect, Stream } from "effect"
import { LanguageModel } from "effect/ai"
import { build, layer, plugline } from "plugline"
import { aiSdkModel } from "plugline/ai-sdk"
import { languageModelLayer } from "plugline/effect-ai"

// A model of effect/ai becomes a provider, with every plug in front of it. (`aiSdk` does the same for models of the AI SDK.)
const parrot = await Effect.runPromise(LanguageModel.make({
  generateText: () => Effect.succeed([{ type: "text", text: "Hello!" }]),
  streamText: () => Stream.empty
}))
const { chat } = plugline.register(effectAi({ name: "parrot", model: Effect.succeed(parrot) }))
console.log((await chat("parrot", "Hi")).text)

// A call with its provider, options and plugs becomes a model of effect/ai …
const program = Effect.map(LanguageModel.generateText({ prompt: "What is 6 * 7?" }), ({ text }) => text)
console.log(await Effect.runPromise(program.pipe(Effect.provide(languageModelLayer(build("local"))), Effect.provide(layer))))

// … and a model object for generateText, streamText and the agents of the AI SDK.
const model = aiSdkModel(build("local").withModel("rules-1"))
console.log(model.specificationVersion, model.modelId)

// Prints:
// Hello!
// 6 * 7 = 42
// v4 rules-1
