/**
 * Where the gateway keeps what must not be lost: the API keys that admins made, and what admins did.
 *
 * With `sqlite` they are in the database of the other stores. Redis and PostgreSQL keep neither: there they are in a
 * SQLite file beside the configuration, which the processes of one machine share. See `docs/decisions/0015`.
 *
 * @module
 */
import { Sqlite, type StoreError } from "@plugline/plugs"
import { Effect, Layer } from "effect"
import { LlmError } from "plugline"
import { type Audit, memory as auditInMemory } from "../audit/Audit.ts"
import { sqlite as auditInSqlite } from "../audit/Audit.sqlite.ts"
import { type KeyStore, memory as keysInMemory } from "../auth/KeyStore.ts"
import { sqlite as keysInSqlite } from "../auth/KeyStore.sqlite.ts"
import type { Config } from "../config/Config.ts"
import { databaseOf } from "../config/stores.ts"

/** What is kept. */
export type Records = KeyStore | Audit

const inMemory: Layer.Layer<Records> = Layer.merge(keysInMemory, auditInMemory())

/** Keys and acts, kept as the stores of a configuration say. `folder` is where its paths begin. */
export const recordsOf = (stores: Config["stores"], folder: string): Layer.Layer<Records, LlmError> => {
  if (stores.kind === "memory") return inMemory
  const path = databaseOf(stores, folder)
  const kept = Layer.provide(Layer.merge(keysInSqlite, auditInSqlite), Sqlite.layer({ path }))
  return stores.kind === "sqlite" ? Layer.catch(kept, refused) : Layer.catch(kept, (error) => lasting(path, error))
}

const refused = (error: StoreError): Layer.Layer<Records, LlmError> =>
  Layer.effectContext(Effect.fail(LlmError.make({
    _tag: "Configuration",
    option: "stores",
    message: `API keys and the audit log cannot be kept: ${error.message}`
  })))

/** A folder that cannot be written to is usual where the configuration is mounted; what calls need is elsewhere. */
const lasting = (path: string, error: StoreError): Layer.Layer<Records> =>
  Layer.unwrap(Effect.as(
    Effect.logWarning(
      "API keys that admins make and the audit log last until the next start only: "
        + `${path} cannot be opened (${error.message})`
    ),
    inMemory
  ))
