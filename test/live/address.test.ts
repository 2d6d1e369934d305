/** Announced addresses on real interfaces: two nodes and a client on one switch, and a second segment of the first node with a client of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { TransportEngine } from '../../src/engine/address/engine.ts'
import { KernelAddresses } from '../../src/engine/address/kernel.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import { announcement } from '../../src/linux/neighbour-frames.ts'
import { connectInNetns, inNetns, ipBatch, listenInNetns, netnsPath } from '../../src/linux/netns.ts'
import { type HeardClaim, listenToClaims, PacketSender } from '../../src/linux/packet-socket.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import type { AddressConflict, AnnouncedAddress } from '../../src/model/l2.ts'
import { addressSuite, entry, upsert } from '../support/address-suite.ts'
import { NEVER } from '../support/datapath.ts'

const named = (part: string) => `fwt-l2-${part}-${process.pid}`
const [SWITCH, A, B, CLIENT, FAR] = [named('s'), named('a'), named('b'), named('c'), named('f')]
const folder = mkdtempSync(join(tmpdir(), 'fwt-l2-'))
const VIPS = ['192.0.2.50', '2001:db8::50'] as const
const OWN = {
  '192.0.2.50': { a: '192.0.2.1', b: '192.0.2.2', far: '198.51.100.1' },
  '2001:db8::50': { a: '2001:db8::1', b: '2001:db8::2', far: '2001:db8:1::1' },
} as const
const macs = new Map<string, string>()
const PORT = 8080
const servers: Server[] = []

const kernelOf = (name: string) => new KernelAddresses({ directory: join(folder, name), netns: netnsPath(name) })
const open: TransportEngine[] = []
function engineOf(name: string): TransportEngine {
  const engine = new TransportEngine(kernelOf(name))
  open.push(engine)
  return engine
}

beforeAll(async () => {
  for (const name of [SWITCH, A, B, CLIENT, FAR]) await run(['ip', 'netns', 'add', name])
  await ipBatch(SWITCH, ['link add br0 type bridge', 'link set br0 up'])
  for (const [at, name] of [A, B, CLIENT].entries()) {
    await run(['ip', 'link', 'add', 'e0', 'netns', name, 'type', 'veth', 'peer', 'name', `p${at}`, 'netns', SWITCH])
    await ipBatch(SWITCH, [`link set p${at} master br0 up`])
    await ipBatch(name, [
      'link set lo up',
      `addr add 192.0.2.${at + 1}/24 dev e0`,
      `addr add 2001:db8::${at + 1}/64 dev e0 nodad`,
      'link set e0 up',
    ])
  }
  await run(['ip', 'link', 'add', 'e1', 'netns', A, 'type', 'veth', 'peer', 'name', 'e0', 'netns', FAR])
  for (const [name, on, last] of [
    [A, 'e1', 1],
    [FAR, 'e0', 2],
  ] as const) {
    const addresses = [`addr add 198.51.100.${last}/24 dev ${on}`, `addr add 2001:db8:1::${last}/64 dev ${on} nodad`]
    await ipBatch(name, ['link set lo up', ...addresses, `link set ${on} up`])
  }
  for (const name of [A, B]) {
    const links = JSON.parse(await run(inNetns(name, ['ip', '-j', 'link', 'show', 'e0']))) as readonly {
      readonly address: string
    }[]
    const mac = links[0]?.address ?? ''
    macs.set(name, mac)
    for (const any of ['0.0.0.0', '::']) {
      const server = createServer((socket) => socket.on('error', () => undefined).end(mac)) // a client may be cut off by the test
      servers.push(server)
      server.listen({ fd: listenInNetns(netnsPath(name), any, PORT) })
    }
  }
})
afterEach(async () => {
  await Promise.all([A, B].map((name) => engineOf(name).cleanup()))
  await Promise.all(open.splice(0).map((engine) => engine.close()))
})
afterAll(async () => {
  for (const server of servers) server.close()
  for (const name of [SWITCH, A, B, CLIENT, FAR]) await tryRun(['ip', 'netns', 'del', name])
  rmSync(folder, { recursive: true, force: true })
})

const remove = (address: string) => ({ upserts: [], removals: [entry(address).key] })
const own = new Set(Object.values(OWN).flatMap(Object.values))
addressSuite('interfaces of the kernel', () => ({
  open: () => kernelOf(A),
  place: async (address, name, length) =>
    void (await run(inNetns(A, ['ip', 'addr', 'add', `${address}/${length}`, 'dev', name]))),
  take: async (address, name) => {
    const addresses = await listed()
    const place = addresses.find((one) => one.startsWith(`${name} ${address}/`))
    if (place !== undefined) await run(inNetns(A, ['ip', 'addr', 'del', place.split(' ')[1] ?? '', 'dev', name]))
  },
  addresses: listed,
}))

/** Those of A, but for its own. */
async function listed(): Promise<readonly string[]> {
  interface Shown {
    readonly ifname: string
    readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[]
  }
  const shown = JSON.parse(await run(inNetns(A, ['ip', '-j', 'addr', 'show']))) as readonly Shown[]
  const places = shown.flatMap(({ ifname, addr_info: all }) =>
    all
      .filter(({ local, scope }) => scope === 'global' && !own.has(local as never))
      .map((one) => `${ifname} ${one.local}/${one.prefixlen}`),
  )
  return places.toSorted()
}

