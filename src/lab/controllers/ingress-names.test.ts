import { expect, test } from 'vitest'
import type { Ingress } from '../../kube/types.ts'
import { hostsText } from './ingress-names.ts'

const BASE = '127.0.0.1 localhost\n192.168.0.154 ubuntu-1\n'
const ingress = (hosts: readonly string[], ...addresses: readonly string[]): Ingress => ({
  metadata: {},
  spec: { rules: hosts.map((host) => ({ host })) },
  status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } },
})

test('names come after what was there, in place of those that came before', () => {
  const first = hostsText(BASE, [
    ingress(['Shop.example.com', '*.example.com'], '192.0.2.2', '192.0.2.1'),
    ingress(['shop.example.com'], '192.0.2.1'),
  ])
  expect(first).toBe(`${BASE}# Ingresses\n192.0.2.1 shop.example.com\n192.0.2.2 shop.example.com\n`)
  expect(hostsText(first, [ingress(['a.example.com'], '192.0.2.1')])).toBe(`${BASE}# Ingresses\n192.0.2.1 a.example.com\n`)
  expect(hostsText(first, [])).toBe(BASE)
})

test('an Ingress without an address or a name says nothing, and none takes the name of a host', () => {
  expect(hostsText(BASE, [ingress(['a.example.com']), ingress([], '192.0.2.1'), ingress(['ubuntu-1'], '192.0.2.1')])).toBe(BASE)
})
