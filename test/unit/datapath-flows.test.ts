/** The packet table of the live test, by the tracer over rendered rules: kernel and tracer must say the same. */
import { describe, expect, it } from 'vitest'
import type { Trace } from '../../src/engine/nftables/passage.ts'
import type { Tracer } from '../../src/engine/nftables/trace.ts'
import { familyOf } from '../../src/model/datapath.ts'
import type { Family } from '../../src/model/world.ts'
import { type Flow, flowsOf, TEST_OPTIONS, testWorld } from '../live/datapath/world.ts'
import { everyTrace, nodeOf } from '../support/datapath.ts'

const world = testWorld()
const nodes: Readonly<Record<string, Readonly<Record<Family, Tracer>>>> = {
  n1: await nodeOf(world, 'n1', TEST_OPTIONS),
  n2: await nodeOf(world, 'n2', TEST_OPTIONS),
}

const addressesOf = (host: string): readonly string[] => {
  const pod = /^p(\d)-(\d+)$/.exec(host)
  if (pod !== null) return [`10.244.${pod[1]}.${pod[2]}`, `fd00:244:${pod[1]}::${pod[2]}`]
  const id = host === 'client' ? 1 : 10 + Number(host.slice(1))
  return [`192.168.77.${id}`, `fd00:77::${id}`]
}
const isLocal = (node: string) => (address: string) =>
  addressesOf(node).includes(address) ||
  address === `10.244.${node.slice(1)}.1` ||
  address.startsWith('127.') ||
  address === '::1'
const HOSTS = ['client', 'n1', 'n2', 'p1-10', 'p1-11', 'p2-10', 'p2-11']

const addressIn = (host: string, family: Family): string => addressesOf(host).find((one) => familyOf(one) === family) ?? ''

/** The nodes that a flow comes by: the one it is sent to or by first, then the other. */
function wayOf({ from, to }: Flow): readonly string[] {
  const own = from.startsWith('p') ? `n${from[1]}` : from
  const first = from === 'client' ? (isLocal('n2')(to) ? 'n2' : 'n1') : own
  return first === 'n1' ? ['n1', 'n2'] : ['n2', 'n1']
}

/** Who listens on a node itself. */
const itself = (node: string, { port }: Flow): string => (node === 'n2' && port === 9090 ? 'n2 kept' : 'refused')

/** Sends a packet on its way over at most two nodes, and says what the live test would hear. */
function send(flow: Flow, protocol: 'tcp' | 'udp'): string {
  const family = familyOf(flow.to)
  const source = flow.to.startsWith('127.') ? '127.0.0.1' : addressIn(flow.from, family)
  let packet = { family, protocol, from: source, fromPort: 40_000, to: flow.to, port: flow.port }
  let translated = false
  for (const node of wayOf(flow)) {
    const tracer = (nodes[node] as Readonly<Record<Family, Tracer>>)[family]
    const [trace] = everyTrace(tracer, { ...packet, interface: flow.from === node ? '' : 'eth0' }, isLocal(node)) as [Trace]
    if (trace.outcome === 'dropped') return 'timeout'
    translated ||= trace.translated
    if (trace.outcome === 'refused') return 'refused'
    if (trace.outcome === 'local' && !translated) return itself(node, flow)
    expect([trace.mark, trace.priority]).toEqual([0, 0])
    packet = { ...packet, from: trace.masqueraded ? addressIn(node, family) : packet.from, to: trace.to, port: trace.port }
    const server = HOSTS.find((host) => addressesOf(host).includes(packet.to))
    if (trace.outcome === 'local' || server?.startsWith('p')) return `${server} ${packet.from === source ? 'kept' : 'node'}`
  }
  return 'timeout'
}

const said = (flow: Flow, protocol: 'tcp' | 'udp'): string => `${flow.from} to ${flow.to}:${flow.port} -> ${send(flow, protocol)}`
/** A packet that a node sends has a node's address; the live test cannot tell whether it is the same. */
const plain = (line: string): string => (/^n\d to/.test(line) ? line.replace('kept', 'node') : line)
const wanted = (flow: Flow): string => plain(`${flow.from} to ${flow.to}:${flow.port} -> ${flow.expected}`)

describe('flows through the rendered rules', () => {
  for (const protocol of ['tcp', 'udp'] as const) {
    for (const family of ['ipv4', 'ipv6'] as const) {
      it(`${protocol} over ${family}`, () => {
        const flows = flowsOf(family)
        expect(flows.map((flow) => plain(said(flow, protocol)))).toEqual(flows.map(wanted))
      })
    }
  }

  it('drops what comes from outside with a loopback address', () => {
    const packet = { family: 'ipv4', protocol: 'tcp', fromPort: 40_000, interface: 'eth0' } as const
    const trace = (from: string, to: string, port: number) =>
      everyTrace((nodes.n1 as Readonly<Record<Family, Tracer>>).ipv4, { ...packet, from, to, port }, isLocal('n1')).map(
        ({ outcome }) => outcome,
      )
    expect(trace('192.168.77.1', '127.0.0.1', 8081)).toEqual(['dropped'])
    expect(trace('127.0.0.1', '10.96.0.1', 80)).toEqual(['dropped'])
  })

  it('leaves the sources of flows alone that others translated', () => {
    const table = (nodes.n1 as Readonly<Record<Family, Tracer>>).ipv4
    const masqueraded = (from: string, was: { to: string; port: number }) => {
      const packet = { family: 'ipv4', protocol: 'tcp', from, fromPort: 40_000, to: '10.244.1.10', port: 8080, was } as const
      return table.trace({ ...packet, interface: '' }, { isLocal: isLocal('n1'), draw: () => 0 }).masqueraded
    }
    const theirs = { to: '192.168.77.11', port: 7777 }
    const ours = [
      { to: '10.96.0.2', port: 80 },
      { to: '192.168.77.11', port: 30002 },
      { to: '192.168.77.11', port: 8081 },
    ]
    for (const from of ['10.244.1.10', '127.0.0.1']) {
      expect(masqueraded(from, theirs)).toBe(false)
      expect(ours.map((was) => masqueraded(from, was))).toEqual([true, true, true])
    }
  })

  it('puts back a mark that somebody else had set', () => {
    const packet = {
      family: 'ipv4',
      protocol: 'tcp',
      from: '192.168.77.1',
      fromPort: 40_000,
      to: '10.96.0.4',
      port: 80,
      interface: 'eth0',
    } as const
    const traces = everyTrace((nodes.n1 as Readonly<Record<Family, Tracer>>).ipv4, { ...packet, mark: 0x1234 }, isLocal('n1'))
    expect(traces.map(({ to }) => to).toSorted()).toEqual(['10.244.1.10', '10.244.1.11', '10.244.2.10', '10.244.2.11'])
    expect(new Set(traces.map(({ mark }) => mark))).toEqual(new Set([0x1234]))
  })
})
