import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NodePorts } from '../../allocators/node-ports.ts'
import { ServiceAddresses } from '../../allocators/service-addresses.ts'
import { fieldErrorDetail } from '../../field-error.ts'
import type { RawObject } from '../../kind.ts'
import { ServiceAllocation } from './allocation.ts'
import { serviceDefaults } from './defaults.ts'
import { prepareService } from './prepare.ts'
import { mayHaveNodePort, type ServiceSpec, specOf } from './types.ts'
import { validateService } from './validate.ts'

const DUAL = ['10.96.0.0/12', 'fd00:10:96::/112']

function makeCluster(ranges: readonly string[] = DUAL, nodePorts: readonly [number, number] = [30000, 32767]) {
  const addresses = new ServiceAddresses(ranges)
  const ports = new NodePorts(nodePorts)
  return { addresses, ports, allocation: new ServiceAllocation(addresses, ports) }
}

/** Writes as the machinery does: what it answers is the object and why it was refused. */
function write({ allocation }: ReturnType<typeof makeCluster>, wanted: ServiceSpec, old?: RawObject, dryRun = false) {
  const object: RawObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: structuredClone(wanted) }
  serviceDefaults(object)
  prepareService(object, old)
  const refused = allocation.allocate(object, old, dryRun)
  const errors = refused.length > 0 ? refused : validateService(object, old, '')
  if (refused.length === 0 && errors.length > 0 && !dryRun) allocation.release(object, old)
  return { object, spec: specOf(object), said: errors.map((error) => `${error.field}: ${fieldErrorDetail(error)}`) }
}

const PORT = { port: 80 }

