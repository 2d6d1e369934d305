import { expect, test } from 'vitest'
import { readGatewayConfig } from './gateway.ts'

test('says nothing of a pod that it is not in', () => {
  expect(readGatewayConfig([], {})).toMatchObject({
    ...{ dir: '/run/fairway/gateway', httpPort: 80, httpsPort: 443, takesProxyProtocol: false, defaultCertificate: '' },
    ...{ isPreparing: false, ingressClass: '', publishService: '', publishAddresses: [], pod: '', leaseNamespace: 'kube-system' },
    ...{ health: undefined, leaseInMs: 15_000 },
  })
  const { pod, leaseNamespace, identity } = readGatewayConfig([], { POD_NAMESPACE: 'gw', POD_NAME: 'gw-1' })
  expect([pod, leaseNamespace, identity]).toEqual(['gw/gw-1', 'gw', expect.stringMatching(/^gw-1_/)])
})

test.each([
  [['--http-port', '0'], '--http-port is "0"'],
  [['--http-port', '443'], 'are both 443'],
  [['--default-certificate', 'web'], '--default-certificate is "web"'],
  [['--publish-service', 'a/b/c'], '--publish-service is "a/b/c"'],
  [['--publish-address', '192.0.2.1,a b'], 'has "a b"'],
  [['--publish-address', '192.0.2.1', '--publish-service', 'a/b'], 'There are --publish-service and --publish-address'],
  [['--lease-seconds', 'x'], '--lease-seconds is "x"'],
  [['--health-listen', '10264'], '--health-listen is "10264"'],
  [['--nginx'], "'--nginx'"],
])('%j is refused: %s', (args, message) => {
  expect(() => readGatewayConfig(args, {})).toThrow(message)
})
