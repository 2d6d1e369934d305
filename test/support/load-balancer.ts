/** Short ways to say pools and advertisements in tests. */
import { familyOf } from '../../src/model/datapath.ts'
import type {
  AddressPool,
  AddressSpan,
  BgpAdvertisement,
  FloatingAddress,
  L2Advertisement,
} from '../../src/model/load-balancer.ts'

/** A span as `FIRST-LAST`. */
export function aSpan(text: string): AddressSpan {
  const [first = '', last = first] = text.split('-')
  return { family: familyOf(first), first, last }
}

export function aPool(name: string, spans: readonly string[], part: Partial<AddressPool> = {}): AddressPool {
  return {
    key: `metallb-system/${name}`,
    name,
    labels: {},
    spans: spans.map(aSpan),
    autoAssign: true,
    avoidsBuggyAddresses: false,
    priority: 0,
    mayMove: false,
    createdAtInMs: 0,
    ...part,
  }
}

export function aBgpAdvertisement(name: string, part: Partial<BgpAdvertisement> = {}): BgpAdvertisement {
  return {
    key: `metallb-system/${name}`,
    name,
    pools: [],
    poolSelectors: [],
    services: [],
    nodes: [],
    peers: [],
    communities: [],
    lengths: { ipv4: 32, ipv6: 128 },
    ...part,
  }
}

export function anL2Advertisement(name: string, part: Partial<L2Advertisement> = {}): L2Advertisement {
  return {
    key: `metallb-system/${name}`,
    name,
    pools: [],
    poolSelectors: [],
    services: [],
    nodes: [],
    interfaces: [],
    preferredNodes: [],
    ...part,
  }
}

/** Nodes in `candidates`, each with a pod of its name. */
export function aFloatingAddress(
  key: string,
  candidates: readonly string[],
  part: Partial<FloatingAddress> = {},
): FloatingAddress {
  return {
    key,
    name: key.split('/')[1] ?? '',
    labels: {},
    addresses: ['192.168.10.1'],
    addressPool: '',
    candidates: candidates.map((node) => ({ node, pod: `pod-${node}` })),
    pods: [{ key: 'app', is: 'in', values: ['edge'] }],
    nodes: [],
    ...part,
  }
}

/** Objects by their keys. */
export function byKey<T extends { readonly key: string }>(...objects: readonly T[]): ReadonlyMap<string, T> {
  return new Map(objects.map((one) => [one.key, one]))
}