/** What is claimed in a namespace from now on; `heard` and `heardAll` resolve when they are right, also by what was heard before. */
async function claimsIn(name: string) {
  const claims: HeardClaim[] = []
  let look = (): void => undefined
  const listener = await listenToClaims((heard) => {
    claims.push(...heard)
    look()
  }, netnsPath(name))
  onTestFinished(() => listener.close())
  const heardAll = (right: (all: HeardClaim[]) => boolean): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (right(claims)) resolve()
      }
      look()
    })
  const heard = (right: (claim: HeardClaim) => boolean) => heardAll((all) => all.some(right))
  return { claims, heard, heardAll }
}

/** The MAC of who answers the client at an address: each node's server says its node's. @throws {Error} when nobody does */
async function whoAnswers(address: string): Promise<string> {
  const socket = await connectInNetns(netnsPath(CLIENT), address, PORT)
  const said = await text(socket)
  socket.destroy()
  return said
}

describe.each(VIPS)('%s', (vip) => {
  it('is taken over from a dead node within 100 ms', async () => {
    const [dead, next] = [engineOf(A), engineOf(B)]
    await next.refresh(NEVER)
    const { claims, heard } = await claimsIn(CLIENT)
    const times: number[] = []
    for (let turn = 0; turn < 4; turn += 1) {
      await dead.apply(upsert(entry(vip)), NEVER)
      expect(await whoAnswers(vip)).toBe(macs.get(A))
      await ipBatch(SWITCH, ['link set p0 down'])
      claims.length = 0
      const beganAt = performance.now()
      await next.apply(upsert(entry(vip)), NEVER)
      await heard(({ address, mac }) => address === vip && mac === macs.get(B))
      times.push(performance.now() - beganAt)
      expect(await whoAnswers(vip)).toBe(macs.get(B))
      await next.apply(remove(vip), NEVER)
      await dead.apply(remove(vip), NEVER)
      await ipBatch(SWITCH, ['link set p0 up'])
    }
    // the contract's figure; the best of four, as the machine's other load is not the engine's
    expect(Math.min(...times)).toBeLessThan(100)
  })

  it('is answered for on the chosen interface only', async () => {
    const engine = engineOf(A)
    await engine.apply(upsert(entry(vip, 'e0')), NEVER)
    expect(await whoAnswers(vip)).toBe(macs.get(A))
    const far = kernelOf(FAR)
    onTestFinished(() => far.close())
    const { claims, heard } = await claimsIn(FAR)
    await far.ask(vip, 'e0')
    await far.ask(OWN[vip].far, 'e0') // answered after what comes before it
    await heard(({ address }) => address === OWN[vip].far)
    expect(claims.map(({ address }) => address)).not.toContain(vip)
    await engine.apply(upsert(entry(vip, 'e0', 'e1')), NEVER)
    await far.ask(vip, 'e0')
    await heard(({ address }) => address === vip)
  })

  it('is claimed by another host, and that is told', async () => {
    const engine = engineOf(A)
    const conflict = Promise.withResolvers<AddressConflict>()
    await engine.onConflict(conflict.resolve)
    await engine.apply(upsert(entry(vip)), NEVER)
    const sender = new PacketSender(netnsPath(B))
    onTestFinished(() => sender.close())
    const { links } = await kernelLinks(B)
    const mac = macs.get(B) ?? ''
    for (const frame of announcement({ address: vip, mac })) sender.send(links.get('e0')?.index ?? 0, frame)
    expect(await conflict.promise).toEqual({ address: vip, interface: 'e0', mac })
  })

  it('is announced anew after its link was down', async () => {
    const engine = engineOf(A)
    const loop = createReconciler<AnnouncedAddress>({ engine })
    engine.onForeignChange(() => loop.verify())
    loop.want(upsert(entry(vip)))
    await loop.settled()
    const before = await listed()
    await ipBatch(A, ['link set e0 down'])
    const { heard } = await claimsIn(CLIENT)
    await ipBatch(A, ['link set e0 up', `addr add ${OWN['2001:db8::50'].a}/64 dev e0 nodad`]) // IPv6 addresses go with the link
    await heard(({ address, mac }) => address === vip && mac === macs.get(A))
    await loop.settled()
    await loop.stop()
    expect(await listed()).toEqual(before)
    expect(await whoAnswers(vip)).toBe(macs.get(A))
  })

  it('lets a neighbour be asked whether it is alive', async () => {
    const engine = engineOf(A)
    expect(await engine.probe(OWN[vip].b, 'e0', 5_000)).toBe(true)
    await ipBatch(SWITCH, ['link set p1 down'])
    expect(await engine.probe(OWN[vip].b, 'e0', 50)).toBe(false)
    await ipBatch(SWITCH, ['link set p1 up'])
    expect(await engine.probe(OWN[vip].b, 'e0', 5_000)).toBe(true)
    expect(await engine.probe(OWN[vip].b, 'e9', 5_000)).toBe(false)
  })
})

