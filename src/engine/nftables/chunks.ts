import type { DataPathEntry } from '../../model/datapath.ts'
import type { Delta } from '../../model/plan.ts'
import { SET_OF_RANGE } from './element.ts'

/** Also of a stray in a range's place. */
const RANGE_KEY = new RegExp(`^(stray/)?(${Object.keys(SET_OF_RANGE).join('|')})/`)

type Change = Delta<DataPathEntry>

/** Entries of one transaction of a large difference: the kernel is held for tens of milliseconds, not for seconds. */
const CHUNK = 500

/**
 * A difference in transactions, so that nothing that goes on is out of service between two of them. A small one is one.
 *
 * Order: what is declared anew; groups, which get ids that nothing has; ranges, new and old at once, since no two may overlap; then what
 * points to groups, each with the stray that stands in its place; removals last, what points to groups before them, chains after all.
 */
export function chunksOf({ upserts, removals }: Change): readonly Change[] {
  if (upserts.length + removals.length <= CHUNK) return [{ upserts, removals }]
  const rest = new Set(removals)
  const take = (wanted: (key: string) => boolean): readonly string[] => [...rest].filter((key) => wanted(key) && rest.delete(key))
  const remove = (keys: readonly string[]): readonly Change[] => slices(keys).map((some) => ({ upserts: [], removals: some }))
  const of = (kinds: readonly DataPathEntry['kind'][]) => upserts.filter(({ kind }) => kinds.includes(kind))
  const ranges = { upserts: upserts.filter((entry) => 'cidr' in entry), removals: take(isRangeKey) }
  const chunks = [
    ...remove(take((key) => /^stray\/ipv[46]\/chains$/.test(key))),
    ...slices(of(['group'])).map((some) => ({ upserts: some, removals: [] })),
    ...(ranges.upserts.length + ranges.removals.length > 0 ? [ranges] : []),
    ...slices(of(['frontend', 'node-address', 'service-address', 'local-pod'])).map((some) => {
      return { upserts: some, removals: some.map(({ key }) => `stray/${key}`).filter((key) => rest.delete(key)) }
    }),
  ]
  const chains = take((key) => /^stray\/ipv[46]\/chain\//.test(key))
  return [...chunks, ...remove(take(isFrontendKey)), ...remove([...rest]), ...remove(chains)]
}

function slices<T>(list: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, index) => list.slice(index * CHUNK, (index + 1) * CHUNK))
}

function isRangeKey(key: string): boolean {
  return RANGE_KEY.test(key)
}

/** Also of a stray that points to a group. */
function isFrontendKey(key: string): boolean {
  return /^(stray\/)?(address|node-port|host-port|host-address)(-inside)?\/ipv[46]\//.test(key)
}
