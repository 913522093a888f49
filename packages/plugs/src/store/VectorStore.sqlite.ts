/**
 * Questions as vectors in SQLite: of one machine, and there after a restart. Vectors are plain blobs of 32-bit floats
 * that are read and compared here; no extension is needed.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { decode, encode } from "../cache/Entry.ts"
import { cosine, type Unit } from "../cache/likeness.ts"
import { bytesOf, defaultBytes, type VectorOptions, VectorStore } from "../cache/Vectors.ts"
import { StoreError } from "./patience.ts"
import { Sqlite } from "./Sqlite.ts"

interface Row {
  readonly id: number
  readonly vector: Uint8Array
}

/** Questions in the database of the layer {@link Sqlite}. What was added longest ago goes first. */
export const sqlite = (
  { maxBytes = defaultBytes, maxPerPartition = 500 }: VectorOptions = {}
): Layer.Layer<VectorStore, StoreError, Sqlite> =>
  Layer.effect(
    VectorStore,
    Effect.gen(function*() {
      const { database, run, statement, transaction } = yield* Sqlite
      yield* run(() => database.exec(schema))
      const sizeOf = () => statement(total).get() as unknown as { readonly entries: number; readonly bytes: number }
      return {
        nearest: (partition, vector, least, now) =>
          run(() => {
            let best: number | undefined
            let similarity = least
            for (const row of statement(scan).iterate(partition, now) as unknown as Iterable<Row>) {
              const alike = cosine(floats(row.vector), vector)
              if (alike >= similarity) {
                similarity = alike
                best = row.id
              }
            }
            if (best === undefined) return undefined
            const found = statement(read).get(best) as unknown as { readonly value: string } | undefined
            const entry = found === undefined ? undefined : decode(found.value)
            return entry === undefined ? undefined : { entry, similarity }
          }),
        add: (partition, id, vector, entry, now) => {
          let text: string
          try {
            text = encode(entry)
          } catch (thrown) {
            return Effect.fail(new StoreError("cache", "the entry is no JSON", thrown))
          }
          const size = bytesOf(partition, id, vector, text)
          return transaction(() => {
            statement(drop).run(partition, id)
            if (size > maxBytes) return false
            statement(dropOver).run(now)
            statement(shrink).run(partition, partition, maxPerPartition - 1)
            for (let { bytes } = sizeOf(); bytes + size > maxBytes; { bytes } = sizeOf()) statement(dropOldest).run()
            statement(put).run(partition, id, blobOf(vector), text, size,
              entry.until ?? null)
            return true
          })
        },
        clear: () => run(() => database.exec("DELETE FROM plugline_vectors")),
        size: () => run(() => ({ ...sizeOf() }))
      }
    })
  )

const blobOf = ({ buffer, byteLength, byteOffset }: Unit): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength)

/** The numbers of a blob, which may lie anywhere in memory. */
const floats = (blob: Uint8Array): Unit =>
  blob.byteLength % 4 !== 0
    ? new Float32Array()
    : blob.byteOffset % 4 === 0
    ? new Float32Array(blob.buffer, blob.byteOffset, blob.byteLength / 4)
    : new Float32Array(blob.slice().buffer)

/** The total is kept by the database, so that it is right however many processes write. */
const schema = `
CREATE TABLE IF NOT EXISTS plugline_vectors (
  number INTEGER PRIMARY KEY AUTOINCREMENT, partition TEXT NOT NULL, id TEXT NOT NULL,
  vector BLOB NOT NULL, value TEXT NOT NULL,
  size INTEGER NOT NULL, until REAL, UNIQUE (partition, id)
) STRICT;
CREATE INDEX IF NOT EXISTS plugline_vectors_until ON plugline_vectors (until) WHERE until IS NOT NULL;
CREATE TABLE IF NOT EXISTS plugline_vectors_total (
  one INTEGER PRIMARY KEY CHECK (one = 1), entries INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO plugline_vectors_total VALUES (1, 0, 0);
CREATE TRIGGER IF NOT EXISTS plugline_vectors_more AFTER INSERT ON plugline_vectors BEGIN
  UPDATE plugline_vectors_total SET entries = entries + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER IF NOT EXISTS plugline_vectors_less AFTER DELETE ON plugline_vectors BEGIN
  UPDATE plugline_vectors_total SET entries = entries - 1, bytes = bytes - old.size;
END`

const scan = `SELECT number AS id, vector FROM plugline_vectors
  WHERE partition = ? AND (until IS NULL OR until > ?) ORDER BY number`
const read = "SELECT value FROM plugline_vectors WHERE number = ?"
const put = "INSERT INTO plugline_vectors (partition, id, vector, value, size, until) VALUES (?, ?, ?, ?, ?, ?)"
const drop = "DELETE FROM plugline_vectors WHERE partition = ? AND id = ?"
const dropOver = "DELETE FROM plugline_vectors WHERE until <= ?"
const dropOldest = "DELETE FROM plugline_vectors WHERE number = (SELECT min(number) FROM plugline_vectors)"
const shrink = `DELETE FROM plugline_vectors WHERE partition = ? AND number IN (
  SELECT number FROM plugline_vectors WHERE partition = ? ORDER BY number DESC LIMIT -1 OFFSET ?)`
const total = "SELECT entries, bytes FROM plugline_vectors_total"
