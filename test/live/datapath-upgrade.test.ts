/** Tables of another version of Fairway, taken over while clients knock: no new flow fails, and no open connection ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNftablesEngine } from '../../src/engine/nftables/engine.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import { inNetns, netnsPath } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import type { DataPathEntry } from '../../src/model/datapath.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { LoadedNet } from './datapath/loaded.ts'
import type { TestHost } from './datapath/net.ts'
import { TEST_OPTIONS, testWorld } from './datapath/world.ts'

const loaded = new LoadedNet(testWorld(), 'fwt-du')
const { net } = loaded
const first = net.nodes[0] as TestHost
const KNOCK = fileURLToPath(new URL('./datapath/knock.ts', import.meta.url))
const OLDER = fileURLToPath(new URL('../golden/nftables/before-affinity.nft', import.meta.url))
const children: ChildProcess[] = []

beforeAll(async () => {
  await loaded.up()
  await loaded.loops[0]?.stop()
  await loaded.engines[0]?.close()
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await loaded.down()
})

/** Knocks from the client; resolves at the first answer. The returned function ends it and says what came of it. */
async function knock(address: string, port: number): Promise<() => Promise<{ answered: number; failed: readonly string[] }>> {
  const [program = '', ...args] = inNetns(net.client.ns, [process.execPath, KNOCK, address, String(port)])
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  await lines.next()
  return async () => {
    child.stdin.end()
    return JSON.parse(String((await lines.next()).value))
  }
}

/** What was changed, and the entries in the tables afterwards. */
async function takeOver() {
  const engine = createNftablesEngine({ netns: netnsPath(first.ns) })
  const rounds: [number, number][] = []
  const loop = createReconciler<DataPathEntry>({ engine, onRound: (round) => rounds.push([round.upserts, round.removals]) })
  const world = testWorld()
  const planner = createPlanner('n1', TEST_OPTIONS)
  loop.want(planner.update(world, changesOf(world)))
  await loop.settled()
  loop.verify()
  await loop.settled()
  await loop.stop()
  const sorted = (map: ReadonlyMap<string, DataPathEntry>) => [...map].toSorted(([one], [other]) => (one < other ? -1 : 1))
  expect(sorted(engine.observed)).toEqual(sorted(planner.entries))
  await engine.close()
  return rounds
}

const WAYS = [
  ['192.168.77.11', 30001],
  ['fd00:77::11', 30001],
  ['10.96.0.4', 80],
  ['192.168.77.11', 8081],
] as const

describe.each([
  ['before there was affinity', '', true],
  ['whose sets have other types', 'map endpoint { type classid : mark; }', false],
] as const)('a table of a version %s', (_, more, adopted) => {
  it('is replaced under the hands of its clients', async () => {
    for (const family of ['ip', 'ip6']) await tryRun(inNetns(first.ns, ['nft', 'delete', 'table', family, 'fairway']))
    const older = (await readFile(OLDER, 'utf8')).replaceAll(/^(table ip6? fairway \{)$/gm, `$1\n${more}`)
    await run(inNetns(first.ns, ['nft', '-f', '-']), { input: older })
    const held = await Promise.all(WAYS.map(([address, port]) => net.hold(net.client, address, port)))
    const knocks = await Promise.all(WAYS.map(([address, port]) => knock(address, port)))
    const [[upserts, removals] = [0, 0]] = await takeOver()
    for (const one of knocks) {
      const { answered, failed } = await one()
      expect(failed).toEqual([])
      expect(answered).toBeGreaterThan(1)
    }
    for (const one of held) expect(await one.say('still here')).toBe('still here')
    for (const one of held) one.end()
    const planner = createPlanner('n1', TEST_OPTIONS)
    const world = testWorld()
    planner.update(world, changesOf(world))
    if (adopted) expect(upserts).toBeLessThan(planner.entries.size)
    else expect([upserts, removals]).toEqual([planner.entries.size, 0])
  })
})
