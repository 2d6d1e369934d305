import { expect, it, test } from 'vitest'
import type { Backend } from '../../model/l7.ts'
import { serversOf, serverWords } from './target.ts'

function serverOf(part: Partial<Backend>) {
  const key = 'backend/default/web/80'
  const servers = [{ address: '10.0.0.1', port: 80 }]
  const backend: Backend = { kind: 'backend', key, service: 'default/web', protocol: 'http', servers, ...part }
  const [server] = serversOf({ key, backends: new Map([[key, 1]]), policy: {}, isTls: false }, () => backend)
  if (server === undefined) throw new Error('there is no server')
  return server
}

it.each([
  [{}, ''],
  [{ protocol: 'h2c' }, ' proto h2'],
  [{ protocol: 'https' }, ' ssl verify none alpn http/1.1'],
  [{ protocol: 'h2' }, ' ssl verify none alpn h2'],
  [{ proxyProtocol: 'v1' }, ' send-proxy'],
  [{ protocol: 'h2c', proxyProtocol: 'v2' }, ' proto h2 send-proxy-v2'],
] as const)('a server that speaks %j', (part, words) => {
  expect(serverWords(serverOf(part)).text).toBe(`10.0.0.1:80 weight 1${words}`)
})

test('one that is spoken to otherwise is another server: no runtime changes that of one', () => {
  const parts = [{}, { protocol: 'h2c' }, { proxyProtocol: 'v1' }, { proxyProtocol: 'v2' }] as const
  expect(new Set(parts.map((part) => serverOf(part).name)).size).toBe(parts.length)
})
