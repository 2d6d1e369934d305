/** NodePorts on every address of the machine in the ranges of nodePortAddresses, all there are: packets over two nodes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { LoadedNet } from './datapath/loaded.ts'
import type { TestHost } from './datapath/net.ts'

const loaded = new LoadedNet(undefined, 'fwt-nr', { nodePortAddresses: ['0.0.0.0/0', '10.0.0.0/8', '::/0'] })
const { net } = loaded
const [first, second] = net.nodes as readonly [TestHost, TestHost]

/** Addresses that no Node object has; the client sends them to the first node. */
const LATER = ['198.51.100.77', '2001:db8:51::77'] as const
const THEIRS = '198.51.100.9'
const FAMILIES = ['ipv4', 'ipv6'] as const

const sh = (at: TestHost, line: string): Promise<string> => run(inNetns(at.ns, ['sh', '-ec', line]))
const change = (at: TestHost, verb: 'add' | 'del') =>
  sh(at, LATER.map((address) => `ip addr ${verb} ${address}/${address.includes(':') ? '128 nodad' : '32'} dev lo`).join('\n'))
const ask = (from: TestHost, address: string, port: number) =>
  net.probe(from, [`tcp ${address} ${port}`, `udp ${address} ${port}`])
const both = (answer: string) => [answer, answer]

beforeAll(async () => {
  await loaded.up()
  await sh(
    net.client,
    `ip route add 198.51.100.0/24 via ${first.ipv4}
     ip route add 2001:db8:51::/64 via ${first.ipv6}`,
  )
})
afterAll(() => loaded.down())

describe('an address that the machine got later', () => {
  it('answers nodePorts at once, and no more when it is gone', async () => {
    const all = async () =>
      await net.probe(
        net.client,
        LATER.flatMap((one) => [`tcp ${one} 30001`, `udp ${one} 30001`]),
      )
    const silence = [...both('timeout'), ...both('timeout')]
    expect(await all()).toEqual(silence)
    await change(first, 'add')
    expect(await all()).toEqual([...both(`p2-10 ${first.ipv4}`), ...both(`p2-10 ${first.ipv6}`)])
    await change(first, 'del')
    expect(await all()).toEqual(silence)
  })

  describe.each(FAMILIES)('in %s', (family) => {
    const address = LATER[FAMILIES.indexOf(family)] ?? ''
    const host = (name: string) => loaded.host(name)
    beforeAll(async () => {
      await change(first, 'add')
      await change(second, 'add')
    })
    afterAll(async () => {
      await change(first, 'del')
      await change(second, 'del')
    })

    it('answers the node itself and its pods, who keep their address, but for a hairpin', async () => {
      expect((await ask(first, address, 30001)).map((one) => one.split(' ')[0])).toEqual(both('p2-10'))
      expect(await ask(host('p1-11'), address, 30001)).toEqual(both(`p2-10 ${host('p1-11')[family]}`))
      const [tcp = '', udp = ''] = await ask(host('p1-10'), address, 30002)
      for (const answer of [tcp, udp]) {
        expect(answer).toMatch(/^p1-10 /)
        expect(answer).not.toContain(host('p1-10')[family])
      }
    })

    it('follows policy Local: outsiders keep their address, the node and its pods draw from all endpoints', async () => {
      expect(await ask(net.client, address, 30006)).toEqual(both(`p1-10 ${net.client[family]}`))
      expect(await ask(host('p2-10'), address, 30006)).toEqual(both(`p1-10 ${host('p2-10')[family]}`))
      expect((await ask(second, address, 30006)).map((one) => one.split(' ')[0])).toEqual(both('p1-10'))
    })

    it('refuses a nodePort without endpoints', async () => {
      expect(await ask(net.client, address, 30005)).toEqual(both('refused'))
    })
  })
})

describe('what is in the ranges, and no address of the node for nodePorts', () => {
  it('loopback', async () => {
    for (const address of ['127.0.0.1', '127.0.0.2', '::1']) expect(await ask(first, address, 30001)).toEqual(both('refused'))
  })

  it('addresses of Services, also where the machine has them', async () => {
    await sh(first, 'ip addr add 203.0.113.106/32 dev lo')
    expect(await ask(net.client, '203.0.113.106', 30001)).toEqual(both('refused'))
    await sh(first, 'ip addr del 203.0.113.106/32 dev lo')
  })

  it('other machines: what is routed through goes on as it was sent', async () => {
    await net.serve(second, 30001)
    await sh(net.client, `ip route add ${second.ipv4}/32 via ${first.ipv4}`)
    await sh(second, 'nft add table ip none; nft delete table ip fairway') // the node's own rules are not asked here
    expect(await ask(net.client, second.ipv4, 30001)).toEqual(both(`n2 ${net.client.ipv4}`))
    await sh(net.client, `ip route del ${second.ipv4}/32`)
    loaded.loops[1]?.verify()
    await loaded.loops[1]?.settled()
  })
})

describe('somebody else’s translated flow to the port of a nodePort', () => {
  it('keeps its source, also while nodePorts are asked for at addresses in the same range', async () => {
    await sh(
      first,
      `nft -f - <<'END'
table ip theirs {
  chain pre { type nat hook prerouting priority -110; ip daddr ${THEIRS} meta l4proto { tcp, udp } dnat to 10.244.1.11:8080; }
  chain post { type nat hook postrouting priority 100; ip saddr 10.244.1.11 ip daddr 10.244.1.11 snat to 192.168.77.99; }
}
END`,
    )
    await change(first, 'add')
    for (const port of [30001, 30002, 30006]) {
      expect(await ask(net.client, LATER[0], port)).not.toContain('timeout')
      expect(await ask(net.client, THEIRS, port)).toEqual(both(`p1-11 ${net.client.ipv4}`))
      expect(await ask(loaded.host('p1-10'), THEIRS, port)).toEqual(both('p1-11 10.244.1.10'))
      expect(await ask(loaded.host('p1-11'), THEIRS, port)).toEqual(both('p1-11 192.168.77.99'))
    }
    await change(first, 'del')
    await sh(first, 'nft delete table ip theirs')
  })
})
