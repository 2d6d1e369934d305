import { expect, it } from 'vitest'
import type { L7Entry } from '../../model/l7.ts'
import { Form } from './form.ts'
import { Shapes } from './shapes.ts'
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
  const wanted = new Wanted(new Form(), new Slots([{ shape: '', first: 0, count: 64 }]), new Shapes())
  const take = (upserts: readonly L7Entry[], removals: readonly string[] = []) =>
    wanted.follow(wanted.form.take({ upserts, removals }))
  take([backend('10.0.0.1'), rule('no\nhost')])
  expect(wanted.refusals.length).toBe(1)
  take([rule('a.b')])
  expect(wanted.refusals.length).toBe(0)
  take([backend('no host')])
  expect(wanted.form.left.size).toBe(1)
  take([backend('10.0.0.2')])
  expect(wanted.form.left.size).toBe(0)
  for (const name of ['one.example', 'two.example']) {
    take([backend(name)])
    expect([wanted.refusals, wanted.own.size]).toEqual([[], 1])
    for (const [own, section] of [...wanted.own]) wanted.refuse(own, section, 'because')
    take([backend(name)])
    expect(wanted.refusals).toEqual(['What ingress/a/b asks for is refused by HAProxy: because'])
    expect(wanted.own.size).toBe(0)
  }
  take([], ['rule/1'])
  expect(wanted.refusals).toEqual([])
})

it('a wildcard of several labels is left out, not taken for one of one label', () => {
  const form = new Form()
  const host = { kind: 'wildcard', name: 'a.b', labels: 'any' } as const
  const path = { kind: 'regex', expression: '^/a', ignoresCase: false } as const
  const plain = { ...rule('a.b'), host } as L7Entry
  form.take({ upserts: [backend('10.0.0.1'), plain, { ...plain, key: 'rule/2', path } as L7Entry], removals: [] })
  const why = 'HAProxy cannot be given this: **.a.b cannot be looked up.'
  expect([...form.left].map(([key, { message }]) => [key, message])).toEqual([
    ['rule/1', why],
    ['rule/2', why],
  ])
  expect(form.cases.size).toBe(0)
  expect([...form.maps.values()].flatMap(({ rules }) => [...rules])).toEqual([])
})

it('a policy that is refused is refused to all that have it, and to nobody else', () => {
  const wanted = new Wanted(new Form(), new Slots([{ shape: '', first: 0, count: 64 }]), new Shapes())
  const change = wanted.form.take({
    upserts: [backend('10.0.0.1'), rule('a.b'), { ...rule('c.d'), key: 'rule/2' }],
    removals: [],
  })
  wanted.follow(change)
  wanted.grow(change)
  expect(wanted.sectionOf('rule/1').text).toBe('b00064')
  wanted.refuseShape(JSON.stringify({ host: 'a.b' }), 'because')
  expect(wanted.refusals).toEqual(['What ingress/a/b asks for is refused by HAProxy: because'])
  expect([wanted.sectionOf('rule/1').text, wanted.sectionOf('rule/2').text]).toEqual(['be_unavailable', 'b00065'])
  expect(wanted.slots.runs.map(({ shape }) => shape)).toEqual(['', JSON.stringify({ host: 'c.d' })])
  const again = wanted.form.take({ upserts: [rule('a.b')], removals: [] })
  wanted.follow(again)
  expect([wanted.sectionOf('rule/1').text, wanted.waiting.size]).toEqual(['be_unavailable', 0])
})
