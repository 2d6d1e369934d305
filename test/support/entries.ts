/** What entries mean by the words of src/model/datapath.ts, without any engine. */
import { type BackendGroup, type DataPathEntry, familyOf, frontendKey } from '../../src/model/datapath.ts'
import { inRanges, type Meaning, type Packet } from './oracle.ts'

type Entries = ReadonlyMap<string, DataPathEntry>

/** The ranges of one kind. */
function ranges(entries: Entries, kind: DataPathEntry['kind']): readonly string[] {
  return [...entries.values()].flatMap((entry) => (entry.kind === kind && 'cidr' in entry ? entry.cidr : [])).toSorted()
}

/** What becomes of a packet on a node with these entries and these addresses. */
export function entriesSay(entries: Entries, packet: Packet, isLocal: (address: string) => boolean): Meaning {
  const { from, to } = packet
  const isPod = inRanges(from, ranges(entries, 'local-source'))
  const group = groupOf(entries, packet, { inside: isPod || packet.sender === 'node', local: isLocal(to) })
  if (group === undefined) {
    const refused = entries.has(`service-address/${to}`) || inRanges(to, ranges(entries, 'service-range'))
    return { is: refused ? 'refused' : 'alone' }
  }
  if (group.sourceRanges.length > 0 && !inRanges(from, group.sourceRanges)) return { is: 'dropped' }
  if (group.backends.length === 0) return { is: group.whenEmpty === 'drop' ? 'dropped' : 'refused' }
  const hides = group.masquerade === 'outsiders' && !isPod
  const texts = group.backends.map(({ address, port }) => {
    const hairpin = address === from && entries.has(`local-pod/${address}`)
    return `${address} ${port} ${hides || hairpin || from.startsWith('127.') ? 'node' : 'kept'}`
  })
  return { is: 'to', to: texts.toSorted() }
}

/** Whether an address that this node has answers nodePorts for its range. */
function isRanged(entries: Entries, to: string): boolean {
  return inRanges(to, ranges(entries, 'node-range')) && !/^127\.|^::1$|^fe[89ab].:/.test(to)
}

function groupOf(
  entries: Entries,
  packet: Packet,
  flow: { readonly inside: boolean; readonly local: boolean },
): BackendGroup | undefined {
  const { to, protocol, port } = packet
  const service = entries.has(`service-address/${to}`)
  const places = [
    { at: 'address', address: to, open: true },
    {
      at: 'node-port',
      address: '',
      open: entries.has(`node-address/${to}`) || (flow.local && !service && isRanged(entries, to)),
    },
    { at: 'host-address', address: to, open: flow.local && !service },
    { at: 'host-port', address: '', open: flow.local && !service && to !== '::1' },
  ] as const
  for (const { at, address, open } of places) {
    for (const from of flow.inside ? (['inside', 'anywhere'] as const) : (['anywhere'] as const)) {
      const entry = open ? entries.get(frontendKey({ at, from, family: familyOf(to), address, protocol, port })) : undefined
      const group = entry?.kind === 'frontend' ? entries.get(entry.group) : undefined
      if (group?.kind === 'group') return group
    }
  }
  return undefined
}
