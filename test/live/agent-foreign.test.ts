/** Other proxies on a node, by their real rules in a namespace: seen while they are alive, and not when only leftovers are there. */
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ForeignWatch } from '../../src/agent/foreign-watch.ts'
import { inNetns, netnsPath } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'

const NETNS = `fwt-fo-${process.pid}`
const stops: AbortController[] = []

beforeEach(async () => {
  await run(['ip', 'netns', 'add', NETNS])
})
afterEach(async () => {
  for (const stop of stops.splice(0)) stop.abort()
  await tryRun(['ip', 'netns', 'del', NETNS])
})

const inside = (command: readonly string[], input?: string) => run(inNetns(NETNS, command), input === undefined ? {} : { input })
const golden = (name: string) => readFileSync(new URL(`../golden/kube-proxy/${name}`, import.meta.url), 'utf8')

/** Looks again every few milliseconds, and believes that a proxy has gone after `graceInMs`. */
function watch(graceInMs = 0): Promise<ForeignWatch> {
  const stop = new AbortController()
  stops.push(stop)
  return ForeignWatch.start({ netns: netnsPath(NETNS), everyInMs: 10, graceInMs, signal: stop.signal })
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

const PORTMAP = `*nat
:CNI-HOSTPORT-DNAT - [0:0]
:CNI-DN-0123456789abcdef - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"cbr0\\" id: \\"abc\\"" -m multiport --dports 8080,8081 -j CNI-DN-0123456789abcdef
-A CNI-DN-0123456789abcdef -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.244.1.5:80
COMMIT
`

describe('who carries Services', () => {
  test('nobody, on a bare node; looking leaves nothing behind', async () => {
    expect((await watch()).current).toEqual({ serviceProxy: '', hostPorts: new Map() })
    expect((await inside(['nft', 'list', 'ruleset'])).trim()).toBe('')
    expect(await inside(['cat', '/proc/self/net/ip_tables_names']).catch(() => '')).toBe('')
  })

  test('kube-proxy in nftables mode, until its tables are gone for a while', async () => {
    await inside(['nft', '-f', '-'], golden('nft-ruleset.txt'))
    const patient = await watch(60_000)
    const quick = await watch(1)
    expect(quick.current.serviceProxy).toBe('kube-proxy (nftables)')
    const heard: string[] = []
    quick.onChange(({ serviceProxy }) => heard.push(serviceProxy))
    await inside(['nft', 'flush', 'ruleset'])
    await until(() => quick.current.serviceProxy === '')
    expect(heard).toEqual([''])
    expect(patient.current.serviceProxy).toBe('kube-proxy (nftables)')
    await inside(['nft', '-f', '-'], golden('nft-ruleset.txt'))
    await until(() => quick.current.serviceProxy !== '')
  })

  test.each(['iptables-nft-restore', 'iptables-legacy-restore'])('kube-proxy in iptables mode, loaded by %s', async (restore) => {
    const rules = golden('iptables-save.txt').split('\n')
    // this kernel has no nfacct, with which kube-proxy only counts
    await inside([restore], rules.filter((line) => !line.includes('nfacct')).join('\n'))
    const seen = await watch(1)
    expect(seen.current.serviceProxy).toBe('kube-proxy (iptables)')
    // what `kube-proxy` of an older version, and kubelet, leave behind: chains without Services
    await inside([restore, '--noflush'], '*nat\n:KUBE-SERVICES - [0:0]\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT\n')
    await until(() => seen.current.serviceProxy === '')
  })

  test('empty maps of kube-proxy are leftovers', async () => {
    const map = 'map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }'
    await inside(['nft', '-f', '-'], `table ip kube-proxy { ${map}; }\n`.replace('};', '}\n'))
    expect((await watch()).current.serviceProxy).toBe('')
  })
})

describe('who has hostPorts', () => {
  test.each(['iptables-nft-restore', 'iptables-legacy-restore'])('CNI portmap, by %s', async (restore) => {
    await inside([restore], PORTMAP)
    const { serviceProxy, hostPorts } = (await watch()).current
    expect(serviceProxy).toBe('')
    expect([...hostPorts.keys()]).toEqual(['ipv4/tcp/8080', 'ipv4/tcp/8081'])
    expect(hostPorts.get('ipv4/tcp/8080')?.by).toContain('CNI-HOSTPORT-DNAT')
  })

  test('CNI portmap with its nftables backend, both families', async () => {
    await inside(
      ['nft', '-f', '-'],
      `table inet cni_hostport {
  chain hostports {
    tcp dport 8080 dnat ip to 10.244.1.5:80
    tcp dport 8080 dnat ip6 to [fd00:244::5]:80
  }
  chain hostip_hostports {
    ip daddr 192.0.2.1 udp dport 8081 dnat ip to 10.244.1.5:80
  }
}
`,
    )
    const seen = await watch()
    expect([...seen.current.hostPorts.keys()].toSorted()).toEqual(['ipv4/tcp/8080', 'ipv4/udp/8081', 'ipv6/tcp/8080'])
    await inside(['nft', 'flush', 'chain', 'inet', 'cni_hostport', 'hostports'])
    await until(() => seen.current.hostPorts.size === 1)
  })
})