async function kernelLinks(name: string) {
  const kernel = kernelOf(name)
  const read = await kernel.read()
  await kernel.close()
  return read
}

it('puts the rules back when somebody removes them', async () => {
  const engine = engineOf(A)
  const repaired = Promise.withResolvers<void>()
  const loop = createReconciler<AnnouncedAddress>({
    engine,
    onRound: ({ upserts, refreshed }) => refreshed && upserts === 1 && removed && repaired.resolve(),
  })
  let removed = false
  engine.onForeignChange(() => loop.verify())
  loop.want(upsert(entry('192.0.2.50')))
  await loop.settled()
  const before = await run(inNetns(A, ['nft', '-s', 'list', 'ruleset']))
  removed = true
  await run(inNetns(A, ['nft', 'flush', 'ruleset']))
  await repaired.promise
  await loop.stop()
  expect(before).toContain('192.0.2.50')
  expect(await run(inNetns(A, ['nft', '-s', 'list', 'ruleset']))).toBe(before)
})

it('says of an interface without IPv6 that the kernel refuses', async () => {
  const switchIpv6 = (off: 0 | 1) => run(inNetns(A, ['sysctl', '-qw', `net.ipv6.conf.e1.disable_ipv6=${off}`]))
  await switchIpv6(1)
  onTestFinished(async () => {
    await switchIpv6(0)
    await ipBatch(A, ['addr add 2001:db8:1::1/64 dev e1 nodad']) // its own address went with IPv6
  })
  const engine = engineOf(A)
  await engine.apply(upsert(entry('2001:db8::50', 'e0', 'e1')), NEVER)
  expect(engine.findings.map(({ message }) => message)).toEqual(['The kernel does not take 2001:db8::50 on e1: EACCES.'])
  expect(await listed()).toEqual(['e0 2001:db8::50/128'])
})

