/** The manifests of deploy/gateway, against what the programs take. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { readGatewayConfig } from '../../src/config/gateway.ts'
import { haproxyArgs } from '../../src/engine/haproxy/directory.ts'

interface Container {
  readonly name: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly volumeMounts: readonly { readonly name: string }[]
}

interface Workload {
  readonly kind: string
  readonly spec: {
    readonly template: {
      readonly spec: { readonly initContainers: readonly Container[]; readonly containers: readonly Container[] }
    }
  }
}

const DIR = '/run/fairway/gateway'

function containersOf(file: string): readonly Container[] {
  const text = readFileSync(new URL(`../../deploy/gateway/${file}`, import.meta.url), 'utf8')
  const all = parseAllDocuments(text).map((one) => one.toJS() as Workload)
  const { initContainers, containers } = all.find(({ kind }) => kind === 'DaemonSet' || kind === 'Deployment')?.spec.template
    .spec ?? {
    initContainers: [],
    containers: [],
  }
  return [...initContainers, ...containers]
}

test.each(['host-network.yaml', 'host-port.yaml', 'load-balancer.yaml'])('%s starts what there is, with its flags', (file) => {
  const [prepare, proxy, gateway] = containersOf(file)
  const config = readGatewayConfig(gateway?.args?.slice(1) ?? [], {})
  expect([gateway?.args?.[0], config.dir, config.health?.port]).toEqual(['gateway', DIR, 10264])
  expect(readGatewayConfig(prepare?.args?.slice(1) ?? [], {})).toMatchObject({ isPreparing: true, dir: DIR })
  expect(proxy?.command?.slice(proxy.command.indexOf('haproxy'))).toEqual(['haproxy', ...haproxyArgs(DIR)])
})

test.each(['host-network.yaml', 'host-port.yaml', 'load-balancer.yaml'])('in %s the token is with the gateway alone', (file) => {
  const holders = containersOf(file).filter(({ volumeMounts }) => volumeMounts.some(({ name }) => name === 'token'))
  expect(holders.map(({ name }) => name)).toEqual(['gateway'])
})
