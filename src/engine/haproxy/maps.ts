/**
 * Which rule a request meets, as two maps: `exact` by `HOST/PATH`, `prefix` by `HOST/PATH/`, of which the longest counts. HOST is the name, `*.NAME` for
 * one label more, `*` for every host; the configuration looks these up in turn.
 */
import type { HostPattern, L7Rule } from '../../model/l7.ts'
import { mapLine, nameFor, phrase, type Words } from './syntax.ts'

export type MapName = 'exact' | 'prefix'

/** In the place of a backend: no server is there. */
export const UNAVAILABLE = phrase`be_unavailable`

export interface MapEntry {
  readonly map: MapName
  readonly key: string
  /** `KEY VALUE`. */
  readonly line: string
}

/** @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function mapEntry(rule: L7Rule): MapEntry {
  const { host, path, rank } = rule
  const map = path.kind === 'exact' ? 'exact' : 'prefix'
  const text = path.kind === 'exact' ? path.path : path.kind === 'prefix' ? `${path.path}/` : ''
  // the one rule of a higher rank is for every host, under a key that the host of no request is
  const key = rank > 0 ? `!${text}` : `${hostText(host)}${text}`
  return { map, key, line: mapLine(key, targetOf(rule)) }
}

/** Names of backends are what a map gives: no word of a user is among them. */
function targetOf({ action }: L7Rule): Words {
  if (action.kind !== 'forward') return UNAVAILABLE
  const [first] = action.backends.filter(({ weight }) => weight > 0)
  return first === undefined ? UNAVAILABLE : nameFor('be', first.backend)
}

function hostText(host: HostPattern): string {
  if (host.kind === 'any') return '*'
  return host.kind === 'exact' ? host.name : `*.${host.name}`
}
