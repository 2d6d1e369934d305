import { expect, test } from 'vitest'
import { type LinkedService, serviceEnv } from './service-env.ts'

const service = (key: string, address: string, ...ports: LinkedService['ports']): LinkedService => {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name, address, ports }
}

const api = service('default/kubernetes', '10.96.0.1', { name: 'https', port: 443, protocol: 'TCP' })
const web = service('shop/front-end', '10.96.0.7', { name: 'http', port: 80 }, { name: 'dns-udp', port: 53, protocol: 'UDP' })

test("a container knows the Services of its namespace, and the API server's", () => {
  const others = [
    service('shop/headless', 'None', { port: 80 }),
    service('shop/external', ''),
    service('other/x', '10.96.0.9', { port: 1 }),
  ]
  expect(serviceEnv([web, api, ...others], 'shop', true)).toEqual({
    FRONT_END_SERVICE_HOST: '10.96.0.7',
    FRONT_END_SERVICE_PORT: '80',
    FRONT_END_SERVICE_PORT_HTTP: '80',
    FRONT_END_SERVICE_PORT_DNS_UDP: '53',
    FRONT_END_PORT: 'tcp://10.96.0.7:80',
    FRONT_END_PORT_80_TCP: 'tcp://10.96.0.7:80',
    FRONT_END_PORT_80_TCP_PROTO: 'tcp',
    FRONT_END_PORT_80_TCP_PORT: '80',
    FRONT_END_PORT_80_TCP_ADDR: '10.96.0.7',
    FRONT_END_PORT_53_UDP: 'udp://10.96.0.7:53',
    FRONT_END_PORT_53_UDP_PROTO: 'udp',
    FRONT_END_PORT_53_UDP_PORT: '53',
    FRONT_END_PORT_53_UDP_ADDR: '10.96.0.7',
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    KUBERNETES_PORT: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_443_TCP_PORT: '443',
    KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
  })
})

test("without links only the API server's; a Service of that name in the pod's namespace goes before it", () => {
  const own = service('shop/kubernetes', 'fd00::8', { port: 8443 })
  expect(Object.keys(serviceEnv([web, own, api], 'shop', false))).toEqual(Object.keys(serviceEnv([api], 'shop', true)))
  for (const order of [
    [own, api],
    [api, own],
  ]) {
    const { KUBERNETES_PORT, KUBERNETES_SERVICE_HOST } = serviceEnv(order, 'shop', true)
    expect({ KUBERNETES_PORT, KUBERNETES_SERVICE_HOST }).toEqual({
      KUBERNETES_PORT: 'tcp://[fd00::8]:8443',
      KUBERNETES_SERVICE_HOST: 'fd00::8',
    })
  }
})
