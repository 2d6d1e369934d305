/** GET of one object and of collections: pages, versions, selectors. */
import type { KindRecord } from './kind.ts'
import { decodeContinue, encodeContinue, type ListOptions, parseVersion } from './list-options.ts'
import { parseSelector } from './selector.ts'
import { ApiError, badRequest, expired, tooLargeVersion } from './status.ts'
import type { Store } from './store.ts'
import { resourceOf, type Stored } from './stored.ts'

/** One page. Shape: `metadata` is that of the list: resourceVersion, and continue and remainingItemCount when more follow. */
export interface Page {
  readonly items: readonly Stored[]
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number }
}

const WAIT_FOR_VERSION_IN_MS = 3_000
const CONTINUE_EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'

/** Waits a little for a version that is not there yet. @throws {ApiError} 504 as a real server */
export async function awaitVersion(store: Store, version: number | undefined): Promise<void> {
  if (version === undefined || version <= store.version) return
  if (!(await store.reached(version, AbortSignal.timeout(WAIT_FOR_VERSION_IN_MS)))) throw tooLargeVersion(version, store.version)
}

/** Lists one page of a resource. @throws {ApiError} 400, 410, 504 */
export async function listPage(
  store: Store,
  record: KindRecord,
  namespace: string | undefined,
  options: ListOptions,
): Promise<Page> {
  const selector = parseSelector(record, options.labelSelector, options.fieldSelector)
  const from = await startOf(store, record, namespace, options)
  const selected = selector.selects ? from.items.filter((stored) => selector.matches(stored.object)) : from.items
  // A list from the cache of a real server (version 0) is always whole.
  const limit = options.limit === 0 || options.version === '0' ? selected.length : options.limit
  const items = selected.slice(0, limit)
  const last = items.at(-1)
  const resourceVersion = String(from.version)
  if (items.length === selected.length || last === undefined) return { items, metadata: { resourceVersion } }
  const next = encodeContinue({ version: from.version, start: tokenKey(last, namespace) })
  const remaining = selector.selects ? {} : { remainingItemCount: selected.length - items.length }
  return { items, metadata: { resourceVersion, continue: next, ...remaining } }
}

/** Keys in a token are relative to what is listed. */
const tokenKey = (stored: Stored, namespace: string | undefined): string =>
  namespace === undefined ? stored.key : stored.key.slice(namespace.length + 1)

interface Start {
  readonly items: readonly Stored[]
  readonly version: number
}

async function startOf(store: Store, record: KindRecord, namespace: string | undefined, options: ListOptions): Promise<Start> {
  const resource = resourceOf(record)
  if (options.continueToken !== '') return continued(store, resource, namespace, options)
  const version = parseVersion(options.version)
  await awaitVersion(store, version)
  const exact = options.versionMatch === 'Exact' || (options.versionMatch === '' && options.limit > 0 && (version ?? 0) > 0)
  if (!exact || version === undefined) return { items: store.list(resource, namespace), version: store.version }
  const items = store.listAt(resource, namespace, version)
  if (items === undefined) throw expired('The resourceVersion for the provided list is too old.')
  return { items, version }
}

function continued(store: Store, resource: string, namespace: string | undefined, options: ListOptions): Start {
  if (options.version !== '' && options.version !== '0')
    throw badRequest('specifying resource version is not allowed when using continue')
  const token = decodeContinue(options.continueToken)
  const version = token.version < 0 ? store.version : token.version
  const items = store.listAt(resource, namespace, version)
  if (items === undefined) throw continueExpired(token.start)
  const start = namespace === undefined ? token.start : `/${namespace}${token.start}`
  return { items: items.filter((stored) => stored.key > start), version }
}

/** 410 with a token that goes on in the list as it is now. */
function continueExpired(start: string): ApiError {
  const { status } = expired(CONTINUE_EXPIRED)
  return new ApiError({
    ...status,
    metadata: { continue: encodeContinue({ version: -1, start }) },
  } as unknown as ApiError['status'])
}
