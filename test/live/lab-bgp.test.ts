/** `lab up --with bgp`: routers that speak BGP, whoever the speaker on a node is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { processesInNetns } from '../../src/linux/process.ts'
import { tryRun } from '../../src/linux/run.ts'
import { bringUpLab, FAIRWAY, type LiveLab } from '../support/live-lab.ts'
import { until } from '../support/until.ts'

const FAMILIES = [
  ['IPv4', 'ipv4Unicast', '192.168.0.154'],
  ['IPv6', 'ipv6Unicast', '[fd00:192:168::154]'],
] as const

let lab: LiveLab
let dir: string
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fwt-lab-bgp-'))
  lab = await bringUpLab('t-lab-bgp', '--with', 'bgp')
})
afterAll(async () => {
  await lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

interface Session {
  readonly state: string
  readonly pfxRcd: number
}

/** The sessions of a router, by address. */
async function sessionsOf(router: string, family: string, where: LiveLab = lab): Promise<Readonly<Record<string, Session>>> {
  const { stdout } = await where.on(router, "vtysh -c 'show bgp summary json'")
  return (JSON.parse(stdout)[family]?.peers ?? {}) as Readonly<Record<string, Session>>
}

/** Whether the API server answers at an address of the control plane, within a second: whoever waits for it asks again. */
async function reaches(host: string, address: string, where: LiveLab = lab): Promise<boolean> {
  return (await where.on(host, `curl -skf -m 1 https://${address}:6443/livez`)).exitCode === 0
}

const link = (...words: readonly string[]) => {
  const [verb = '', ...hosts] = words
  return tryRun([FAIRWAY, 'lab', 'link', verb, '--name', lab.name, ...hosts])
}

const soon = { timeout: 10_000, interval: 100 }

test.each(FAMILIES)('the routers have a session for %s, and far-client reaches the nodes by it', async (_, family, address) => {
  await expect
    .poll(async () => Object.values(await sessionsOf('tor', family)).map(({ state }) => state), soon)
    .toEqual(['Established'])
  await expect.poll(() => reaches('far-client', address), soon).toBe(true)
})

test('the status shows the routers and what runs on them', async () => {
  const { hosts, processes, findings } = JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout)
  expect(hosts).toContainEqual(expect.objectContaining({ name: 'agg', role: 'router', ipv4: '172.31.0.2' }))
  expect(hosts).toContainEqual(expect.objectContaining({ name: 'far-client', ipv6: 'fd00:172:30::10' }))
  expect(processes).toContainEqual(expect.objectContaining({ name: 'lab-router-tor', phase: 'ready' }))
  expect(findings).toEqual([])
})

test('a speaker that somebody starts on a node gets a session for both families, and its routes go on to agg', async () => {
  const config = join(dir, 'bird.conf')
  const files = ['-c', config, '-s', join(dir, 'bird.ctl'), '-P', join(dir, 'bird.pid')].join(' ')
  writeFileSync(
    config,
    `router id 192.168.0.240;
protocol device {}
protocol static { ipv4; route 198.51.100.0/24 blackhole; }
protocol static { ipv6; route 2001:db8:1::/48 blackhole; }
protocol bfd { interface "eth0" { interval 50 ms; multiplier 3; }; }
protocol bgp tor {
  local 192.168.0.240 as 64513;
  neighbor 192.168.0.1 as 64512;
  connect delay time 1;
  bfd;
  ipv4 { import none; export where source = RTS_STATIC; };
  ipv6 { import none; export where source = RTS_STATIC; next hop address fd00:192:168::240; };
}
`,
  )
  expect(await lab.on('optiplex-1', `bird ${files}`)).toMatchObject({ exitCode: 0 })
  try {
    for (const [, family] of FAMILIES) {
      const session = async () => (await sessionsOf('tor', family))['192.168.0.240']
      await expect.poll(session, soon).toMatchObject({ state: 'Established', pfxRcd: 1 })
    }
    const known = async () => (await lab.on('agg', 'ip route; ip -6 route')).stdout
    await expect.poll(known, soon).toMatch(/^198\.51\.100\.0\/24 .*via 172\.31\.0\.1 .*proto bgp/m)
    await expect.poll(known, soon).toMatch(/^2001:db8:1::\/48 .*proto bgp/m)
    const bfd = async () => JSON.parse((await lab.on('tor', "vtysh -c 'show bfd peers json'")).stdout)
    await expect.poll(bfd, soon).toContainEqual(expect.objectContaining({ peer: '192.168.0.240', status: 'up' }))
    expect(await bfd()).toContainEqual(expect.objectContaining({ 'remote-transmit-interval': 50, 'remote-detect-multiplier': 3 }))
  } finally {
    await lab.on('optiplex-1', `kill $(cat ${join(dir, 'bird.pid')})`)
  }
})

