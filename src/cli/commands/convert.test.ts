import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { FairwayError } from '../../model/code.ts'
import { convertManifests } from '../ingress-manifests.ts'

const ROOT = join(import.meta.dirname, '../../..')
const GOLDEN = 'test/golden/convert'
const file = (name: string) => readFileSync(join(ROOT, GOLDEN, name), 'utf8')

describe('fairway convert', () => {
  it.each([
    ['seed.yaml', 0],
    ['many.yaml', 1],
    ['list.json', 0],
  ])('-f %s: as in the golden answer, exit code %i', async (name, code) => {
    const args = [join(ROOT, 'src/main.ts'), 'convert', '-f', join(GOLDEN, name)]
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' })
    await expect(stdout).toMatchFileSnapshot(join(ROOT, GOLDEN, `${name}.stdout.txt`))
    await expect(stderr).toMatchFileSnapshot(join(ROOT, GOLDEN, `${name}.stderr.txt`))
    expect(status).toBe(code)
  })

  it('takes several files, and standard input', () => {
    const args = [join(ROOT, 'src/main.ts'), 'convert', '-q', '-f', join(GOLDEN, 'seed.yaml'), '-f', '-']
    const input = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}'
    const { stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', input })
    expect(parseAllDocuments(stdout).map((one) => one.toJS().kind)).toEqual(['Ingress', 'ConfigMap'])
    expect(stdout.endsWith(`---\n${input}\n`)).toBe(true)
  })
})

test('what is converted stays as it is when it is converted again', () => {
  for (const name of ['seed.yaml', 'many.yaml', 'list.json']) {
    const once = convertManifests(file(name), name).text
    expect(convertManifests(once, name)).toMatchObject({ text: once, count: 0 })
  }
})

test('what is of no Ingress stays letter by letter', () => {
  const text = '# head\na:   1\n---\n\n---\n- x\n...\n# tail\n'
  expect(convertManifests(text, 'x')).toEqual({ text, count: 0, ingresses: [] })
})

test('what is no YAML is told with its place', () => {
  expect(() => convertManifests('a: 1\n---\na: [', 'x.yaml')).toThrow(FairwayError)
  expect(() => convertManifests('a: 1\n---\na: [', 'x.yaml')).toThrow(/^x\.yaml, document 2, is no YAML: /)
})

test('a backend that several paths share by an anchor is converted once', () => {
  const text = `apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: a}
spec:
  backend: &web
    serviceName: web
    servicePort: 80
  rules:
    - http:
        paths:
          - backend: *web
`
  const [ingress] = convertManifests(text, 'x').ingresses as { readonly spec: Record<string, unknown> }[]
  const backend = { service: { name: 'web', port: { number: 80 } } }
  expect(ingress?.spec).toEqual({
    defaultBackend: backend,
    rules: [{ http: { paths: [{ pathType: 'ImplementationSpecific', backend }] } }],
  })
})
