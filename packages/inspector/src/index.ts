/**
 * What the page and the terminal show of a recorded run, as pure functions, and what the gateway and the page say to each other.
 *
 * @module
 */
export type * from "./api.ts"
export { type Branch, type Outcome, type Visit, type VisitCall, type VisitEnd, type Walk, walk } from "./model/walk.ts"
export { steps, type WalkStep } from "./model/steps.ts"
export { read } from "./model/read.ts"
export { recordedOf, type RecordedOptions, traceOf } from "./model/recordedOf.ts"
export { type Bar, type Gap, type Mark, type Row, type Waterfall, waterfall } from "./model/waterfall.ts"
export { type PlaybackState, stateAt, stateAtIndex, type Timeline, timeline, type TimelinePart } from "./model/timeline.ts"
export { type Exchange, exchanges, type Header, type WireEvent, type WireRequest, type WireResponse } from "./model/exchanges.ts"
export { curl } from "./model/curl.ts"
export { type Har, har } from "./model/har.ts"
export { otlp, type OtlpAttribute, type OtlpSpan, type OtlpTrace, type OtlpValue } from "./model/otlp.ts"
export { type About, type Explanation, explain, type Picture, type PictureEdge, type PictureNode, type Sentence } from "./model/explain.ts"
export { compare, type ComparedStep, type Comparison } from "./model/compare.ts"
export { jsonSchema } from "./model/schema.ts"
export { type Formatter, formatter, installFormatters, type JsonMl } from "./model/formatters.ts"
