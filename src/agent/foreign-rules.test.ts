import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readPortmap, servesByChains, servesByCilium, servesByIpvs, servesByMap } from './foreign-rules.ts'

const golden = (name: string) => readFileSync(new URL(`../../test/golden/kube-proxy/${name}`, import.meta.url), 'utf8')

describe('kube-proxy', () => {
  test('its recorded rules are known, of either mode', () => {
    expect(servesByChains(golden('iptables-save.txt'))).toBe(true)
    expect(servesByChains(golden('ip6tables-save.txt'))).toBe(false) // it was recorded in a cluster of one family
    expect(servesByMap(golden('nft-ruleset.txt'))).toBe(true)
  })

  test('what is left over when it has gone is no proxy', () => {
    expect(servesByChains(':KUBE-KUBELET-CANARY - [0:0]\n:KUBE-SVC-AAAA - [0:0]\n-A KUBE-SERVICES -j KUBE-NODEPORTS\n')).toBe(
      false,
    )
    expect(servesByChains('-A KUBE-NODEPORTS -p tcp -j KUBE-EXT-AAAA\n-A KUBE-EXT-AAAA -j KUBE-SVC-AAAA\n')).toBe(false)
    expect(servesByChains('chain KUBE-SERVICES {\n fib daddr type local counter packets 0 bytes 0 jump KUBE-NODEPORTS\n}')).toBe(
      false,
    )
    expect(servesByChains('chain KUBE-SERVICES {\n tcp dport 443 counter packets 0 bytes 0 jump KUBE-SVC-X\n}')).toBe(true)
    expect(
      servesByMap('table ip kube-proxy {\n map service-ips {\n  type ipv4_addr . inet_proto . inet_service : verdict\n }\n}'),
    ).toBe(false)
  })

  test('IPVS: the device alone is a leftover, and other people balance, too', () => {
    const devices = 'Inter-|   Receive\n face |bytes\n  eth0: 0 0\nkube-ipvs0: 0 0\n'
    const head =
      'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward\n'
    expect(servesByIpvs(devices, `${head}TCP  0A600001:01BB rr\n  -> C0A80002:192B Masq 1 0 0\n`)).toBe(true)
    expect(servesByIpvs(devices, head)).toBe(false)
    expect(servesByIpvs('  eth0: 0 0\n', `${head}TCP  0A600001:01BB rr\n`)).toBe(false)
  })
})

test('Cilium counts when it stands in for kube-proxy', () => {
  const devices = ' face |bytes\ncilium_host: 0 0\n'
  expect(servesByCilium(devices, ['cilium_lb4_services_v2', 'cilium_lb4_reverse_sk'])).toBe(true)
  expect(servesByCilium(devices, ['cilium_lb4_services_v2'])).toBe(false)
  expect(servesByCilium('  eth0: 0 0\n', ['cilium_lb4_reverse_sk'])).toBe(false)
})

describe('portmap', () => {
  const keys = (text: string) => readPortmap(text, 'ipv4', 'portmap').map(([key]) => key)
  test.each([
    [
      'iptables, as nft prints it',
      'meta l4proto tcp  tcp dport { 8080, 8081 } counter packets 0 bytes 0 jump CNI-DN-abc',
      ['ipv4/tcp/8080', 'ipv4/tcp/8081'],
    ],
    ['one port', 'meta l4proto udp  udp dport 53 counter packets 0 bytes 0 jump CNI-DN-abc', ['ipv4/udp/53']],
    [
      'iptables-save',
      '-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"cbr0\\" id: \\"abc\\"" -m multiport --dports 8080,8081 -j CNI-DN-abc',
      ['ipv4/tcp/8080', 'ipv4/tcp/8081'],
    ],
    ['nftables', '\t\ttcp dport 8080 dnat ip to 10.0.0.5:80 comment "x"', ['ipv4/tcp/8080']],
    ['nftables, with a hostIP', '\t\tip daddr 192.0.2.1 udp dport 8081 dnat ip to 10.0.0.5:80', ['ipv4/udp/8081']],
    ['rules of others', '\t\ttcp dport 22 accept\n-A CNI-HOSTPORT-SETMARK -j MARK\n', []],
  ])('%s', (_, text, expected) => expect(keys(text)).toEqual(expected))
})
