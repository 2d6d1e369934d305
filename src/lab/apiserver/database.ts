/** The sqlite file under the store: one row an object, one row for the counter. */
import { mkdirSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { FairwayError } from '../../model/code.ts'
import { APISERVER_STORE_UNUSABLE } from '../../model/codes/apiserver.ts'

export interface Row {
  readonly resource: string
  readonly key: string
  readonly version: number
  readonly json: string
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS object (resource TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, json TEXT NOT NULL,
  PRIMARY KEY (resource, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
INSERT OR IGNORE INTO counter VALUES (1, 1);
`

/**
 * The file. Each write is one transaction that outlives a kill of the process: write-ahead log, flushed by the kernel (a
 * power failure may cost the last moments, never the file). The lock is exclusive, so two servers never share a store.
 */
export class Database {
  readonly path: string
  readonly #database: DatabaseSync
  readonly #put: StatementSync
  readonly #remove: StatementSync
  readonly #count: StatementSync

  /** @throws {FairwayError} APISERVER_STORE_UNUSABLE */
  constructor(path: string) {
    this.path = path
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      this.#database = new DatabaseSync(path)
      this.#database.exec(
        'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-2000;',
      )
      this.#database.exec(SCHEMA)
      this.#put = this.#database.prepare('INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?)')
      this.#remove = this.#database.prepare('DELETE FROM object WHERE resource = ? AND key = ?')
      this.#count = this.#database.prepare('UPDATE counter SET version = ?')
    } catch (cause) {
      throw this.#unusable('opened', cause)
    }
  }

  /** Every row, and the counter: the highest version ever given. */
  load(): { readonly rows: Iterable<Row>; readonly version: number } {
    const counter = this.#database
      .prepare('SELECT max((SELECT max(version) FROM counter), coalesce((SELECT max(version) FROM object), 1)) AS version')
      .get()
    const rows = this.#database.prepare('SELECT resource, key, version, json FROM object').iterate() as Iterable<unknown>
    return { rows: rows as Iterable<Row>, version: Number(counter?.version ?? 1) }
  }

  /** Writes one version. The counter follows from the rows, so that this is one statement. @throws {FairwayError} */
  put(row: Row): void {
    this.#attempt(() => this.#put.run(row.resource, row.key, row.version, row.json))
  }

  /** Removes a row and remembers the version that its removal has. @throws {FairwayError} */
  remove(resource: string, key: string, version: number): void {
    this.#attempt(() => {
      this.#database.exec('BEGIN')
      try {
        this.#remove.run(resource, key)
        this.#count.run(version)
        this.#database.exec('COMMIT')
      } catch (error) {
        this.#rollBack()
        throw error
      }
    })
  }

  close(): void {
    this.#database.close()
  }

  #rollBack(): void {
    try {
      this.#database.exec('ROLLBACK')
    } catch {
      // sqlite has rolled back by itself, as it does when the disk is full
    }
  }

  #attempt(action: () => void): void {
    try {
      action()
    } catch (cause) {
      throw this.#unusable('written', cause)
    }
  }

  #unusable(what: string, cause: unknown): FairwayError {
    const reason = cause instanceof Error ? cause.message : String(cause)
    return new FairwayError(
      APISERVER_STORE_UNUSABLE,
      `the store ${this.path} cannot be ${what}: ${reason} (${freeSpace(dirname(this.path))})`,
      { field: '--dir', cause },
    )
  }
}

function freeSpace(path: string): string {
  try {
    const { bavail, bsize } = statfsSync(path)
    return `${Math.floor((bavail * bsize) / 1024)} KiB free in ${path}`
  } catch {
    return `${path} is not there`
  }
}