describe('dual stack', () => {
  test('one family by default, the primary one', () => {
    const { spec } = write(makeCluster(), { ports: [PORT] })
    expect(spec.ipFamilies).toEqual(['IPv4'])
    expect(spec.clusterIPs).toHaveLength(1)
  })

  test('both when asked for, in the order asked for', () => {
    const { spec } = write(makeCluster(), { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'], ports: [PORT] })
    expect(spec.ipFamilies).toEqual(['IPv6', 'IPv4'])
    expect(spec.clusterIP).toMatch(/^fd00:10:96::/)
    expect(spec.clusterIPs?.[1]).toMatch(/^10\./)
  })

  test('a second address comes and goes with the policy', () => {
    const cluster = makeCluster()
    const first = write(cluster, { ports: [PORT] })
    const dual = write(cluster, { ...first.spec, ipFamilyPolicy: 'PreferDualStack' }, first.object)
    expect(dual.said).toEqual([])
    expect(dual.spec.clusterIPs?.[0]).toBe(first.spec.clusterIP)
    expect(cluster.addresses.count).toBe(2)
    const single = write(cluster, { ...dual.spec, ipFamilyPolicy: 'SingleStack' }, dual.object)
    cluster.allocation.release(dual.object, single.object)
    expect(single.spec.clusterIPs).toEqual([first.spec.clusterIP])
    expect(cluster.addresses.count).toBe(1)
  })

  test('headless without a selector has both families', () => {
    expect(write(makeCluster(), { clusterIP: 'None' }).spec).toMatchObject({
      ipFamilies: ['IPv4', 'IPv6'],
      ipFamilyPolicy: 'RequireDualStack',
    })
  })

  test('two addresses need the policy', () => {
    const { said } = write(makeCluster(), { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00:10:96::9'], ports: [PORT] })
    expect(said).toEqual([
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
    ])
  })
})

describe('node ports', () => {
  const nodePort = (port: number, protocol = 'TCP'): ServiceSpec => ({
    type: 'NodePort',
    ports: [{ ...PORT, nodePort: port, protocol }],
  })

  test('a taken one is refused, also for another protocol, and is free again after its Service', () => {
    const cluster = makeCluster()
    const first = write(cluster, nodePort(30018))
    const taken = 'spec.ports[0].nodePort: Invalid value: 30018: provided port is already allocated'
    expect(write(cluster, nodePort(30018)).said).toEqual([taken])
    expect(write(cluster, nodePort(30018, 'UDP')).said).toEqual([taken])
    cluster.allocation.release(first.object, undefined)
    expect(write(cluster, nodePort(30018)).said).toEqual([])
  })

  test('a refusal claims nothing', () => {
    const cluster = makeCluster()
    write(cluster, nodePort(30018))
    const before = [cluster.addresses.count, cluster.ports.count]
    write(cluster, {
      type: 'NodePort',
      ports: [
        { name: 'a', port: 1, nodePort: 30019 },
        { name: 'b', port: 2, nodePort: 30018 },
      ],
    })
    expect([cluster.addresses.count, cluster.ports.count]).toEqual(before)
  })

  test('a full range says so', () => {
    const cluster = makeCluster(DUAL, [30000, 30001])
    for (let count = 0; count < 2; count++) expect(write(cluster, { type: 'NodePort', ports: [PORT] }).said).toEqual([])
    expect(write(cluster, { type: 'NodePort', ports: [PORT] }).said).toEqual([
      'spec.ports: Internal error: failed to allocate a nodePort: range is full',
    ])
  })

  test('a dry run answers values that nobody gets', () => {
    const cluster = makeCluster()
    const { spec } = write(cluster, { type: 'NodePort', ports: [PORT] }, undefined, true)
    expect(spec).toMatchObject({ clusterIP: '10.96.0.0', ports: [{ nodePort: 32769 }] })
    expect([cluster.addresses.count, cluster.ports.count]).toEqual([0, 0])
  })

  test('an update keeps by name what it does not say', () => {
    const cluster = makeCluster()
    const first = write(cluster, { type: 'NodePort', ports: [{ name: 'web', port: 80 }] })
    const second = write(cluster, { type: 'NodePort', ports: [{ name: 'web', port: 8080 }] }, first.object)
    expect(second.spec.ports?.[0]?.nodePort).toBe(first.spec.ports?.[0]?.nodePort)
    expect(second.spec.clusterIP).toBe(first.spec.clusterIP)
  })
})

test('a Service cannot take over the address of another, nor free it by trying', () => {
  const cluster = makeCluster()
  const first = write(cluster, { ports: [PORT] })
  const second = write(cluster, { ports: [PORT] })
  const { clusterIP = '' } = first.spec
  const sentence = `spec.clusterIPs[0]: Invalid value: ["${clusterIP}"]: may not change once set`
  expect(write(cluster, { ...second.spec, clusterIP, clusterIPs: [clusterIP] }, second.object).said).toEqual([sentence])
  expect(write(cluster, { clusterIP, ports: [PORT] }).said).toEqual([
    `spec.clusterIPs: Invalid value: ["${clusterIP}"]: failed to allocate IP ${clusterIP}: provided IP is already allocated`,
  ])
})

test.each(['x', '1.2.3'])('%j is no address', (clusterIP) => {
  expect(write(makeCluster(), { clusterIP, ports: [PORT] }).said).toEqual([
    `spec.clusterIPs[0]: Invalid value: "${clusterIP}": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`,
  ])
})

test('loadBalancerClass stays', () => {
  const cluster = makeCluster()
  const first = write(cluster, { type: 'LoadBalancer', loadBalancerClass: 'a/b', ports: [PORT] })
  expect(write(cluster, { ...first.spec, loadBalancerClass: 'a/c' }, first.object).said).toEqual([
    'spec.loadBalancerClass: Invalid value: "a/c": may not change once set',
  ])
})

interface Action {
  readonly slot: number
  /** Absent: the Service of the slot is deleted. */
  readonly spec: ServiceSpec | undefined
  /** The store fails after the allocation. */
  readonly fails: boolean
}

function play(cluster: ReturnType<typeof makeCluster>, stored: Map<number, RawObject>, { slot, spec, fails }: Action): void {
  const old = stored.get(slot)
  if (spec === undefined) {
    if (old !== undefined) cluster.allocation.release(old, undefined)
    stored.delete(slot)
    return
  }
  const ports = (spec.ports ?? []).map((port) => ({ ...port, name: `p${port.port}` }))
  const { object, said } = write(cluster, { ...spec, ports }, old)
  if (said.length > 0) return
  if (fails) cluster.allocation.release(object, old)
  else if (old !== undefined) cluster.allocation.release(old, object)
  if (!fails) stored.set(slot, object)
}

test('whatever is written and deleted, holdings are those of the stored Services', () => {
  const specs = fc.record(
    {
      type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
      externalName: fc.constant('a.example'),
      ipFamilyPolicy: fc.constantFrom('SingleStack', 'PreferDualStack', 'RequireDualStack'),
      externalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
      ports: fc.uniqueArray(
        fc.record({ port: fc.integer({ min: 1, max: 3 }), nodePort: fc.constantFrom(0, 30000, 30001, 30002) }),
        {
          selector: ({ port }) => port,
          minLength: 1,
        },
      ),
    },
    { requiredKeys: ['type', 'externalName', 'ports'] },
  )
  const steps = fc.array(
    fc.record({ slot: fc.integer({ min: 0, max: 3 }), spec: fc.option(specs, { nil: undefined }), fails: fc.boolean() }),
    {
      maxLength: 40,
    },
  )
  fc.assert(
    fc.property(steps, (script) => {
      const cluster = makeCluster(['10.96.0.0/28', 'fd00:10:96::/124'], [30000, 30007])
      const stored = new Map<number, RawObject>()
      for (const action of script) play(cluster, stored, action)
      const rebuilt = makeCluster(['10.96.0.0/28', 'fd00:10:96::/124'], [30000, 30007])
      for (const object of stored.values()) rebuilt.allocation.restore(object)
      expect([cluster.addresses.count, cluster.ports.count]).toEqual([rebuilt.addresses.count, rebuilt.ports.count])
      const all = [...stored.values()].flatMap((object) => specOf(object).clusterIPs ?? [])
      expect(new Set(all).size).toBe(all.length)
      const held = [...stored.values()]
        .filter((object) => mayHaveNodePort(specOf(object)))
        .flatMap((object) => [...new Set((specOf(object).ports ?? []).flatMap(({ nodePort }) => nodePort || []))])
      expect(new Set(held).size).toBe(held.length)
    }),
    { numRuns: 300 },
  )
})
