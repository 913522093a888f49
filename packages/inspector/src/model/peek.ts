/**
 * Looks into JSON of which nobody promises what it holds: what plugs wrote down for each other.
 *
 * @module
 */
import { Json, type JsonObject, type JsonValue } from "@plugline/core"

/** A field of an object; `undefined` where there is none. */
export const field = (value: unknown, name: string): JsonValue | undefined =>
  Json.isRecord(value) && Object.hasOwn(value, name) ? value[name] as JsonValue | undefined : undefined

/** A text, or nothing. */
export const text = (value: unknown): string | undefined => typeof value === "string" ? value : undefined

/** A number, or nothing. */
export const number = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined

/** A list, or nothing. */
export const list = (value: unknown): ReadonlyArray<JsonValue> | undefined => Array.isArray(value) ? value : undefined

/** An object, or nothing. */
export const object = (value: unknown): JsonObject | undefined => Json.isRecord(value) ? value as JsonObject : undefined
