import { describe, expect, test } from 'vitest'
import { hasIPv4Default, hasIPv6Default } from './preflight.ts'

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'
const ZERO = '0'.repeat(32)

describe('default routes, as /proc has them', () => {
  test.each([
    ['none', '', false],
    ['through a gateway', 'eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n', true],
    ['half of the addresses is not all', 'eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n', false],
    ['unreachable', '*\t00000000\t00000000\t0200\t0\t0\t0\t00000000\t0\t0\t0\n', false],
  ])('IPv4: %s', (_, rows, expected) => expect(hasIPv4Default(HEAD + rows)).toBe(expected))

  test.each([
    [
      'none but the kernel’s own unreachable',
      `${ZERO} 00 ${ZERO} 00 ${ZERO} ffffffff 00000001 00000000 00200200       lo\n`,
      false,
    ],
    [
      'through a gateway',
      `${ZERO} 00 ${ZERO} 00 fd000192016800000000000000000001 00000400 00000001 00000000 00000003     eth0\n`,
      true,
    ],
    ['a network', `fd000192016800000000000000000000 40 ${ZERO} 00 ${ZERO} 00000100 00000001 00000000 00000001     eth0\n`, false],
  ])('IPv6: %s', (_, rows, expected) => expect(hasIPv6Default(rows)).toBe(expected))
})
