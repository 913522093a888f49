// Properties run on the same cases every time, so that a red run means a change broke something. `PLUGLINE_SEED=random`
// explores other cases, and a number repeats a run that found one.
import fc from "fast-check"

const seed = process.env.PLUGLINE_SEED ?? "20261121"
if (seed !== "random") fc.configureGlobal({ seed: Number(seed) })
