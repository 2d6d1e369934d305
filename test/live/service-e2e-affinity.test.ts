/**
 * Session affinity as Kubernetes' own end-to-end suite asks for it. The names are that suite's.
 * Source: kubernetes test/e2e/network/service.go (execAffinityTestForNonLBService...), networking.go.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Service, ServiceSpec } from '../../src/kube/types.ts'
import { Bed, clusterIp, FAMILIES, nodePort, type Target } from './service-e2e/bed.ts'

let bed: Bed

beforeAll(async () => {
  bed = await Bed.up('t-svc-aff')
  const labels = { app: 'web' }
  await bed.pods(
    { name: 'a', node: 'optiplex-1', labels },
    { name: 'b', node: 'optiplex-2', labels },
    { name: 'c', node: 'ubuntu-1', labels },
    { name: 'asks', node: 'ubuntu-1' },
  )
})
afterAll(() => bed?.down())

const ALL = ['a', 'b', 'c']
const PORTS = [
  { name: 'tcp', port: 80, targetPort: 8080, protocol: 'TCP' },
  { name: 'udp', port: 80, targetPort: 8080, protocol: 'UDP' },
]
const TIMEOUT_IN_S = 2

/** Waits until one pod has all of a client's connections; returns it. */
async function settles(from: string, target: Target): Promise<string> {
  await expect.poll(async () => (await bed.whoAll(from, target)).length, { timeout: 15_000 }).toBe(1)
  return bed.who(from, target)
}

describe.each(FAMILIES)('%s', (family) => {
  const named = (name: string) => `${name}-${family.toLowerCase()}`
  const make = (name: string, spec: ServiceSpec): Promise<Service> =>
    bed.service(named(name), family, { selector: { app: 'web' }, ports: PORTS, ...spec })
  const KINDS = [
    ['NodePort service', 'np', 'client', (service: Service) => nodePort(service, 'ubuntu-1')],
    ['service with type clusterIP', 'ip', 'asks', (service: Service) => clusterIp(service)],
  ] as const

  describe.each(KINDS)('%s', (kind, short, from, targetOf) => {
    const type = short === 'np' ? 'NodePort' : 'ClusterIP'
    const affinity = { type, sessionAffinity: 'ClientIP' }

    test(`Services should have session affinity work for ${kind}`, async () => {
      const target = targetOf(await make(`work-${short}`, affinity))
      await expect.poll(() => bed.who(from, target), { timeout: 15_000 }).toMatch(/^[abc]$/)
      const mine = await settles(from, target)
      expect(await bed.whoAll(from, target, 100)).toEqual([mine])
    })

    test(`Services should be able to switch session affinity for ${kind}`, async () => {
      const service = await make(`switch-${short}`, { type })
      const target = targetOf(service)
      await bed.serves(from, target, ALL)
      await bed.change(named(`switch-${short}`), { sessionAffinity: 'ClientIP' })
      await settles(from, target)
      await bed.change(named(`switch-${short}`), { sessionAffinity: 'None' })
      await bed.serves(from, target, ALL)
    })

    test(`Services should have session affinity timeout work for ${kind}`, async () => {
      const sessionAffinityConfig = { clientIP: { timeoutSeconds: TIMEOUT_IN_S } }
      const target = targetOf(await make(`timeout-${short}`, { ...affinity, sessionAffinityConfig }))
      await expect.poll(() => bed.who(from, target), { timeout: 15_000 }).toMatch(/^[abc]$/)
      const mine = await settles(from, target)
      // a client that pauses for longer than the time-out draws anew: that it draws the same pod every time is soon impossible
      let other = mine
      for (let round = 0; round < 8 && other === mine; round++) {
        await new Promise((resolve) => setTimeout(resolve, TIMEOUT_IN_S * 1_000 + 200)) // the time is what is tested
        other = await bed.who(from, target)
        expect(await bed.who(from, target)).toBe(other)
      }
      expect(other).not.toBe(mine)
    })
  })

  test('Granular Checks: Services should function for client IP based session affinity: http', async () => {
    const service = await make('granular', { type: 'NodePort', sessionAffinity: 'ClientIP' })
    await expect.poll(() => bed.who('asks', clusterIp(service)), { timeout: 15_000 }).toMatch(/^[abc]$/)
    const mine = await settles('asks', clusterIp(service))
    // NodePort and ClusterIP of a Service draw from one memory
    expect(await bed.whoAll('asks', nodePort(service, 'ubuntu-1'))).toEqual([mine])
  })

  test('Granular Checks: Services should function for client IP based session affinity: udp', async () => {
    const service = await make('granular-udp', { type: 'NodePort', sessionAffinity: 'ClientIP' })
    const target = { ...clusterIp(service), protocol: 'UDP' } as const
    await expect.poll(() => bed.who('asks', target), { timeout: 15_000 }).toMatch(/^[abc]$/)
    expect(await bed.whoAll('asks', target)).toEqual([await settles('asks', target)])
  })

  test('Services: affinity after the backend is gone', async () => {
    const name = named('gone')
    await Promise.all(['a', 'b', 'c'].map((pod) => bed.label(pod, { [name]: 'yes' })))
    const service = await make('gone', { sessionAffinity: 'ClientIP', selector: { [name]: 'yes' } })
    await expect.poll(() => bed.who('asks', clusterIp(service)), { timeout: 15_000 }).toMatch(/^[abc]$/)
    await expect.poll(async () => (await bed.endpoints(name)).length).toBe(3)
    const mine = await settles('asks', clusterIp(service))
    await bed.label(mine, { [name]: null })
    await expect.poll(() => bed.who('asks', clusterIp(service)), { timeout: 15_000 }).not.toBe(mine)
    const next = await settles('asks', clusterIp(service))
    expect(ALL.filter((pod) => pod !== mine)).toContain(next)
    await bed.label(mine, { [name]: 'yes' })
    await expect.poll(async () => (await bed.endpoints(name)).length).toBe(3)
    expect(await bed.whoAll('asks', clusterIp(service))).toEqual([next])
  })
})
