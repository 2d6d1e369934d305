/** The query of writes: dryRun, fieldManager, fieldValidation, force. */
import type { FieldError } from './kind.ts'
import { invalidOptions } from './status.ts'

export interface WriteOptions {
  readonly dryRun: boolean
  readonly fieldManager: string
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore'
  readonly force: boolean
}

const VALIDATIONS: readonly string[] = ['Strict', 'Warn', 'Ignore']

/**
 * Reads and checks the query of a write. Without a fieldManager, the first word of the User-Agent stands for it.
 * `kind` names the options in errors: CreateOptions, UpdateOptions, PatchOptions, DeleteOptions.
 * @throws {ApiError} 422
 */
export function parseWriteOptions(kind: string, query: URLSearchParams, userAgent: string | undefined): WriteOptions {
  const dryRun = query.getAll('dryRun')
  const fieldManager = query.get('fieldManager') ?? ''
  const fieldValidation = query.get('fieldValidation') ?? ''
  const errors: FieldError[] = []
  if (dryRun.some((value) => value !== 'All'))
    errors.push({ type: 'NotSupported', field: 'dryRun', value: dryRun, supported: ['All'] })
  if (fieldManager.length > 128) errors.push({ type: 'TooLong', field: 'fieldManager', detail: 'may not be more than 128 bytes' })
  if (fieldValidation !== '' && !VALIDATIONS.includes(fieldValidation))
    errors.push({
      type: 'NotSupported',
      field: 'fieldValidation',
      value: fieldValidation,
      supported: ['', 'Ignore', 'Strict', 'Warn'],
    })
  if (errors.length > 0) throw invalidOptions(kind, errors)
  return {
    dryRun: dryRun.length > 0,
    fieldManager: fieldManager === '' ? (userAgent ?? '').split('/')[0] || 'unknown' : fieldManager,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as WriteOptions['fieldValidation']),
    force: query.get('force') === 'true',
  }
}

/** Server-side apply needs a manager that was named. @throws {ApiError} 422 */
export function requireFieldManager(query: URLSearchParams): void {
  if ((query.get('fieldManager') ?? '') !== '') return
  throw invalidOptions('PatchOptions', [{ type: 'Required', field: 'fieldManager', detail: 'is required for apply patch' }])
}
