/** Planned Ingresses, told to a real HAProxy, and asked over HTTP in a namespace of its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HaproxyRig } from '../support/haproxy-rig.ts'
import { FALLBACK, HOSTS, PATHS } from '../support/ingress-cases.ts'

describe.each([
  ['paths', PATHS],
  ['hosts', HOSTS],
  ['fallback', FALLBACK],
] as const)('the conformance cases of %s', (name, { world, cases }) => {
  const rig = new HaproxyRig(`rules-${name}`)
  beforeAll(async () => {
    await rig.up()
    await rig.backends(world)
    await rig.serve(world)
  })
  afterAll(() => rig.down())

  test.each(cases)('$host $path: $answer', async ({ host, path, answer }) => {
    expect(await rig.answerTo(host, path)).toBe(answer)
  })
})
