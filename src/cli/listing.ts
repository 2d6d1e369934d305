/** Answers that are rows: the same in a table, as JSON or as YAML, now or as they change, with the same exit code. */
import { stringify } from 'yaml'
import type { Finding, Severity } from '../model/code.ts'
import { type Column, Grid } from './columns.ts'
import { EXIT, printFinding } from './errors.ts'
import type { Form } from './options.ts'
import { answer, colorsFor, hint } from './terminal.ts'

/** How the rows of one command are shown. */
export interface Listing<T> {
  /** The field of the JSON that has them: `sessions`. */
  readonly field: string
  readonly columns: readonly Column<T>[]
  /** Tells rows apart, and finds the same one again after a change. */
  readonly keyOf: (row: T) => string
  /** Said on standard error when there are none: what to do next; '' when a finding says it. */
  readonly empty: string
}

/** What there is at one moment. */
export interface Snapshot<T> {
  readonly rows: readonly T[]
  readonly findings: readonly Finding[]
}

/** The version of the JSON. It changes when a field goes away or means something else, not when one is added. */
export const JSON_VERSION = 1

/** Prints all of it: the rows on standard output, and beside a table the findings on standard error. */
export function printSnapshot<T>(listing: Listing<T>, snapshot: Snapshot<T>, form: Form): void {
  if (form === 'json' || form === 'yaml') answer(document(listing, snapshot, form))
  else {
    if (snapshot.rows.length === 0) hintEmpty(listing)
    else answer(tableText(listing, snapshot.rows, form))
    for (const finding of snapshot.findings) printFinding(finding)
  }
}

export function hintEmpty({ empty }: Pick<Listing<never>, 'empty'>): void {
  if (empty !== '') hint(empty)
}

function tableText<T>(listing: Listing<T>, rows: readonly T[], form: Form): string {
  const grid = gridOf(listing, form)
  const now = Date.now()
  grid.fit(rows, now)
  return [grid.heading(), ...rows.map((row) => grid.row(row, now))].join('\n')
}

export function gridOf<T>({ columns }: Listing<T>, form: Form): Grid<T> {
  return new Grid(
    columns.filter(({ wide }) => form === 'wide' || wide !== true),
    colorsFor(process.stdout),
  )
}

function document<T>({ field }: Listing<T>, { rows, findings }: Snapshot<T>, form: 'json' | 'yaml'): string {
  const value = { version: JSON_VERSION, [field]: rows, findings: findings.map(findingValue) }
  return form === 'json' ? JSON.stringify(value, null, 2) : stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 })
}

/** A finding as programs read it. */
export function findingValue({ code, subjects, message, fix }: Finding): Readonly<Record<string, unknown>> {
  return { code: code.code, name: code.name, severity: code.severity, subjects, message, fix }
}

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2 }

/** The same whatever the form is. */
export function exitCodeFor(findings: readonly Finding[], failOn: Severity): number {
  return findings.some(({ code }) => RANK[code.severity] >= RANK[failOn]) ? EXIT.findings : EXIT.healthy
}
