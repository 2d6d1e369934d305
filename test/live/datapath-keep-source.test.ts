/** Pods keep their source address to chosen ranges, past a network plugin that masquerades: packets over two nodes and a client outside. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { LoadedNet } from './datapath/loaded.ts'
import type { TestHost } from './datapath/net.ts'

const loaded = new LoadedNet(undefined, 'fwt-ks')
const { net } = loaded
const [first, second] = net.nodes as readonly [TestHost, TestHost]
const FAMILIES = ['ipv4', 'ipv6'] as const
const PORT = 7070

const sh = (at: TestHost, line: string): Promise<string> => run(inNetns(at.ns, ['sh', '-ec', line]))

/** As flannel and others have it: what leaves for no pod gets the node's address. */
const PLUGIN = `nft -f - <<'END'
table inet plugin {
  chain post {
    type nat hook postrouting priority 100;
    ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade fully-random
    ip6 saddr fd00:244::/32 ip6 daddr != fd00:244::/32 masquerade fully-random
  }
}
END`

async function keep(...cidrs: readonly string[]): Promise<void> {
  loaded.loops[0]?.want(loaded.planners[0]?.keepSource(cidrs) ?? { upserts: [], removals: [] })
  await loaded.loops[0]?.settled()
}

beforeAll(async () => {
  await loaded.up()
  await sh(first, PLUGIN)
  // as the router would know them from BGP
  await sh(net.client, `ip route add 10.244.1.0/24 via ${first.ipv4}; ip route add fd00:244:1::/64 via ${first.ipv6}`)
  for (const host of [net.client, second]) await net.serve(host, PORT)
})
afterAll(() => loaded.down())

describe.each(FAMILIES)('in %s', (family) => {
  const pod = (): TestHost => loaded.host('p1-10')
  const whole = family === 'ipv4' ? '/32' : '/128'
  const ask = async (to: TestHost): Promise<readonly string[]> =>
    (await net.probe(pod(), [`tcp ${to[family]} ${PORT}`, `udp ${to[family]} ${PORT}`])).map((one) => one.split(' ')[1] ?? one)
  const sources = (address: string) => [address, address]

  it('the plugin decides where nothing is said', async () => {
    expect(await ask(net.client)).toEqual(sources(first[family]))
  })

  it('a pod keeps its address to the range, and elsewhere the plugin decides', async () => {
    await keep(`${net.client[family]}${whole}`)
    expect(await ask(net.client)).toEqual(sources(pod()[family]))
    expect(await ask(second)).toEqual(sources(first[family]))
    const own = await net.probe(first, [`tcp ${net.client[family]} ${PORT}`])
    expect(own[0]?.split(' ')[1]).toBe(first[family])
  })

  it('a NodePort keeps the masquerade that its way back needs', async () => {
    const answers = await net.probe(net.client, [`tcp ${first[family]} 30001`])
    expect(answers).toEqual([`p2-10 ${first[family]}`])
  })

  it('the plugin decides again when it is taken back', async () => {
    await keep()
    expect(await ask(net.client)).toEqual(sources(first[family]))
  })
})
