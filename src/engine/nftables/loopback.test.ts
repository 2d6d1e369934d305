import { expect, it } from 'vitest'
import { interfaceTo } from './loopback.ts'

const TABLE = [
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
  'eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0',
  'fw0\t0004F40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
  'veth1\t0501F40A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0',
  'br0\t0001F40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0',
].join('\n')

it('finds the interface of the longest route to a pod', () => {
  expect(interfaceTo('10.244.1.5', TABLE)).toBe('veth1')
  expect(interfaceTo('10.244.1.6', TABLE)).toBe('br0')
  expect(interfaceTo('10.244.4.6', TABLE)).toBe('fw0')
})

it('does not take the default route for one', () => {
  expect(interfaceTo('192.0.2.1', TABLE)).toBeUndefined()
})
