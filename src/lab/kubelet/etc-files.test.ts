import { expect, test } from 'vitest'
import { hostsFile } from './etc-files.ts'

const place = { podIPs: ['10.244.1.5', 'fd00::5'], hostIPs: [], hostname: 'web', amounts: {} as never }
const metadata = { name: 'web', namespace: 'shop' }
const never = (): string => {
  throw new Error('the node was asked')
}

test('a pod finds itself by each of its addresses, and what its author added', () => {
  const hostAliases = [{ ip: '10.1.1.1', hostnames: ['a.test', 'b.test'] }]
  const text = hostsFile({ metadata, spec: { containers: [], hostAliases } }, place, never)
  expect(text.startsWith('# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\t')).toBe(true)
  expect(text.slice(text.indexOf('10.244'))).toBe(
    '10.244.1.5\tweb\nfd00::5\tweb\n\n# Entries added by HostAliases.\n10.1.1.1\ta.test\tb.test\n',
  )
})

test('a subdomain makes a longer name; a pod on the network of its node has the names of that', () => {
  expect(hostsFile({ metadata, spec: { containers: [], subdomain: 'set' } }, place, never)).toContain(
    '10.244.1.5\tweb.set.shop.svc.cluster.local\tweb\n',
  )
  expect(hostsFile({ metadata, spec: { containers: [], hostNetwork: true } }, place, () => '192.0.2.1 node\n')).toBe(
    '# Kubernetes-managed hosts file (host network).\n192.0.2.1 node\n',
  )
})
