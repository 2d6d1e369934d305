/** Who has load-balancer addresses: Services and FloatingAddresses, under keys that no two of them share. */
import type { ObjectKey } from './world.ts'

/** A Service's is its own `NAMESPACE/NAME`, any other's has its kind before that: `floatingaddress/NAMESPACE/NAME`. */
export type HolderKey = string

export type HolderKind = 'service' | 'floatingaddress'

const KIND = /^floatingaddress\/(?=[^/]*\/)/
const TITLES: Readonly<Record<HolderKind, string>> = { service: 'Service', floatingaddress: 'FloatingAddress' }

export function holderKey(kind: HolderKind, key: ObjectKey): HolderKey {
  return kind === 'service' ? key : `${kind}/${key}`
}

export function holderOf(holder: HolderKey): { readonly kind: HolderKind; readonly key: ObjectKey } {
  const key = holder.replace(KIND, '')
  return { kind: key === holder ? 'service' : 'floatingaddress', key }
}

export function namespaceOf(holder: HolderKey): string {
  return holderOf(holder).key.split('/')[0] ?? ''
}

/** As findings name it: `service/NAMESPACE/NAME`. */
export function subjectOf(holder: HolderKey): string {
  const { kind, key } = holderOf(holder)
  return `${kind}/${key}`
}

/** As sentences name it: `Service NAMESPACE/NAME`. */
export function titleOf(holder: HolderKey): string {
  const { kind, key } = holderOf(holder)
  return `${TITLES[kind]} ${key}`
}
