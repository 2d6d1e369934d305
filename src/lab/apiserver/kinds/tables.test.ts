/** Every recorded table: the columns of each kind, name and age of each row, and whole rows where the object was recorded too. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Column, KindRecord, RawObject } from '../kind.ts'
import { makeKinds } from './index.ts'

const TABLES = new URL('../../../../test/golden/kubernetes-1.36/tables/', import.meta.url)
const read = <T>(file: string): T => JSON.parse(readFileSync(new URL(file, TABLES), 'utf8')) as T

interface Table {
  readonly columnDefinitions: readonly (Omit<Column, 'value'> & { readonly format: string })[]
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: RawObject }[]
}

const kinds = makeKinds({ serviceRanges: ['10.96.0.0/12'], nodePortRange: [30000, 32767] })
const objects = read<readonly RawObject[]>('objects.json')
/** The tables were recorded in this second (`default` of 20:44:07 was 7m5s old); one of a pod a little earlier or later. */
const RECORDED_AT_IN_MS = Date.parse('2026-11-22T20:51:12Z')
const SLACK_IN_MS = 3_000

/** Files whose kind has another plural, and those that hold something else. */
const PLURALS: Readonly<Record<string, string>> = { 'empty-jobs': 'jobs', 'pod-one': 'pods' }
const NO_TABLES = new Set(['variants', 'objects'])

const tables = readdirSync(TABLES)
  .map((file) => file.replace('.json', ''))
  .filter((name) => !NO_TABLES.has(name))
  .map(
    (name) =>
      [name, kinds.find(({ plural }) => plural === (PLURALS[name] ?? name)) as KindRecord, read<Table>(`${name}.json`)] as const,
  )

describe.each(tables)('%s', (_name, kind, table) => {
  test('columns', () => {
    const own = kind.columns.map(({ name, type, format = '', priority = 0 }) => ({ name, type, format, priority }))
    expect(own).toEqual(table.columnDefinitions.map(({ name, type, format, priority }) => ({ name, type, format, priority })))
  })

  test('rows', () => {
    for (const { cells, object } of table.rows) {
      const whole = objects.find(
        ({ kind: of, metadata }) =>
          of === kind.kind &&
          metadata.name === object.metadata.name &&
          metadata.resourceVersion === object.metadata.resourceVersion,
      )
      for (const [index, column] of kind.columns.entries()) {
        if (whole === undefined && column.name !== 'Name' && column.name !== 'Age') continue
        const near = [0, -SLACK_IN_MS, -SLACK_IN_MS / 3, -SLACK_IN_MS / 1.5, SLACK_IN_MS / 3, SLACK_IN_MS / 1.5, SLACK_IN_MS]
        const possible = near.map((shift) => column.value(whole ?? object, RECORDED_AT_IN_MS + shift))
        expect(possible, `${object.metadata.name}: ${column.name}`).toContain(cells[index])
      }
    }
  })
})

test('whole objects were compared', () => {
  expect(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`).toSorted()).toEqual([
    'Node/node1',
    'Pod/web',
    'Service/api',
    'Service/web-lb',
    'Service/zzz',
  ])
})
