/**
 * Which rule a request meets, as two maps of a listener: `exact` by `HOST/PATH`, `prefix` by `HOST/PATH/`, of which the longest counts. HOST is the name,
 * `*.NAME` for one label more, `*` for every host; the configuration looks these up in turn.
 */
import { join } from 'node:path'
import { type HostPattern, hostText, type L7Rule } from '../../model/l7.ts'
import type { Directory } from './directory.ts'
import { invalid, mapKey, nameFor } from './syntax.ts'

export interface MapId {
  /** The key of a listener. */
  readonly listener: string
  readonly which: 'exact' | 'prefix'
}

export const mapText = ({ listener, which }: MapId): string => `${listener} ${which}`

export function mapFile({ maps }: Pick<Directory, 'maps'>, { listener, which }: MapId): string {
  return join(maps, `${nameFor('fe', listener).text}.${which}.map`)
}

/** Where a rule is found: the same place in the maps of each of its listeners; undefined: no map has it. @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function placeOf({ host, path, rank }: L7Rule): { readonly which: MapId['which']; readonly key: string } | undefined {
  const name = hostKey(host)
  if (path.kind === 'regex') return undefined
  // the one rule of a higher rank is for every host, under a key that the host of no request is
  const key = `${rank > 0 ? '!' : name}${path.path}`
  return path.kind === 'exact' ? { which: 'exact', key: mapKey(key) } : { which: 'prefix', key: mapKey(`${key}/`) }
}

/** As hosts are looked up. @throws {FairwayError} HAPROXY_ENTRY_INVALID for a wildcard of several labels, for which there is no look-up */
export function hostKey(host: HostPattern): string {
  if (host.kind === 'any') return '*'
  if (host.kind === 'wildcard' && host.labels === 'any') throw invalid(`${hostText(host)} cannot be looked up`)
  return host.kind === 'exact' ? host.name : `*.${host.name}`
}
