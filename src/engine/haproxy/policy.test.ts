import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { statements } from '../../../test/support/haproxy-lexer.ts'
import { FairwayError } from '../../model/code.ts'
import type { ExternalAuth, L7Policy } from '../../model/l7-policy.ts'
import { sectionsIn, sectionsText } from './own-sections.ts'
import { policyLines, policySections } from './policy.ts'
import { phrase, section } from './syntax.ts'

const CANARY = 'CANARY'
const INPUTS = 20_000

/** Each statement as words, of the section and of those that it names. */
function written(policy: L7Policy): readonly (readonly string[])[] {
  return statements([...policySections(policy), section(phrase`backend x`, policyLines(policy))].join('\n'))
}

const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['\n', '\r', ' ', '\t', '#', '"', "'", '\\', ';', '{', '}', '}', '$', '`', '%', '%[', ']', '\0', '\u2028', '(', '|'],
      ),
      fc.constant(`\n  http-request return status 299 # ${CANARY}`),
      fc.constant(`' ${CANARY} '`),
      fc.constantFrom('a.b', '/path', '10.0.0.0/8', 'x', '-m', '--', '%[src]'),
      fc.string({ maxLength: 6, unit: 'grapheme' }),
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''))

const edits = fc.record({
  set: fc.array(fc.record({ name: nasty, value: nasty }), { maxLength: 1 }),
  add: fc.array(fc.record({ name: fc.constant('x-a'), value: nasty }), { maxLength: 1 }),
  remove: fc.array(nasty, { maxLength: 1 }),
})

const policies: fc.Arbitrary<L7Policy> = fc.oneof(
  fc.oneof(
    fc.record({ path: fc.record({ kind: fc.constant('full'), path: nasty }) }),
    fc.record({ path: fc.record({ kind: fc.constant('prefix'), prefix: nasty, replacement: nasty }) }),
    fc.record({
      path: fc.record({ kind: fc.constant('regex'), expression: nasty, ignoresCase: fc.boolean(), replacement: fc.array(nasty) }),
    }),
  ),
  fc.record({ host: nasty }),
  fc.record({ requestHeaders: edits, responseHeaders: edits }),
  fc.record({ affinity: fc.record({ name: nasty, path: nasty, domain: nasty, isSecure: fc.boolean() }) }),
  fc.record({ balance: fc.record({ kind: fc.constant('hash'), of: fc.constantFrom('header', 'cookie', 'query'), name: nasty }) }),
  fc.record({ sources: fc.record({ allowed: fc.array(nasty), denied: fc.array(nasty) }) }),
  fc.record({
    rateLimit: fc.record({ scope: nasty, rates: fc.constant([]), exempt: fc.array(nasty), status: fc.constant(503) }),
  }),
  fc.record({ clientCertificate: fc.record({ isRequired: fc.boolean(), commonName: nasty, isPassedOn: fc.boolean() }) }),
  fc.record({
    basicAuth: fc.record({ realm: nasty, users: fc.array(fc.record({ name: nasty, hash: nasty }), { maxLength: 2 }) }),
  }),
  fc.record({
    externalAuth: fc.record({
      ...{ scheme: fc.constantFrom('http', 'https'), host: fc.oneof(nasty, fc.constant('a.b')), port: fc.constant(80) },
      ...{ target: fc.oneof(nasty, fc.constant('/')), method: fc.oneof(nasty, fc.constant('GET')) },
      ...{ responseHeaders: fc.array(nasty, { maxLength: 1 }), signIn: fc.array(nasty), redirect: fc.array(nasty) },
    }),
  }),
  fc.record({
    cors: fc.record({
      ...{ origins: fc.array(nasty), methods: fc.array(nasty), headers: fc.array(nasty), exposed: fc.array(nasty) },
      ...{ allowsCredentials: fc.boolean(), maxAgeInS: fc.constant(1) },
    }),
  }),
) as fc.Arbitrary<L7Policy>

/** Words that a statement begins with. */
const VERBS =
  /^(backend|userlist|user|stick-table|http-request|http-response|http-after-response|balance|hash-type|timeout|retries|option|no|retry-on|server|cookie|dynamic-cookie-key)$/

test(`${INPUTS} strings in policies stay inside the words that they are in`, { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(policies, (policy) => {
      try {
        const all = written(policy)
        for (const [verb = '', action = ''] of all) {
          expect(verb).toMatch(VERBS)
          if (verb !== 'user') expect(action).not.toContain(CANARY)
        }
        expect(all.some((words) => words.includes('299'))).toBe(false)
        // where HAProxy looks for variables there are none of a user
        const values = all.filter(([, , , ...rest]) => rest.some((word) => /(^|[^%])(%%)*%\[src\]/.test(word)))
        expect(
          values.filter(([verb, what]) => verb === 'http-request' && /^(set-header|set-path|replace-path)$/.test(what ?? '')),
        ).toEqual([])
      } catch (error) {
        if (!(error instanceof FairwayError)) throw error
      }
    }),
    { numRuns: INPUTS },
  )
})

describe('what is written', () => {
  it('reads back as it was meant', () => {
    const users = [{ name: "o'hara", hash: '$6$a$b' }]
    const policy: L7Policy = { host: "it's 100%", basicAuth: { realm: 'a "b"', users } }
    const all = written(policy)
    expect(all).toContainEqual(['http-request', 'set-header', 'Host', "it's 100%%"])
    expect(all).toContainEqual(['user', "o'hara", 'password', '$6$a$b'])
    expect(all.find(([, verb]) => verb === 'auth')?.slice(0, 4)).toEqual(['http-request', 'auth', 'realm', 'a b'])
  })

  it('has a section once that two policies name', () => {
    const rateLimit = { scope: 's', rates: [{ requests: 1, perInMs: 1_000, burst: 5 }], exempt: [], status: 503 }
    const text = (host: string) => [
      ...policySections({ rateLimit, host }),
      section(phrase`backend x`, policyLines({ rateLimit, host })),
    ]
    const all = statements(sectionsText([...text('a'), ...text('b')].map(sectionsIn)))
    expect(all.filter(([verb]) => verb === 'stick-table')).toEqual([
      ['stick-table', 'type', 'ipv6', 'size', '100k', 'expire', '60000ms', 'store', 'conn_cur,gpc0,gpc0_rate(5000ms)'],
    ])
    expect(all.filter(([verb, what]) => verb === 'backend' && what === 'x')).toHaveLength(2)
  })

  it.each<Partial<ExternalAuth>>([
    { host: 'a b' },
    { target: '/\n' },
    { responseHeaders: ['content-length'] },
    { responseHeaders: ['a b'] },
    { signIn: ['https://a\n'] },
  ])('is not what could be read another way: %j', (part) => {
    const externalAuth: ExternalAuth = {
      ...{ scheme: 'http', host: 'a', port: 80, target: '/', method: 'GET', responseHeaders: [], signIn: [], redirect: [] },
      ...part,
    }
    expect(() => [...policyLines({ externalAuth }), ...policySections({ externalAuth })]).toThrow(FairwayError)
  })

  it('is not what leaves something out', () => {
    expect(() => policyLines({ backendTls: { serverName: '', authority: 'PEM' } })).toThrow(FairwayError)
  })
})
