/** Random worlds: what planner and tracer say of a packet is what the kernel does with it. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodeOf } from '../support/datapath.ts'
import { LoadedNet } from './datapath/loaded.ts'
import { decidedFlows, type RandomFlow, randomWorld } from './datapath/random-world.ts'
import { TEST_OPTIONS } from './datapath/world.ts'

const WORLDS = 8

/** Ports that UDP flows leave from, none twice: the kernel remembers a flow of an earlier world, and no agent has it forgotten here. */
let udpPort = 20_000
const withPort = (line: string): string => (line.startsWith('udp') ? `${line} ${++udpPort}` : line)

const loaded = new LoadedNet(undefined, 'fwt-random')
beforeAll(() => loaded.up())
afterAll(() => loaded.down())

/** The kernel sends 1,000 ICMP errors a second for the whole machine, 50 at once (icmp_msgs_per_sec, icmp_msgs_burst): so many may be due at a time. */
const REFUSALS_AT_ONCE = 10

/** The flows whose answer is none of those that may be, each with its answer. A refusal that was not heard is asked for again. */
async function surprises(flows: readonly RandomFlow[]): Promise<readonly string[]> {
  const all = await askAll(flows)
  const silent = all.filter(({ flow, answer }) => answer === 'timeout' && flow.may.includes('refused')).map(({ flow }) => flow)
  const again = []
  for (let at = 0; at < silent.length; at += REFUSALS_AT_ONCE)
    again.push(...(await askAll(silent.slice(at, at + REFUSALS_AT_ONCE))))
  const rest = [...all.filter(({ flow }) => !silent.includes(flow)), ...again]
  return rest.map(({ flow: { from, line, may }, answer }) => `${from}: ${line} -> ${answer}, not ${may.join(' or ')}`)
}

interface Surprise {
  readonly flow: RandomFlow
  readonly answer: string
}

async function askAll(flows: readonly RandomFlow[]): Promise<readonly Surprise[]> {
  const ask = async (name: string): Promise<readonly Surprise[]> => {
    const mine = flows.filter(({ from }) => from === name)
    const sender = loaded.host(name)
    const answers = await loaded.net.probe(
      sender,
      mine.map(({ line }) => withPort(line)),
    )
    return mine.flatMap((flow, index) => {
      const [server = '', seen] = (answers[index] ?? '').split(' ')
      const kept = (seen === sender.ipv4 || seen === sender.ipv6) && !name.startsWith('n')
      const answer = seen === undefined ? server : `${server} ${kept ? 'kept' : 'node'}`
      return flow.may.includes(answer) ? [] : [{ flow, answer }]
    })
  }
  return (await Promise.all([...new Set(flows.map(({ from }) => from))].map(ask))).flat()
}

it('the kernel does with a packet what the tracer says', { timeout: 120_000 }, async () => {
  let flows = 0
  const property = fc.asyncProperty(randomWorld, async (world) => {
    const tracers = { n1: await nodeOf(world, 'n1', TEST_OPTIONS), n2: await nodeOf(world, 'n2', TEST_OPTIONS) }
    const decided = decidedFlows(tracers)
    flows += decided.length
    await loaded.become(world)
    expect(await surprises(decided)).toEqual([])
  })
  // a world takes seconds, so what fails is shown as it was drawn
  await fc.assert(property, { numRuns: WORLDS, endOnFailure: true })
  expect(flows).toBeGreaterThan(WORLDS * 100)
})
