/** Rows as they change: each is printed anew when it does, under those that were there, as `kubectl get -w` prints them. */
import { isDeepStrictEqual } from 'node:util'
import { stringify } from 'yaml'
import type { Finding } from '../model/code.ts'
import type { Grid } from './columns.ts'
import { printFinding } from './errors.ts'
import { findingValue, gridOf, hintEmpty, JSON_VERSION, type Listing, type Snapshot } from './listing.ts'
import type { Form } from './options.ts'
import { answer } from './terminal.ts'

type RowChange = 'ADDED' | 'MODIFIED' | 'DELETED'

/**
 * Prints what is new in each snapshot, and nothing when nothing is.
 *
 * Shape: a table whose heading comes once, with `(gone)` behind a row that is there no longer; as JSON a line `{version, type, object}` for each row
 *        that changed, with type ADDED, MODIFIED or DELETED, and FINDING or RESOLVED for a finding; as YAML the same, as documents.
 */
export class ListingWatch<T> {
  readonly #listing: Listing<T>
  readonly #form: Form
  readonly #grid: Grid<T>
  #rows = new Map<string, T>()
  #findings = new Map<string, Finding>()
  #begun = false
  #headed = false

  constructor(listing: Listing<T>, form: Form) {
    this.#listing = listing
    this.#form = form
    this.#grid = gridOf(listing, form)
  }

  show(snapshot: Snapshot<T>): void {
    const rows = new Map(snapshot.rows.map((row) => [this.#listing.keyOf(row), row]))
    const changed = [...rows].filter(([key, row]) => !isDeepStrictEqual(this.#rows.get(key), row))
    const gone = [...this.#rows].filter(([key]) => !rows.has(key))
    this.#grid.fit(this.#headed ? [] : snapshot.rows, Date.now())
    for (const [key, row] of changed) this.#print(this.#rows.has(key) ? 'MODIFIED' : 'ADDED', row)
    for (const [, row] of gone) this.#print('DELETED', row)
    if (!this.#begun && rows.size === 0 && this.#isTable) hintEmpty(this.#listing)
    this.#begun = true
    this.#rows = rows
    this.#tellFindings(snapshot.findings)
  }

  get #isTable(): boolean {
    return this.#form === 'table' || this.#form === 'wide'
  }

  #print(type: RowChange, row: T): void {
    if (!this.#isTable) {
      this.#printEvent(type, row)
      return
    }
    if (!this.#headed) answer(this.#grid.heading())
    this.#headed = true
    answer(this.#grid.row(row, Date.now()) + (type === 'DELETED' ? '   (gone)' : ''))
  }

  #tellFindings(findings: readonly Finding[]): void {
    const now = new Map(
      findings.map((finding) => [JSON.stringify([finding.code.code, finding.subjects, finding.message]), finding]),
    )
    for (const [key, finding] of now) {
      if (this.#findings.has(key)) continue
      if (this.#isTable) printFinding(finding)
      else this.#printEvent('FINDING', findingValue(finding))
    }
    for (const [key, finding] of this.#findings)
      if (!now.has(key) && !this.#isTable) this.#printEvent('RESOLVED', findingValue(finding))
    this.#findings = now
  }

  #printEvent(type: string, object: unknown): void {
    const event = { version: JSON_VERSION, type, object }
    answer(
      this.#form === 'json' ? JSON.stringify(event) : `---\n${stringify(event, { aliasDuplicateObjects: false, lineWidth: 0 })}`,
    )
  }
}
