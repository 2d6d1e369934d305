/** What a person should know about addresses that are not announced on L2. */
import { holderOf, subjectOf } from '../model/address-holder.ts'
import type { Finding } from '../model/code.ts'
import { L2_NO_NAMED_INTERFACE, L2_NOBODY_ANNOUNCES } from '../model/codes/l2-plan.ts'
import type { NodeName } from '../model/world.ts'
import type { AddressPlan, Obstacle } from './l2-address.ts'

const WHY: Readonly<Record<Obstacle, readonly [(pool: string) => string, fix: string]>> = {
  'node-address': [() => 'it is the address of a node', 'Take the addresses of nodes out of the IPAddressPool.'],
  'gateway-address': [
    () => 'it is the address of a router, through which the nodes reach other networks',
    'Take the addresses of routers out of the IPAddressPool.',
  ],
  'not-advertised': [
    (pool) => `no L2Advertisement or BGPAdvertisement chooses pool ${pool} and the Service`,
    'Make an L2Advertisement in the namespace of the pool; an empty spec announces all pools.',
  ],
  'no-node-chosen': [
    () => 'the nodeSelectors of its L2Advertisements choose no node',
    'Change the nodeSelectors of the L2Advertisement, or label a node.',
  ],
  'no-subnet': [
    () => 'no node is on a subnet that holds it',
    'Take addresses of a subnet of the nodes into the pool, name `interfaces` in the L2Advertisement, or announce the pool by BGP.',
  ],
  'no-endpoint': [
    () => 'under externalTrafficPolicy Local no node that may announce it has a ready endpoint',
    'Run a ready pod of the Service on a node that the L2Advertisement chooses, or use externalTrafficPolicy Cluster.',
  ],
  'all-out': [
    () => 'all nodes that may announce it are taken out of load balancing, or are leaving',
    'Remove the label node.kubernetes.io/exclude-from-external-load-balancers from a node, or add a node.',
  ],
}

const FLOATING_WHY: Partial<typeof WHY> = {
  'node-address': [() => 'it is the address of a node', 'Name another address.'],
  'gateway-address': [
    () => 'it is the address of a router, through which the nodes reach other networks',
    'Name another address.',
  ],
  'not-advertised': [
    (pool) => `no L2Advertisement or BGPAdvertisement chooses pool ${pool} and the FloatingAddress`,
    'Say `spec.l2: {}` or `spec.bgp: {}` in the FloatingAddress, or make an L2Advertisement in the namespace of the pool.',
  ],
  'no-subnet': [
    () => 'no node is on a subnet that holds it',
    'Write an address of a subnet of the nodes, name `spec.l2.interfaces`, or announce it by `spec.bgp`.',
  ],
  'no-endpoint': [
    () => 'no node that may announce it has a Ready pod for it',
    'Run a Ready pod that spec.selector chooses on a node that may announce the address.',
  ],
}

/** Why no node may announce the address; the same words on every node. */
export function nobodyAnnounces({ obstacle, address, pool, holders }: AddressPlan): readonly Finding[] {
  if (obstacle === undefined) return []
  const floats = holders.some((key) => holderOf(key).kind === 'floatingaddress')
  const [reason, fix] = (floats ? FLOATING_WHY[obstacle] : undefined) ?? WHY[obstacle]
  const subjects = holders.map(subjectOf)
  const message = `Nobody announces ${address} of ${subjects.join(' and ')}: ${reason(pool)}.`
  return [{ code: L2_NOBODY_ANNOUNCES, subjects, message, fix }]
}

/** Advertisements that choose this node for the address, and name interfaces which it does not have. */
export function withoutInterface({ without, ranking }: AddressPlan, node: NodeName): readonly Finding[] {
  if (!ranking.includes(node)) return []
  return without.map((name) => ({
    code: L2_NO_NAMED_INTERFACE,
    subjects: [`node/${node}`],
    message: `Node ${node} has none of the interfaces that L2Advertisement ${name} names, and cannot announce what it chooses.`,
    fix: L2_NO_NAMED_INTERFACE.fix,
  }))
}
