/** IPAddressPools for who shows them, usable or not. */
import type { PoolOutline } from '../model/pool-outline.ts'
import { convertConditions } from './bgp-session-status.ts'
import type { Converted } from './converted.ts'
import { conditionsOf } from './peer-outline.ts'
import { convertAddressPool } from './pool-objects.ts'
import { keyOf } from './resource.ts'
import type { SettingsObject } from './settings.ts'

/** What is wrong with a pool stays with it, so that it is told of the pools that were asked for alone. */
export function convertPoolOutline(raw: SettingsObject): Converted<PoolOutline> {
  const { value: pool, findings } = convertAddressPool(raw)
  const outline: PoolOutline = {
    key: keyOf(raw),
    namespace: raw.metadata.namespace ?? '',
    name: raw.metadata.name ?? '',
    addresses: textsOf((raw.spec as { readonly addresses?: unknown } | null | undefined)?.addresses),
    ...(pool === undefined ? {} : { usable: pool }),
    findings,
    conditions: convertConditions(conditionsOf(raw)),
  }
  return { value: outline, findings: [] }
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
