/** The query of list and watch, checked in the real server's words (apimachinery meta/internalversion/validation). */
import type { FieldError } from './kind.ts'
import { badRequest, internal, invalidOptions } from './status.ts'

export interface ListOptions {
  readonly watch: boolean
  readonly labelSelector: string
  readonly fieldSelector: string
  /** 0 when none is given. */
  readonly limit: number
  readonly continueToken: string
  /** As asked for: '' when absent. */
  readonly version: string
  readonly versionMatch: string
  readonly timeoutInSeconds: number | undefined
  readonly bookmarks: boolean
  readonly sendInitialEvents: boolean | undefined
}

const isTrue = (text: string | null): boolean => text !== null && text !== '' && text !== '0' && text.toLowerCase() !== 'false'

/** Reads and checks a query. @throws {ApiError} 422 for parameters that do not go together, 400 or 500 for a bad resourceVersion */
export function parseListOptions(query: URLSearchParams, watch = isTrue(query.get('watch'))): ListOptions {
  const text = (name: string): string => query.get(name) ?? ''
  const number = (name: string): number => Math.max(0, Number.parseInt(text(name), 10) || 0)
  const options: ListOptions = {
    watch,
    labelSelector: text('labelSelector'),
    fieldSelector: text('fieldSelector'),
    limit: number('limit'),
    continueToken: text('continue'),
    version: text('resourceVersion'),
    versionMatch: text('resourceVersionMatch'),
    timeoutInSeconds: query.has('timeoutSeconds') ? number('timeoutSeconds') : undefined,
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : undefined,
  }
  const errors = watch ? watchErrors(options) : listErrors(options)
  if (errors.length > 0) throw invalidOptions('ListOptions', errors)
  return options
}

const MATCH = 'resourceVersionMatch'
const forbid = (field: string, detail: string): FieldError => ({ type: 'Forbidden', field, detail })

function watchErrors(options: ListOptions): readonly FieldError[] {
  const { sendInitialEvents, versionMatch } = options
  if (sendInitialEvents === undefined) {
    if (versionMatch === '') return []
    const errors = [forbid(MATCH, `${MATCH} is forbidden for watch unless sendInitialEvents is provided`)]
    return versionMatch === 'NotOlderThan' ? errors : [...errors, unsupported(versionMatch, ['NotOlderThan'])]
  }
  if (versionMatch === '') return [forbid(MATCH, `sendInitialEvents requires setting ${MATCH} to NotOlderThan`)]
  return versionMatch === 'NotOlderThan' ? [] : [unsupported(versionMatch, ['NotOlderThan'])]
}

const unsupported = (value: string, supported: readonly string[]): FieldError => ({
  type: 'NotSupported',
  field: MATCH,
  value,
  supported,
})

function listErrors(options: ListOptions): readonly FieldError[] {
  const errors: FieldError[] = []
  const { version, versionMatch } = options
  if (versionMatch !== '') {
    if (options.continueToken !== '') errors.push(forbid(MATCH, `${MATCH} is forbidden when continue is provided`))
    if (version === '') errors.push(forbid(MATCH, `${MATCH} is forbidden unless resourceVersion is provided`))
    if (versionMatch !== 'Exact' && versionMatch !== 'NotOlderThan')
      errors.push(unsupported(versionMatch, ['Exact', 'NotOlderThan', '']))
    if (versionMatch === 'Exact' && version === '0')
      errors.push(forbid(MATCH, `${MATCH} "exact" is forbidden for resourceVersion "0"`))
  }
  if (options.sendInitialEvents !== undefined) errors.push(forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  return errors
}

const badVersion = (text: string): string =>
  `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`

/** A resourceVersion as a number; undefined when absent. @throws {ApiError} 400, or for a watch 500, as the real server */
export function parseVersion(text: string, watch = false): number | undefined {
  if (text === '') return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw watch ? internal(badVersion(text)) : badRequest(`invalid resource version: ${badVersion(text)}`)
}

/** Where the next page begins: the version that the list is of, and the key after the last one. */
export interface ContinueToken {
  readonly version: number
  readonly start: string
}

export function encodeContinue(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.version, start: `${token.start}\u0000` })).toString(
    'base64url',
  )
}

/** @throws {ApiError} 400 when it is none of ours */
export function decodeContinue(text: string): ContinueToken {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString()) as {
      readonly v?: unknown
      readonly rv?: unknown
      readonly start?: unknown
    }
    if (
      token.v === 'meta.k8s.io/v1' &&
      typeof token.rv === 'number' &&
      typeof token.start === 'string' &&
      token.start.startsWith('/')
    )
      return { version: token.rv, start: token.start.split('\u0000', 1)[0] ?? '' }
  } catch {
    // answered below
  }
  throw badRequest('continue key is not valid: incorrect encoding of start key (version meta.k8s.io/v1)')
}
