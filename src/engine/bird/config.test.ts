import fc from 'fast-check'
import { expect, it } from 'vitest'
import { route, SPEAKER, session } from '../../../test/support/bgp-entries.ts'
import type { BgpSession } from '../../model/bgp.ts'
import { FairwayError } from '../../model/code.ts'
import { formNumber, mainText, routeLine, routesText, sessionWords } from './config.ts'
import { observeFiles } from './observe.ts'

const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.constantFrom('"; }\nprotocol static { }', '\n}', "'", '#', '/*', '*/', '\\"', '\u2028protocol', '\r\ninclude "x";', '\0'),
)

function main(one: BgpSession): string {
  return mainText({ speaker: SPEAKER, sessions: [one], watches: [], forms: new Map(), logFile: '/run/bird.log' })
}

/** What BIRD's lexer sees: no remarks, and a string is one word. */
function bare(text: string): string {
  return text
    .replace(/"[^"\n]*"/g, 'STRING')
    .replace(/#[^\n]*/g, '')
    .replace(/peer_\w+/g, 'NAME')
}

it('never lets a name, password, interface or address become anything but one word', () => {
  const field = fc.constantFrom('name', 'password', 'interface', 'peerAddress', 'sourceAddress', 'key' as const)
  const plain = bare(main(session({ password: 'x', interface: 'x' })))
  fc.assert(
    fc.property(field, hostile, (name, value) => {
      if (value === '') return
      const one = session({ password: 'x', interface: 'x', [name]: value })
      let text: string
      try {
        text = main(one)
      } catch (error) {
        expect(error).toBeInstanceOf(FairwayError)
        return
      }
      const isAddress = name === 'peerAddress' || name === 'sourceAddress'
      expect(isAddress ? '' : bare(text)).toBe(isAddress ? '' : plain)
    }),
    { numRuns: 2_000 },
  )
})

it('refuses values that BGP has no form for, and names the field', () => {
  const wrong: Partial<BgpSession>[] = [
    { localAs: 0 },
    { peerAs: 4_294_967_296 },
    { peerPort: 70_000 },
    { holdTimeInS: 2 },
    { hops: 256 },
    { password: 'x'.repeat(81) },
    { accept: [{ cidr: '10.0.0.0/33', maxLength: 33 }] },
    { accept: [{ cidr: '10.0.0.0/8', maxLength: 7 }] },
    { peerAddress: '10.0.0' },
    { localAs: 1.5 },
  ]
  for (const part of wrong) {
    const [name = ''] = Object.keys(part)
    expect(() => sessionWords(session(part), new Map()), name).toThrow(`session/tor ${name}`)
  }
})

it('leaves out the pace of keepalives where there is no hold time', () => {
  const words = (holdTimeInS: number, keepaliveInS: number) =>
    sessionWords(session({ holdTimeInS, keepaliveInS }), new Map()).text
  expect(words(0, 0)).toContain('hold time 0;')
  expect(words(0, 0)).not.toContain('keepalive')
  expect(words(9, 3)).toContain('keepalive time 3;')
})

it('reads its routes back, whatever they carry', () => {
  const number = (most: number) => fc.integer({ min: 0, max: most })
  const communities = fc.array(
    fc.oneof(
      fc.tuple(number(65535), number(65535)).map((all) => all.join(':')),
      fc.tuple(number(2 ** 32 - 1), number(2 ** 32 - 1), number(2 ** 32 - 1)).map((all) => all.join(':')),
    ),
  )
  const announcements = fc.array(fc.record({ sessions: fc.array(fc.string()), communities }))
  fc.assert(
    fc.property(announcements, fc.ipV4(), (all, host) => {
      const one = route(`${host}/32`, all)
      const forms = new Map([[formNumber(all), all]])
      const files = { main: '', routes: routesText(forms, { ipv4: [routeLine(one)], ipv6: [] }) }
      expect([...observeFiles(files).values()]).toEqual([one])
    }),
  )
})
