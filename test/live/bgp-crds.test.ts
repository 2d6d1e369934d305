/** The resources of BGP by real kubectl, with no agent beside it that would answer for them. */
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { certificateFiles } from '../../src/lab/pki.ts'
import { type RunResult, tryRun } from '../../src/linux/run.ts'
import { ACCEPTED, CRDS, FIXED, REFUSED } from '../support/crd-cases.ts'
import { freePort, Role, Site } from './apiserver/role.ts'

const KUBECTL = resolve('.tools/kubectl')

let site: Site
let role: Role
let connection: readonly string[] = []
beforeAll(async () => {
  site = await Site.make()
  const port = await freePort()
  role = new Role(site.flags(join(site.dir, 'store'), [`127.0.0.1:${port}`]))
  expect(await role.said).toBe('READY\n')
  const { certificate, key } = certificateFiles(site.pki, 'admin')
  connection = [
    ...[`--server=https://127.0.0.1:${port}`, `--certificate-authority=${join(site.pki, 'ca.crt')}`],
    ...[`--client-certificate=${certificate}`, `--client-key=${key}`],
  ]
})
afterAll(async () => {
  await role?.[Symbol.asyncDispose]()
  site?.[Symbol.dispose]()
})

const kubectl = (args: readonly string[], input = ''): Promise<RunResult> =>
  tryRun([KUBECTL, ...connection, ...args], { input, env: { HOME: site.dir, KUBECONFIG: '/dev/null' } })

