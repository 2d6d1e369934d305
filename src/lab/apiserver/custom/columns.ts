/** Columns of custom resources. Source: apiextensions-apiserver pkg/registry/customresource/tableconvertor/tableconvertor.go. */
import type { Column, RawObject } from '../kind.ts'
import type { PrinterColumn } from '../kinds/custom-resource-definition/types.ts'
import { nameColumn } from '../kinds/define.ts'
import { humanDuration } from '../kinds/duration.ts'
import { describe } from '../openapi/schemas.ts'
import { parseJsonPath } from './json-path.ts'

type CellValue = ReturnType<Column['value']>

const AGE: PrinterColumn = {
  name: 'Age',
  type: 'date',
  description: describe('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'creationTimestamp'),
  jsonPath: '.metadata.creationTimestamp',
}

/** The name, and what the definition asks for; the age when it asks for nothing. */
export function columnsOf(asked: readonly PrinterColumn[] = []): readonly Column[] {
  return [nameColumn, ...(asked.length === 0 ? [AGE] : asked).map(columnOf)]
}

function columnOf(asked: PrinterColumn): Column {
  const { name = '', jsonPath = '', format, priority } = asked
  const type = asked.type as Column['type']
  const find = parseJsonPath(jsonPath)
  return {
    name,
    type,
    description: asked.description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    ...(format === undefined ? {} : { format }),
    ...(priority === undefined ? {} : { priority }),
    value: (object: RawObject, nowInMs: number) => cell(type, find(object)[0], nowInMs),
  }
}

function cell(type: Column['type'], value: unknown, nowInMs: number): CellValue {
  if (value === undefined) return null
  switch (type) {
    case 'string':
      return text(value)
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? age(value, nowInMs) : null
  }
}

/** As Go prints it: lists and maps as JSON. */
function text(value: unknown): string {
  return typeof value === 'string' ? value : value === null ? '<nil>' : JSON.stringify(value)
}

function age(value: string, nowInMs: number): string {
  const then = Date.parse(value)
  return Number.isNaN(then) ? '<invalid>' : humanDuration(nowInMs - then)
}
