/** Whatever users write, it is never a word of HAProxy's: it is refused, or it is the key of a map, read back as it was meant. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mapLines, statements } from '../../../test/support/haproxy-lexer.ts'
import { FairwayError } from '../../model/code.ts'
import type { Backend, L7Rule, PathPattern } from '../../model/l7.ts'
import { configText } from './config.ts'
import { mapEntry } from './maps.ts'

const CANARY = 'CANARY'
const INPUTS = 100_000
/** Strings that are in one property's run: a run has a price of its own. */
const BATCH = 100

/** Anything, with what ends quotes, lines and statements near a directive. */
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\n',
        '\r',
        '\r\n',
        ' ',
        '\t',
        '#',
        '"',
        "'",
        '\\',
        ';',
        '{',
        '}',
        '$',
        '`',
        '%[',
        ']',
        '\0',
        '\u2028',
        '/',
        '..',
        '*',
      ),
      fc.constant(`\n  http-request return status 299 # ${CANARY}`),
      fc.constant(`${CANARY} use_backend`),
      fc.constantFrom('a.b', 'shop.example.com', '/path', '10.0.0.1', '-', 'x'),
      fc.string({ maxLength: 6, unit: 'grapheme' }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''))

function rule(host: string, path: PathPattern): L7Rule {
  return {
    ...{ kind: 'rule', key: 'rule/1', listeners: ['listener/http'], method: '', conditions: [], rank: 0 },
    host: { kind: 'exact', name: host },
    path,
    action: { kind: 'forward', backends: [{ backend: `backend/${host}`, weight: 1 }] },
    policy: {},
    subject: 'ingress/a/b',
  }
}

/** Undefined: it was refused, with a code. */
function written<T>(write: () => T): T | undefined {
  try {
    return write()
  } catch (error) {
    expect(error).toBeInstanceOf(FairwayError)
    return undefined
  }
}

test(`${INPUTS} strings in hosts, paths, names and addresses`, { timeout: 120_000 }, () => {
  const fields = fc.record({ host: nasty, path: nasty, address: nasty, isExact: fc.boolean() })
  fc.assert(
    fc.property(fc.array(fields, { minLength: BATCH, maxLength: BATCH }), (all) => {
      const meant: string[] = []
      const lines = all.flatMap(({ host, path, isExact }) => {
        const entry = written(() => mapEntry(rule(host, { kind: isExact ? 'exact' : 'prefix', path })))
        if (entry === undefined) return []
        meant.push(`${host}${path}${isExact ? '' : '/'}`)
        return [`${entry.line}\n`]
      })
      const read = mapLines(lines.join(''))
      expect(read.map(([key]) => key)).toEqual(meant)
      for (const [, value] of read) expect(value).toMatch(/^be_[0-9a-f]{20}$/)
      const backends = all.flatMap(({ host, address }): Backend[] => {
        const servers = [{ address, port: 80 }]
        const one = { kind: 'backend', key: `backend/${host}`, service: host, protocol: 'http', servers } as const
        return written(() => configText({ directory: '/run/x', listeners: [], backends: [one] })) === undefined ? [] : [one]
      })
      const text = configText({ directory: '/run/x', listeners: [], backends })
      expect(text).not.toContain(CANARY)
      const servers = statements(text).filter(([first]) => first === 'server')
      expect(servers.map(([, , at]) => at)).toEqual(
        backends.map(({ servers: [server] }) => `${server?.address.includes(':') ? `[${server.address}]` : server?.address}:80`),
      )
    }),
    { numRuns: INPUTS / BATCH / 4 },
  )
})

test('a folder is the operator’s word, and stays one word', () => {
  const listener = {
    kind: 'listener',
    key: 'listener/http',
    name: 'http',
    port: 80,
    protocol: 'http',
    takesProxyProtocol: false,
  } as const
  fc.assert(
    fc.property(nasty, (name) => {
      const text = written(() => configText({ directory: `/${name}`, listeners: [listener], backends: [] }))
      if (text === undefined) return
      const [, , socket] = statements(text).find(([first]) => first === 'stats') ?? []
      expect(socket).toBe(`/${name}/runtime.sock`)
    }),
  )
})
