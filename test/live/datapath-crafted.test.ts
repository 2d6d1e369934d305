/** Packets that no socket here would send: SCTP, and segments out of a connection's window. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { aNode, anEndpoint, aPod, aService, aSlice, aWorld } from '../support/world.ts'
import { LoadedNet } from './datapath/loaded.ts'
import type { TestHost } from './datapath/net.ts'
import { hasGoodCrc, type Packet, sctpInit, tcpData } from './datapath/packet.ts'

const SCTP = 132
const TCP = 6

/** Services of SCTP and TCP: `app` with p2-10 behind it, `near` with p1-10; p1-10 has the hostPort 8090 of SCTP. */
function world() {
  const protocols = ['sctp', 'tcp'] as const
  const service = (name: string, id: number) => {
    const ports = protocols.map((protocol) => ({ name: protocol, protocol, port: 80, nodePort: 30100 + id }))
    return aService(`default/${name}`, { clusterIPs: [`10.96.1.${id}`, `fd00:96::10${id}`], ports })
  }
  const slices = (name: string, k: number) =>
    (['ipv4', 'ipv6'] as const).map((family) =>
      aSlice(`default/${name}-${family}`, `default/${name}`, {
        family,
        ports: protocols.map((protocol) => ({ name: protocol, protocol, port: 8080 })),
        endpoints: [anEndpoint(family === 'ipv4' ? `10.244.${k}.10` : `fd00:244:${k}::10`)],
      }),
    )
  return aWorld({
    services: [service('app', 1), service('near', 2)],
    slices: [...slices('app', 2), ...slices('near', 1)],
    pods: [
      aPod('default/p1-10', 'n1', {
        addresses: ['10.244.1.10', 'fd00:244:1::10'],
        hostPorts: [{ hostIP: '', hostPort: 8090, containerPort: 8080, protocol: 'sctp' }],
      }),
    ],
    nodes: [1, 2].map((k) =>
      aNode(`n${k}`, {
        addresses: [`192.168.77.1${k}`, `fd00:77::1${k}`],
        podCIDRs: [`10.244.${k}.0/24`, `fd00:244:${k}::/64`],
      }),
    ),
  })
}

interface Way {
  readonly family: 'ipv4' | 'ipv6'
  readonly from: string
  readonly to: string
  readonly port: number
  readonly name: string
}

const loaded = new LoadedNet(world(), 'fwt-dc')
const { net } = loaded
const first = net.nodes[0] as TestHost

beforeAll(() => loaded.up())
afterAll(() => loaded.down())

describe('SCTP', () => {
  const ways = [
    { way: 'nodePort', from: 'client', to: first, port: 30101, server: 'p2-10', keeps: false },
    {
      way: 'cluster address',
      from: 'p1-11',
      to: { ipv4: '10.96.1.1', ipv6: 'fd00:96::101' },
      port: 80,
      server: 'p2-10',
      keeps: true,
    },
    { way: 'hostPort', from: 'client', to: first, port: 8090, server: 'p1-10', keeps: true },
  ] as const
  const cases = ways.flatMap((one) => (['ipv4', 'ipv6'] as const).map((family) => ({ ...one, family })))

  it.each(cases)('goes by $way over $family, there and back, with checksums that are right', async (one) => {
    const [client, server] = [loaded.host(one.from), loaded.host(one.server)]
    const [atServer, atClient] = [await net.capture(server), await net.capture(client)]
    const there = { from: client[one.family], fromPort: 40_001, to: one.to[one.family], port: one.port }
    await net.sendRaw(client, sctpInit(there, 'init'))
    const seen = await atServer.next(({ protocol, to }) => protocol === SCTP && to === server[one.family])
    expect([seen.port, hasGoodCrc(seen)]).toEqual([8080, true])
    expect(seen.from === client[one.family]).toBe(one.keeps)
    const back = { from: seen.to, fromPort: seen.port, to: seen.from, port: seen.fromPort }
    await net.sendRaw(server, sctpInit(back, 'init ack', 0x1234_5678))
    const answer = await atClient.next(({ protocol, to }) => protocol === SCTP && to === client[one.family])
    expect(answer).toMatchObject({ from: there.to, fromPort: there.port, port: there.fromPort })
    expect(hasGoodCrc(answer)).toBe(true)
  })
})

describe('a segment that belongs to no connection’s window', () => {
  const isFrom =
    (server: TestHost, family: 'ipv4' | 'ipv6') =>
    ({ protocol, from }: Packet): boolean =>
      protocol === TCP && from === server[family]

  /** Says a line over a held connection, and has the server's pod send what no window takes. Returns the answer to a second line. */
  async function disturb({ family, from, to, port, name }: Way): Promise<string> {
    const server = loaded.host(name)
    const capture = await net.capture(server)
    const held = await net.hold(loaded.host(from), to, port)
    expect(await held.say('one')).toBe('one')
    const echo = await capture.next((packet) => isFrom(server, family)(packet) && packet.payload.includes('one\n'))
    const sequence = echo.payload.readUInt32BE(4) + 100_000_000
    await net.sendRaw(server, tcpData(echo, sequence, echo.payload.readUInt32BE(8)))
    await capture.next((packet) => isFrom(server, family)(packet) && packet.payload.readUInt32BE(4) === sequence >>> 0)
    const answer = await held.say('two')
    held.end()
    return answer
  }
  const ways: readonly Way[] = [
    { family: 'ipv4', from: 'client', to: '192.168.77.11', port: 30101, name: 'p2-10' },
    { family: 'ipv4', from: 'client', to: '192.168.77.11', port: 30102, name: 'p1-10' }, // its peer is the node itself
    { family: 'ipv4', from: 'p1-11', to: '10.96.1.1', port: 80, name: 'p2-10' },
    { family: 'ipv6', from: 'client', to: 'fd00:77::11', port: 30101, name: 'p2-10' },
    { family: 'ipv6', from: 'client', to: 'fd00:77::11', port: 30102, name: 'p1-10' },
    { family: 'ipv6', from: 'p1-11', to: 'fd00:96::101', port: 80, name: 'p2-10' },
  ]

  it.each(ways)('does not reset it: $family from $from to $to $port', async (way) => {
    expect(await disturb(way)).toBe('two')
  })

  it('would reset it without our rule', async () => {
    const flush = (node: TestHost, table: string) => run(inNetns(node.ns, ['nft', 'flush', 'chain', table, 'fairway', 'invalid']))
    for (const node of net.nodes) for (const table of ['ip', 'ip6']) await flush(node, table)
    const fromPods = ways.filter(({ from }) => from === 'p1-11')
    for (const way of fromPods) expect(await disturb(way)).toBe('closed')
    for (const loop of loaded.loops) {
      loop.verify()
      await loop.settled()
    }
    for (const way of fromPods) expect(await disturb(way)).toBe('two')
  })
})
