import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadKubeConfig } from './config.ts'

const dir = mkdtempSync(join(tmpdir(), 'fairway-kubeconfig-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

let serial = 0
function file(text: string): string {
  const path = join(dir, `config-${serial++}`)
  writeFileSync(path, text)
  return path
}
const base64 = (text: string) => Buffer.from(text).toString('base64')
const config = (user: string, cluster = 'server: https://a.example:6443/') => `
current-context: one
contexts: [{ name: one, context: { cluster: c, user: u, namespace: team } }, { name: other, context: { cluster: c } }, { name: lost, context: { cluster: gone } }]
clusters: [{ name: c, cluster: { ${cluster} } }]
users: [{ name: u, user: { ${user} } }]
`

describe('kubeconfig', () => {
  test('certificates inline and in files beside it', async () => {
    writeFileSync(join(dir, 'key.pem'), 'KEY')
    const path = file(
      config(
        `client-certificate-data: ${base64('CERT')}, client-key: key.pem`,
        `server: https://a.example:6443/, certificate-authority-data: ${base64('CA')}`,
      ),
    )
    const loaded = loadKubeConfig({ path })
    expect(loaded).toMatchObject({ server: 'https://a.example:6443', ca: 'CA', insecure: false, namespace: 'team' })
    expect(await loaded.credentials()).toEqual({ cert: 'CERT', key: 'KEY', headers: {} })
  })

  test.each([
    ['token: abc', { authorization: 'Bearer abc' }],
    ['username: u, password: p', { authorization: `Basic ${base64('u:p')}` }],
    ['token: abc, as: root', { authorization: 'Bearer abc', 'impersonate-user': 'root' }],
  ])('%s', async (user, headers) => {
    expect((await loadKubeConfig({ path: file(config(user)) }).credentials()).headers).toEqual(headers)
  })

  test('a token file', async () => {
    writeFileSync(join(dir, 'token'), 'from-file\n')
    const { credentials } = loadKubeConfig({ path: file(config('tokenFile: token')) })
    expect((await credentials()).headers).toEqual({ authorization: 'Bearer from-file' })
  })

  test('an exec program is left to client-node', async () => {
    const credential = JSON.stringify({
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'from-exec' },
    })
    const path = file(
      config(
        `exec: { apiVersion: client.authentication.k8s.io/v1, command: echo, args: ['${credential}'], interactiveMode: Never }`,
      ),
    )
    expect((await loadKubeConfig({ path }).credentials()).headers).toEqual({ authorization: 'Bearer from-exec' })
    const broken = file(
      config('exec: { apiVersion: client.authentication.k8s.io/v1, command: no-such-program, interactiveMode: Never }'),
    )
    await expect(loadKubeConfig({ path: broken }).credentials()).rejects.toMatchObject({ code: { code: 'FW0803' } })
  })

  test('several files are merged: the first that names a thing counts', () => {
    const first = file('current-context: two\ncontexts: [{ name: two, context: { cluster: c } }]')
    const KUBECONFIG = [first, join(dir, 'missing'), file(config('token: a'))].join(':')
    expect(loadKubeConfig({ env: { KUBECONFIG } })).toMatchObject({ server: 'https://a.example:6443', namespace: 'default' })
    expect(loadKubeConfig({ env: { KUBECONFIG }, context: 'one' })).toMatchObject({ namespace: 'team' })
  })

  test.each([
    ['FW0801', 'does not exist', () => loadKubeConfig({ path: join(dir, 'missing') })],
    ['FW0801', 'is not valid YAML', () => loadKubeConfig({ path: file('a: [') })],
    ['FW0801', 'is empty', () => loadKubeConfig({ path: file('') })],
    ['FW0801', 'gone.pem', () => loadKubeConfig({ path: file(config('client-certificate: gone.pem')) })],
    ['FW0802', 'no context named "x"', () => loadKubeConfig({ path: file(config('token: a')), context: 'x' })],
    ['FW0802', 'no cluster named "gone"', () => loadKubeConfig({ path: file(config('token: a')), context: 'lost' })],
    ['FW0802', 'no current context', () => loadKubeConfig({ path: file('contexts: []') })],
    ['FW0802', '"a.example" is not the address', () => loadKubeConfig({ path: file(config('token: a', 'server: a.example')) })],
  ])('%s: %s', (code, words, load) => {
    expect(load).toThrow(words)
    expect(load).toThrow(expect.objectContaining({ code: expect.objectContaining({ code }) }))
  })
})