it('knows of an IPv6 address when packets to it reach the node, which is not when it is there', async () => {
  const kernel = kernelOf(A)
  onTestFinished(() => kernel.close())
  const place = { family: 'ipv6', address: '2001:db8::50', interface: 'e0' } as const
  await ipBatch(A, ['addr add 2001:db8::50/128 dev e0 nodad noprefixroute'])
  await expect.poll(() => run(inNetns(A, ['ip', '-6', 'route', 'show', 'table', 'local', '2001:db8::50']))).not.toBe('') // the kernel adds it in its own time
  await ipBatch(A, ['route del local 2001:db8::50 dev e0 table local'])
  let isSettled = false
  const settled = kernel.settle([place]).then(() => {
    isSettled = true
  })
  await kernel.settle([{ ...place, family: 'ipv4', address: '192.0.2.1' }]) // nothing of that is awaited
  for (let look = 0; look < 3; look += 1) await kernel.read()
  expect(isSettled).toBe(false)
  const beganAt = performance.now()
  await ipBatch(A, ['route add local 2001:db8::50 dev e0 table local'])
  await settled
  expect(performance.now() - beganAt).toBeLessThan(900) // not because it waited for long enough
  await ipBatch(A, ['addr del 2001:db8::50/128 dev e0'])
})

it('hears each of 4,000 claims that come all at once', async () => {
  const { heardAll } = await claimsIn(A)
  const { links } = await kernelLinks(CLIENT)
  const { index = 0, mac = '' } = links.get('e0') ?? {}
  const addresses = Array.from({ length: 4_000 }, (_, at) => `203.0.${at >> 8}.${at & 255}`)
  const sender = new PacketSender(netnsPath(CLIENT))
  onTestFinished(() => sender.close())
  for (const address of addresses) for (const frame of announcement({ address, mac })) sender.send(index, frame)
  const missing = new Set(addresses)
  const heard = heardAll((all) => {
    for (const { address } of all.splice(0)) missing.delete(address)
    return missing.size === 0
  })
  await Promise.race([heard, new Promise((resolve) => setTimeout(resolve, 10_000))]) // what was lost never comes
  expect(missing.size).toBe(0)
})

it('takes over 1,000 addresses within a second', async () => {
  const addresses = Array.from({ length: 1_000 }, (_, at) =>
    at % 2 === 0 ? `203.0.${at >> 8}.${at & 255}` : `2001:db8:2::${at.toString(16)}`,
  )
  const entries = addresses.map((address) => entry(address))
  const engine = engineOf(A)
  await engine.refresh(NEVER)
  const { claims, heardAll } = await claimsIn(CLIENT)
  const times: number[] = []
  for (let turn = 0; turn < 3; turn += 1) {
    const missing = new Set(addresses)
    claims.length = 0
    const beganAt = performance.now()
    await engine.apply(upsert(...entries), NEVER)
    await heardAll((all) => {
      for (const { address } of all.splice(0)) missing.delete(address)
      return missing.size === 0
    })
    times.push(performance.now() - beganAt)
    expect(await listed()).toHaveLength(1_000)
    await engine.apply({ upserts: [], removals: entries.map(({ key }) => key) }, NEVER)
    expect(await listed()).toEqual([])
  }
  expect(Math.min(...times)).toBeLessThan(1_000) // the figure; the best of three, as the machine has other load
})
