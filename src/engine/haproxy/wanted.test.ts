import { expect, it } from 'vitest'
import type { L7Entry } from '../../model/l7.ts'
import { Form } from './form.ts'
import { Slots } from './slots.ts'
import { Wanted } from './wanted.ts'

function backend(address: string): L7Entry {
  const servers = [{ address, port: 80 }]
  return { kind: 'backend', key: 'backend/a/b/80', service: 'a/b', protocol: 'http', servers }
}

function rule(host: string): L7Entry {
  return {
    ...{ kind: 'rule', key: 'rule/1', listeners: ['listener/http'], method: '', conditions: [], rank: 0, subject: 'ingress/a/b' },
    ...{ host: { kind: 'exact', name: 'a.b' }, path: { kind: 'prefix', path: '' }, policy: { host } },
    action: { kind: 'forward', backends: [{ backend: 'backend/a/b/80', weight: 1 }] },
  }
}

it('what was refused is forgotten once nobody asks for it, or it is corrected', () => {
  const wanted = new Wanted(new Form(), new Slots(64))
  const take = (upserts: readonly L7Entry[], removals: readonly string[] = []) =>
    wanted.follow(wanted.form.take({ upserts, removals }))
  take([backend('10.0.0.1'), rule('no\nhost')])
  expect(wanted.refused.size).toBe(1)
  take([rule('a.b')])
  expect(wanted.refused.size).toBe(0)
  take([backend('no host')])
  expect([wanted.form.left.size, wanted.own.size]).toEqual([1, 1])
  take([backend('10.0.0.2')])
  expect(wanted.form.left.size).toBe(0)
  const [name = ''] = wanted.own.keys()
  wanted.refuse(name, wanted.own.get(name)?.frame ?? '', 'because')
  take([backend('10.0.0.3')])
  expect([wanted.refused.size, wanted.own.size]).toEqual([1, 0])
  take([], ['rule/1'])
  expect(wanted.refused.size).toBe(0)
})