async function lines(args: readonly string[], input = ''): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await kubectl(args, input)
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}\nexit code ${exitCode}\n${stdout}${stderr}`)
  return stdout.trimEnd().split('\n')
}

/** `PLURAL.GROUP` of every definition; its file is named the other way round. */
const NAMES = readdirSync(CRDS).flatMap(
  (file) =>
    file
      .match(/^([a-z.]+)_([a-z0-9]+)\.yaml$/)
      ?.slice(1)
      .toReversed()
      .join('.') ?? [],
)

const documents = (objects: readonly object[]) => objects.map((object) => JSON.stringify(object)).join('\n---\n')

test('the definitions and samples are applied, and applied again without a change', async () => {
  const definitions = await lines(['apply', '-f', CRDS])
  expect(definitions).toHaveLength(NAMES.length)
  await lines(['wait', '--for=condition=established', 'crd', '--all', '--timeout=10s'])
  expect((await lines(['apply', '-f', CRDS])).filter((line) => !line.endsWith(' unchanged'))).toEqual([])
  await lines(['apply', '-f', '-'], documents(ACCEPTED))
  const again = await lines(['apply', '-f', '-'], documents(ACCEPTED))
  expect(again).toHaveLength(ACCEPTED.length)
  expect(again.filter((line) => !line.endsWith(' unchanged'))).toEqual([])
})

const condition = (status: string, reason: string) => ({
  conditions: [{ type: 'Accepted', status, reason, message: 'A sentence.', lastTransitionTime: '2026-01-01T00:00:00Z' }],
})
const SAID: readonly (readonly [string, object])[] = [
  ['bgppeer/tor', condition('True', 'Accepted')],
  ['bgppeer/old', condition('False', 'BGP_ENTRY_INVALID')],
  ['podroute/ranges', condition('True', 'Accepted')],
  ['bgpimport/default', condition('False', 'BGP_ENTRY_INVALID')],
  [
    'bgpsession/rack-9--tor',
    {
      ...{ peerAddress: '192.168.0.1', localAddress: '192.168.0.154', peerASN: 64512, localASN: 64513, state: 'Established' },
      ...{ bfd: 'Up', families: ['IPv4', 'IPv6'], routesSent: 3, routesAccepted: 1, routesRejected: 2, gracefulRestart: true },
      ...{ lastError: 'Received: Hold timer expired', ...condition('True', 'Accepted') },
    },
  ],
]

/** Each row with a bar between its cells, which stand where the head has its columns; ages are not compared. */
function cellsOf(rows: readonly string[]): readonly string[] {
  const starts = [...(rows[0] ?? '').matchAll(/\S+(?: \S+)*/g)].map(({ index }) => index)
  const cells = (row: string) => starts.map((start, at) => row.slice(start, starts[at + 1]).trim())
  return rows.map((row) =>
    cells(row)
      .join(' | ')
      .replace(/ [0-9]+s$/, ' -')
      .trimEnd(),
  )
}

test('what the columns show', async () => {
  for (const [name, status] of SAID)
    await lines(['patch', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })])
  const kinds = ['peer', 'bfd', 'comm', 'podroute', 'bgpimport', 'bgpsession', 'ippool', 'l2adv', 'bgpadv']
  const tables = await Promise.all(kinds.map((kind) => lines(['get', kind, '-o', 'wide'])))
  expect(tables.map(cellsOf)).toMatchInlineSnapshot(`
    [
      [
        "NAME | ADDRESS | ASN | BFD PROFILE | MULTI HOPS | ACCEPTED | REASON | AGE",
        "everything | fd00:192:168::1 | 1 | fast | true |  |  | -",
        "old | 192.168.0.1 | 64512 |  |  | False | BGP_ENTRY_INVALID | -",
        "tor | 192.168.0.1 | 64512 |  |  | True | Accepted | -",
        "unnumbered |  |  |  |  |  |  | -",
      ],
      [
        "NAME | PASSIVE MODE | TRANSMIT INTERVAL | RECEIVE INTERVAL | MULTIPLIER | AGE",
        "defaults |  |  |  |  | -",
        "fast | false | 50 | 50 | 3 | -",
      ],
      [
        "NAME | COMMUNITIES | AGE",
        "names | [{"name":"no-export","value":"65535:65281"},{"name":"far","value":"large:4294967295:1:2"}] | -",
      ],
      [
        "NAME | NODE CIDRS | PODS | PEERS | ACCEPTED | REASON | AGE",
        "ranges | true |  |  | True | Accepted | -",
        "web | false | {"matchExpressions":[{"key":"a","operator":"In","values":["b"]},{"key":"c","operator":"Exists"}],"matchLabels":{"rack":"r1"}} | ["tor"] |  |  | -",
      ],
      [
        "NAME | PEERS | PREFIXES | ACCEPTED | REASON | AGE",
        "default | ["tor"] | [{"cidr":"0.0.0.0/0"},{"cidr":"fd00::/8","maxLength":64}] | False | BGP_ENTRY_INVALID | -",
      ],
      [
        "NAME | NODE | PEER | ADDRESS | ASN | STATE | BFD | SENT | ACCEPTED | SINCE | ERROR",
        "rack-9--tor | rack-9 | tor | 192.168.0.1 | 64512 | Established | Up | 3 | 1 |  | Received: Hold timer expired",
      ],
      [
        "NAME | AUTO ASSIGN | AVOID BUGGY IPS | ADDRESSES | ASSIGNED IPV4 | FREE IPV4 | ASSIGNED IPV6 | FREE IPV6 | REASON | AGE",
        "dual | false | true | ["192.168.10.1 - 192.168.10.9","fd00:192:168:9::/64"] |  |  |  |  |  | -",
        "first | true | false | ["192.168.9.0/24"] |  |  |  |  |  | -",
      ],
      [
        "NAME | IPADDRESSPOOLS | IPADDRESSPOOL SELECTORS | INTERFACES | NODE SELECTORS | REASON | AGE",
        "all |  |  |  |  |  | -",
        "some | ["first"] | [{"matchExpressions":[{"key":"a","operator":"In","values":["b"]},{"key":"c","operator":"Exists"}],"matchLabels":{"rack":"r1"}}] | ["eth0"] | [{"matchExpressions":[{"key":"a","operator":"In","values":["b"]},{"key":"c","operator":"Exists"}],"matchLabels":{"rack":"r1"}}] |  | -",
      ],
      [
        "NAME | IPADDRESSPOOLS | IPADDRESSPOOL SELECTORS | PEERS | NODE SELECTORS | REASON | AGE",
        "all |  |  |  |  |  | -",
        "some | ["dual"] |  | ["tor"] | [{"matchExpressions":[{"key":"a","operator":"In","values":["b"]},{"key":"c","operator":"Exists"}],"matchLabels":{"rack":"r1"}}] |  | -",
      ],
    ]
  `)
})

test('each rule refuses with its sentence', async () => {
  const { exitCode, stderr } = await kubectl(['create', '-f', '-'], documents(REFUSED.map(({ object }) => object)))
  expect(exitCode).toBe(1)
  const said = stderr.split(/^(?=The )/m)
  const missing = REFUSED.filter(
    ({ object, sentence }) =>
      !said.some((text) => text.includes(`"${object.metadata.name}" is invalid`) && text.includes(sentence)),
  )
  expect(missing).toEqual([])
})

test.each(FIXED)('$spec of $name stays as it is', async ({ kind, name, spec, sentence }) => {
  const { exitCode, stderr } = await kubectl(['patch', kind, name, '--type=merge', '-p', JSON.stringify({ spec })])
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining(sentence)])
})

test('fields are explained, v1beta1 is warned of, and the category lists the kinds', async () => {
  expect((await lines(['explain', 'podrouteadvertisement.spec.aggregationLength'])).join(' ')).toContain(
    'Length of the IPv4 prefixes that are announced',
  )
  const { stdout, stderr } = await kubectl(['get', 'bgppeers.v1beta1.metallb.io', 'tor', '-o', 'jsonpath={.spec.peerPort}'])
  expect([stdout, stderr.trim()]).toEqual(['179', 'Warning: v1beta1 is deprecated, please use v1beta2'])
  expect((await lines(['api-resources', '--categories=fairway', '-o', 'name'])).toSorted()).toEqual(NAMES.toSorted())
})
