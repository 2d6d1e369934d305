import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { checkApiPort, checkPrograms } from './preflight.ts'

let server: Server | undefined
afterEach(() => server?.close())

test('all missing programs are named, with their packages', () => {
  expect(() => checkPrograms({ sh: 'dash', 'no-such-a': 'pkg-a', 'no-such-b': 'pkg-b' })).toThrow(
    expect.objectContaining({
      code: expect.objectContaining({ code: 'FW0105' }),
      message: 'The lab needs programs that are not installed: no-such-a, no-such-b.',
      fix: expect.stringContaining('apt-get install pkg-a pkg-b'),
    }),
  )
  expect(() => checkPrograms({ sh: 'dash' })).not.toThrow()
})

test('a port that is taken is refused, a free one is given', async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  await expect(checkApiPort(port)).rejects.toMatchObject({ code: { code: 'FW0904' }, field: '--api-port' })
  expect(await checkApiPort(0)).toBeGreaterThan(0)
})