describe('what is broken on purpose', () => {
  test('a cut between the routers ends their sessions, and far-client is alone until it is healed', async () => {
    expect(await link('cut', 'tor', 'agg')).toMatchObject({ exitCode: 0 })
    expect(await reaches('far-client', '192.168.0.154')).toBe(false)
    await expect
      .poll(async () => Object.values(await sessionsOf('agg', 'ipv4Unicast')).map(({ state }) => state), soon)
      .not.toContain('Established')
    await link('heal', 'tor', 'agg')
    await expect.poll(() => reaches('far-client', '192.168.0.154'), soon).toBe(true)
  })

  test('a router without wires takes those behind it along', async () => {
    await link('cut', 'agg')
    expect((await lab.on('agg', 'cat /sys/class/net/eth0/carrier /sys/class/net/eth1/carrier; ip -br link')).stdout).toMatch(
      /eth0\S* +LOWERLAYERDOWN|eth0\S* +DOWN/,
    )
    expect(await reaches('far-client', '192.168.0.154')).toBe(false)
    await link('heal', 'agg')
    await expect.poll(() => reaches('far-client', '192.168.0.154'), soon).toBe(true)
  })

  test('two hosts that no link joins cannot be cut from each other', async () => {
    const { exitCode, stderr } = await link('cut', 'client', 'agg')
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain('There is no wire between client and agg')
  })

  test('kill -9 of a router takes its daemons along, and it comes back', async () => {
    const routerOf = async () => {
      const { processes } = JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout)
      return processes.find(({ name }: { name: string }) => name === 'lab-router-tor')
    }
    const daemons = async (): Promise<readonly string[]> => {
      const inside = processesInNetns(['/run/netns/fw-t-lab-bgp-tor'])
      const lines = await Promise.all(inside.map(({ pid }) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
      return lines.flatMap((line) => (line.startsWith('/usr/lib/frr/') ? [line.split('\0')[0] ?? ''] : [])).toSorted()
    }
    const before = await routerOf()
    process.kill(before.identity.pid, 'SIGKILL')
    await expect.poll(routerOf, soon).toMatchObject({ phase: 'ready', restarts: before.restarts + 1 })
    await expect.poll(daemons, soon).toEqual(['/usr/lib/frr/bfdd', '/usr/lib/frr/bgpd', '/usr/lib/frr/zebra'])
    await expect.poll(() => reaches('far-client', '192.168.0.154'), soon).toBe(true)
  })

  test('a daemon that dies is no router that is half there', async () => {
    const [before] = (await lab.on('tor', "vtysh -c 'show version'")).stdout.split('\n')
    const inside = processesInNetns(['/run/netns/fw-t-lab-bgp-tor'])
    const lines = await Promise.all(
      inside.map(async ({ pid }) => ({ pid, line: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') })),
    )
    const zebra = lines.find(({ line }) => line.startsWith('/usr/lib/frr/zebra'))
    process.kill(zebra?.pid ?? 0, 'SIGKILL')
    await expect.poll(() => reaches('far-client', '192.168.0.154'), soon).toBe(true)
    await expect.poll(async () => (await lab.on('tor', "vtysh -c 'show version'")).stdout.split('\n')[0], soon).toBe(before)
  })

  test('kill -9 of the supervisor: `lab up` makes it whole, with BGP, and says so of a lab that is up', async () => {
    const { processes } = JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout)
    process.kill(processes[0].identity.pid, 'SIGKILL')
    expect(await lab.lab(['up'])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is up again') })
    expect(await lab.lab(['up', '--with', 'bgp'])).toMatchObject({ stdout: expect.stringContaining('was already up') })
    await expect.poll(() => reaches('far-client', '[fd00:192:168::154]'), soon).toBe(true)
  })
})

describe.concurrent('beside it', () => {
  test.each([
    ['t-lab-bgp4', 'IPv4', 'four-nodes-ipv4.yaml', 'ipv4Unicast', '172.20.0.100'],
    ['t-lab-bgp6', 'IPv6', 'two-nodes-ipv6.yaml', 'ipv6Unicast', '[fd00:192:168::14]'],
  ])('a lab, %s, that has only %s', { timeout: 90_000 }, async (name, _, file, family, address) => {
    const other = await bringUpLab(name, '--with', 'bgp', '-f', resolve('examples/topologies', file))
    try {
      const states = async () => Object.values(await sessionsOf('tor', family, other)).map(({ state }) => state)
      expect(await until(states, ([state]) => state === 'Established')).toEqual(['Established'])
      await until(
        () => reaches('far-client', address, other),
        (isReached) => isReached,
      )
      expect(await other.lab(['up'])).toMatchObject({ stdout: expect.stringContaining('was already up') })
    } finally {
      await other.down()
    }
    await until(
      () => reaches('far-client', '192.168.0.154'),
      (isReached) => isReached,
    )
  })
})
