/** Recorded UDP flows in the kernel: listed, and forgotten by a filter or one by one. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createConntrack } from '../../src/engine/conntrack/conntrack.ts'
import { inNetns, netnsPath } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { type FlowMatch, matches, type RecordedFlow } from '../../src/model/flow.ts'

const NETNS = `fwt-ct-${process.pid}`
const netns = netnsPath(NETNS)

const ADDRESSES = {
  ipv4: { client: '192.0.2.9', vip: '10.96.0.10', other: '10.96.0.11', first: '10.244.1.2', second: '10.244.1.3' },
  ipv6: { client: '2001:db8::9', vip: 'fd00:96::a', other: 'fd00:96::b', first: 'fd00:244::2', second: 'fd00:244::3' },
} as const

beforeEach(async () => {
  await run(['ip', 'netns', 'add', NETNS])
})
afterEach(async () => {
  await tryRun(['ip', 'netns', 'del', NETNS])
})

interface Told {
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly server: string
  readonly protocol?: 'udp' | 'tcp'
}

/** A flow to port 53 that goes on to `server`. */
async function record({ source, sourcePort, destination, server, protocol = 'udp' }: Told): Promise<void> {
  const ends = ['-s', source, '-d', destination, '-r', server, '-q', source]
  const ports = ['--sport', String(sourcePort), '--dport', '53', '--reply-port-src', server === destination ? '53' : '5353']
  const state = protocol === 'tcp' ? ['--state', 'ESTABLISHED'] : []
  const nat = server === destination ? [] : ['--dst-nat', server.includes(':') ? `[${server}]:5353` : `${server}:5353`]
  const command = ['conntrack', '-I', '-p', protocol, ...ends, ...ports, '--reply-port-dst', String(sourcePort), ...state]
  const made = await tryRun(inNetns(NETNS, [...command, '-t', '120', ...nat]))
  if (made.exitCode !== 0) throw new Error(`${command.join(' ')}: ${made.stderr}`)
}

async function left(): Promise<readonly string[]> {
  const flows = await createConntrack({ netns }).list()
  return flows.map(({ source, destination, server }) => `${source.port} ${destination.address} ${server.address}`).toSorted()
}

describe.each(['ipv4', 'ipv6'] as const)('%s', (family) => {
  const { client, vip, other, first, second } = ADDRESSES[family]
  const match = (part: Partial<FlowMatch>): FlowMatch => ({
    family,
    address: vip,
    port: 53,
    server: { address: first, port: 5353 },
    owner: 'service/default/dns',
    ...part,
  })

  beforeEach(async () => {
    await record({ source: client, sourcePort: 4001, destination: vip, server: first })
    await record({ source: client, sourcePort: 4002, destination: vip, server: second })
    await record({ source: client, sourcePort: 4003, destination: other, server: first })
    await record({ source: client, sourcePort: 4004, destination: vip, server: vip })
    await record({ source: client, sourcePort: 4005, destination: vip, server: first, protocol: 'tcp' })
  })

  test('lists UDP flows as they are', async () => {
    const flows = await createConntrack({ netns }).list()
    expect(flows.length).toBe(4)
    expect(flows.find(({ source }) => source.port === 4001)).toEqual({
      family,
      source: { address: client, port: 4001 },
      destination: { address: vip, port: 53 },
      server: { address: first, port: 5353 },
      reply: { address: client, port: 4001 },
    } satisfies RecordedFlow)
  })

  const cases: readonly (readonly [string, Partial<FlowMatch>, readonly number[]])[] = [
    ['an address and an endpoint', {}, [4001]],
    ['any address and an endpoint', { address: '' }, [4001, 4003]],
    ['another port of the endpoint', { server: { address: first, port: 80 } }, []],
    ['an address that nobody translated', { server: 'untranslated' }, [4004]],
    ['another port', { port: 54 }, []],
  ]
  test.each(cases)('forgets %s, with and without the filter of the kernel', async (_, part, gone) => {
    const wanted = match(part)
    const before = await createConntrack({ netns }).list()
    const stay = before.filter(({ source }) => !gone.includes(source.port))
    expect(before.filter((flow) => !matches(wanted, flow))).toEqual(stay) // what a match means in words
    await createConntrack({ netns }).forget([wanted])
    const now = await left()
    expect(now.map((line) => Number(line.split(' ')[0]))).toEqual(stay.map(({ source }) => source.port).toSorted())
    await createConntrack({ netns, withoutFilter: true }).forget([wanted])
    expect(await left()).toEqual(now)
    const tcp = await run(inNetns(NETNS, ['conntrack', '-L', '-p', 'tcp', '-f', family]))
    expect(tcp).toContain('sport=4005')
  })

  test('forgets them one by one where there is no filter, and many at once', async () => {
    await createConntrack({ netns, withoutFilter: true }).forget([match({}), match({ server: 'untranslated' })])
    expect((await left()).map((line) => line.split(' ')[0])).toEqual(['4002', '4003'])
    const many = Array.from({ length: 100 }, (_, index) =>
      match({ address: '', server: { address: second, port: 5300 + index } }),
    )
    await createConntrack({ netns }).forget(many)
    expect((await left()).map((line) => line.split(' ')[0])).toEqual(['4003'])
  })
})
