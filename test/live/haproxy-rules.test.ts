/** Every line of the table of ingress-controller-conformance: planned, told to a real HAProxy, and asked over HTTP in a namespace of its own. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IngressWorld } from '../../src/model/ingress.ts'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { FALLBACK, HOSTS, LOAD_BALANCING, PATHS, REPLICAS } from '../support/ingress-cases.ts'
import { type IngressCase, TABLE } from '../support/ingress-table.ts'
import { type Made, makeCertificate } from '../support/openssl.ts'

const VERIFIED = 'cert verifies foo.bar.com (backend port by NAME http)'
/** What is said beyond the answer. No request here may be redirected or go to a certificate that is not trusted, so that most ask for nothing more. */
const REMARKS = ['', VERIFIED, '(no redirect to https!)', '(wildcard = one label)', '(Exact beats Prefix)', '(Exact /foo/)']

/** Lines that are no single request, and the test that has each. */
const BALANCED = '100 requests reach each of ten pods'
const FOREIGN = 'an Ingress of a class that nobody has is not touched'
const MORE: Readonly<Record<string, readonly [file: string, title: string]>> = {
  'load-balancing\thttp\tload-balancing\t/\t100 requests, all 200, 10 distinct pods of 10 replicas': ['haproxy-rules', BALANCED],
  'ingress-class\t-\t-\t-\tclass some-invalid-class-name: status.loadBalancer stays empty': ['gateway', FOREIGN],
}

const SUITES = { 'path-rules': PATHS, 'host-rules': HOSTS, 'default-backend': FALLBACK } as const

test('every line of the table is one case, and no case is one of no line', () => {
  const single = TABLE.filter(({ one }) => one !== undefined)
  const told = single.map(({ ingress, one }) =>
    Object.entries(SUITES).filter(([name, { cases }]) => name === ingress && cases.includes(one as IngressCase)),
  )
  expect(told.map((suites) => suites.length)).toEqual(single.map(() => 1))
  expect(single.filter(({ one }) => !REMARKS.includes(one?.remark ?? '')).map(({ text }) => text)).toEqual([])
  const others = TABLE.filter(({ one }) => one === undefined).map(({ text }) => text)
  expect(others.toSorted()).toEqual(Object.keys(MORE).toSorted())
  expect(TABLE).toHaveLength(30)
  for (const [file, title] of Object.values(MORE))
    expect(readFileSync(join(import.meta.dirname, `${file}.test.ts`), 'utf8').includes(title)).toBe(true)
})

let certificate: Made

beforeAll(async () => {
  certificate = await makeCertificate(['foo.bar.com'])
})

function withCertificate(world: IngressWorld): IngressWorld {
  const key = 'default/conformance-tls'
  return { ...world, secrets: new Map([[key, { key, ...certificate, problem: '' }]]) }
}

describe.each(Object.entries(SUITES))('%s', (name, { world, cases }) => {
  const rig = new HaproxyRig(`rules-${name}`)
  beforeAll(async () => {
    await rig.up()
    await rig.backends(world)
    await rig.serve(withCertificate(world))
    writeFileSync(join(rig.dir, 'authority.crt'), certificate.chain)
  })
  afterAll(() => rig.down())

  test.each(cases)('$method $scheme $host $path: $answer', async ({ host, path, answer, scheme, method, remark }) => {
    // what has no name has no header either, which only HTTP/1.0 allows
    const named = host === '' ? ['--http1.0', '-H', 'Host:'] : ['-H', `Host: ${host}`]
    const trust = remark === VERIFIED ? ['--cacert', join(rig.dir, 'authority.crt')] : []
    const place =
      scheme === 'https' ? ['--resolve', `${host}:443:127.0.0.1`, `https://${host}${path}`] : [`http://127.0.0.1${path}`]
    const told = '\n%{http_code} %{redirect_url}|%{ssl_verify_result}|%header{x-method}'
    const said = await rig.curl('-X', method, ...(scheme === 'https' ? [] : named), ...trust, '-w', told, ...place)
    const [, body, status, rest] = /^([\s\S]*)\n(\d{3}) (.*)$/.exec(said) ?? []
    expect(status === '200' ? body : status).toBe(answer)
    // neither redirected nor unverified, and servers are asked as the gateway was
    if (status === '200') expect(rest).toBe(`|0|${method}`)
  })
})

test(BALANCED, async () => {
  const rig = new HaproxyRig('rules-load')
  try {
    await rig.up()
    await rig.backends(LOAD_BALANCING)
    await rig.serve(LOAD_BALANCING)
    const url = 'http://127.0.0.1/?[1-100]'
    const said = await rig.curl('-H', 'Host: load-balancing', '-w', ' %{http_code} %header{x-server}\n', url)
    const answers = said.trim().split('\n')
    expect(answers.filter((answer) => answer.startsWith('load-balancing 200 '))).toHaveLength(100)
    expect(new Set(answers).size).toBe(REPLICAS)
  } finally {
    await rig.down()
  }
})
