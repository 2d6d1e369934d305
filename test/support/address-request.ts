/** Short ways to say which addresses a Service asks for. */
import type { AddressRequest, SharedPort } from '../../src/model/load-balancer.ts'

export function aRequest(key: string, part: Partial<AddressRequest> = {}): AddressRequest {
  return {
    key,
    labels: {},
    families: ['ipv4'],
    needsAll: true,
    addresses: [],
    mayBeOutside: false,
    pool: '',
    sharingKey: '',
    ports: [{ protocol: 'tcp', port: 80 }],
    localBackends: '',
    current: [],
    createdAtInMs: 0,
    ...part,
  }
}

export function aPort(port: number): SharedPort {
  return { protocol: 'tcp', port }
}
