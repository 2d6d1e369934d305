/** The data path beside others: neighbours that forge addresses, other people's translations and marks. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { LoadedNet } from './datapath/loaded.ts'
import type { TestHost, TestPod } from './datapath/net.ts'
import { TEST_OPTIONS, testWorld } from './datapath/world.ts'

const loaded = new LoadedNet()
const { net } = loaded
const first = net.nodes[0] as TestHost

const sh = (at: TestHost, line: string): Promise<string> => run(inNetns(at.ns, ['sh', '-ec', line]))
const nft = (at: TestHost, text: string): Promise<string> => run(inNetns(at.ns, ['nft', '-f', '-']), { input: text })
const ask = async (from: TestHost, ...flows: string[]) => (await net.probe(from, flows)).map((one) => one.split(' ')[0])

beforeAll(() => loaded.up())
afterAll(() => loaded.down())

describe('a neighbour that forges loopback addresses (CVE-2020-8558)', () => {
  const ONLY_HERE = 7060

  /** Makes a host send what is for 127.0.0.1 to the node, which no kernel does by itself. */
  async function forge(at: TestHost, gateway: string): Promise<TestHost> {
    await sh(
      at,
      `sysctl -qw net.ipv4.conf.all.route_localnet=1
       ip addr del 127.0.0.1/8 dev lo
       ip route add 127.0.0.1/32 via ${gateway} dev eth0 src ${at.ipv4}`,
    )
    return at
  }
  const both = (port: number): readonly string[] => [`tcp 127.0.0.1 ${port}`, `udp 127.0.0.1 ${port}`]

  it('reaches neither what the node serves on 127.0.0.1 nor its hostPorts, from a pod or from the same wire', async () => {
    await net.serve(first, ONLY_HERE)
    const pod = await forge(loaded.host('p1-10'), '10.244.1.1')
    const outsider = await forge(net.client, first.ipv4)
    for (const from of [pod, outsider]) {
      expect(await ask(from, ...both(ONLY_HERE), ...both(8082))).toEqual(['timeout', 'timeout', 'timeout', 'timeout'])
    }
    // without our rule the pod gets through: its interface takes loopback addresses in, for the sake of its hostPort
    await sh(first, 'nft flush chain ip fairway foreign')
    expect(await ask(pod, `tcp 127.0.0.1 ${ONLY_HERE}`)).toEqual(['n1'])
    loaded.loops[0]?.verify()
    await loaded.loops[0]?.settled()
    expect(await ask(pod, `tcp 127.0.0.1 ${ONLY_HERE}`)).toEqual(['timeout'])
  })
})

describe('the interface of a hostPort pod', () => {
  const sysctl = async (name: string) => (await sh(first, `cat /proc/sys/net/ipv4/conf/${name}/route_localnet`)).trim()

  it('that comes anew for the same pod is heard of, and 127.0.0.1 reaches it again', async () => {
    const at = '127.0.0.1 8082'
    expect(await ask(first, `tcp ${at}`)).toEqual(['p1-11'])
    await sh(first, 'ip link del h-p1-11')
    await net.wirePod(loaded.host('p1-11') as TestPod)
    await expect.poll(() => sysctl('h-p1-11'), { interval: 5, timeout: 1_000 }).toBe('1')
    expect(await ask(first, `tcp ${at}`)).toEqual(['p1-11'])
  })

  it('is put back when the pod asks for no hostPort any more, and one of a pod without any is left alone', async () => {
    expect(await sysctl('h-p1-10')).toBe('1')
    await net.addPod(0, 12)
    const planner = createPlanner('n1', TEST_OPTIONS)
    const world = testWorld()
    planner.update(world, changesOf(world))
    const pods = new Map(world.pods)
    pods.delete('default/p1-10')
    const key = 'default/p1-10'
    loaded.loops[0]?.want(planner.update({ ...world, pods }, [{ kind: 'pod', key }]))
    await loaded.loops[0]?.settled()
    expect([await sysctl('h-p1-10'), await sysctl('h-p1-11'), await sysctl('h-p1-12')]).toEqual(['0', '1', '0'])
  })
})

describe('somebody else’s rules', () => {
  it('keep the source that they chose for a flow that comes back to its pod', async () => {
    await nft(
      first,
      `table ip theirs {
        chain pre { type nat hook prerouting priority -110; tcp dport 7777 dnat to 10.244.1.11:8080; }
        chain post { type nat hook postrouting priority 100; tcp dport 8080 ip saddr 10.244.1.11 snat to 192.168.77.99; }
      }`,
    )
    expect(await net.probe(loaded.host('p1-11'), ['tcp 192.168.77.11 7777'])).toEqual(['p1-11 192.168.77.99'])
    await sh(first, 'nft delete table ip theirs')
  })

  it('that mark a flow mark no later one of the same ports', async () => {
    const send = () => net.probe(loaded.host('p2-11'), ['udp 192.168.77.11 30001 40000'])
    await nft(
      first,
      `table ip theirs {
        set marked { type ipv4_addr; elements = { 10.244.2.11 }; }
        counter leaked { }
        chain before { type filter hook prerouting priority -150; ip saddr @marked udp sport 40000 meta mark set 0x1234; }
        chain after { type filter hook forward priority 0; udp sport 40000 meta mark 0x1234 counter name leaked; }
      }`,
    )
    expect(await send()).toEqual(['p2-10 192.168.77.11'])
    await sh(first, 'nft flush set ip theirs marked; conntrack -D -p udp --orig-port-src 40000')
    const counter = () => sh(first, 'nft list counter ip theirs leaked')
    const before = await counter()
    expect(before).toMatch(/packets [1-9]/)
    expect(await send()).toEqual(['p2-10 192.168.77.11'])
    expect(await counter()).toBe(before)
    await sh(first, 'nft delete table ip theirs')
  })

  it('that mark a flow which is dropped mark no later one of the same ports, either', async () => {
    await nft(
      first,
      `table ip theirs {
        counter leaked { }
        chain before { type filter hook prerouting priority -150; ip daddr 203.0.113.108 meta mark set 0x1234; }
        chain after { type filter hook forward priority 0; meta mark 0x1234 counter name leaked; }
      }`,
    )
    const pod = loaded.host('p1-10')
    expect(await net.probe(pod, ['udp 203.0.113.108 80 40001'])).toEqual(['timeout'])
    expect(await net.probe(pod, ['udp 10.96.0.1 80 40001'])).toEqual(['p2-10 10.244.1.10'])
    expect(await sh(first, 'nft list counter ip theirs leaked')).toMatch(/packets 0 /)
    await sh(first, 'nft delete table ip theirs')
  })
})
