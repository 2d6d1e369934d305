/** Whatever users write, it is never a word of HAProxy's: it is refused, or it is the key of a map, read back as it was meant. */
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commands, mapLines, statements } from '../../../test/support/haproxy-lexer.ts'
import { FairwayError } from '../../model/code.ts'
import type { L7Rule, PathPattern } from '../../model/l7.ts'
import { baseText } from './base.ts'
import { placeOf } from './maps.ts'
import { slotText } from './sections.ts'
import { commandWord, phrase } from './syntax.ts'

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
        const place = written(() => placeOf(rule(host, { kind: isExact ? 'exact' : 'prefix', path })))
        if (place === undefined) return []
        meant.push(`${host}${path}${isExact ? '' : '/'}`)
        return [`${place.key} b00001\n`]
      })
      const read = mapLines(lines.join(''))
      expect(read).toEqual(meant.map((key) => [key, 'b00001']))
      const addresses: string[] = []
      const texts = all.flatMap(({ address }, slot): string[] => {
        const server = { name: 'srv_1', address, port: 80, protocol: 'http', weight: 1 } as const
        const text = written(() => slotText(slot, [], [server]))
        if (text === undefined) return []
        addresses.push(address)
        return [text]
      })
      const text = texts.join('\n')
      expect(text).not.toContain(CANARY)
      const servers = statements(text).filter(([first]) => first === 'server')
      expect(servers.map(([, , at]) => at)).toEqual(addresses.map((one) => `${one.includes(':') ? `[${one}]` : one}:80`))
    }),
    { numRuns: INPUTS / BATCH / 4 },
  )
})

test('a folder is the operator’s word, and stays one word', () => {
  fc.assert(
    fc.property(nasty, (name) => {
      const text = written(() => baseText(`/${name}`, phrase`g`))
      if (text === undefined) return
      const [, , socket] = statements(text).find(([first]) => first === 'stats') ?? []
      expect(socket).toBe(join(`/${name}`, 'runtime.sock'))
    }),
  )
})

test('the key of a look-up is one word of one command of the runtime’s', () => {
  fc.assert(
    fc.property(nasty, nasty, (host, path) => {
      const place = written(() => placeOf(rule(host, { kind: 'exact', path })))
      if (place === undefined) return
      expect(commands(`del map /x ${commandWord(place.key)};set map /x ${commandWord(place.key)} b00001`)).toEqual([
        ['del', 'map', '/x', place.key],
        ['set', 'map', '/x', place.key, 'b00001'],
      ])
    }),
  )
})
