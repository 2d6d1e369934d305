/** What can happen to the node that has an address, for the short and the long test of it. */
import { setTimeout as lasting } from 'node:timers/promises'
import { ANNOUNCERS, FOUR, type L2Failover, SIX } from './l2-failover.ts'
import { until } from './until.ts'

export const [OWNER, OTHER] = ANNOUNCERS
const SOON_IN_MS = 20_000

/** New connections are counted from before `happens` until `over` has resolved; `mend` makes everything as it was. */
export interface L2Event {
  readonly name: string
  /** The longest time in which new connections may fail, a figure that is demanded. */
  readonly darkAtMostMs: 400 | 0
  happens(rig: L2Failover): Promise<void>
  over(rig: L2Failover): Promise<void>
  mend?(rig: L2Failover): Promise<void>
}

/** Death, after which the other one has both addresses. */
const death = (name: string, happens: L2Event['happens'], mend: NonNullable<L2Event['mend']>): L2Event => ({
  ...{ name, darkAtMostMs: 400, happens, mend },
  over: (rig) => rig.takenOver(OTHER),
})

export const CABLE = death(
  'its cable is pulled',
  (rig) => rig.fault('node', 'cut', OWNER),
  (rig) => rig.fault('node', 'heal', OWNER),
)

export const POWER = death(
  'it loses its power',
  (rig) => rig.fault('node', 'stop', OWNER),
  (rig) => rig.fault('node', 'start', OWNER),
)

export const POWER_WITHOUT_API = death(
  'it loses its power while the API server is away',
  async (rig) => {
    process.kill(await rig.pidOf('lab-apiserver'), 'SIGSTOP')
    await rig.fault('node', 'stop', OWNER)
  },
  async (rig) => {
    process.kill(await rig.pidOf('lab-apiserver'), 'SIGCONT')
    await rig.fault('node', 'start', OWNER)
  },
)

export const INTERFACE = death(
  'its interface is switched off',
  async (rig) => {
    await rig.onNode(OWNER, 'ip link set eth0 down')
  },
  (rig) => switchOn(rig),
)

/** The kernel forgets routes and IPv6 addresses of an interface that is off. */
export async function switchOn(rig: L2Failover): Promise<void> {
  const routes = ['192.168.0.1', 'fd00:192:168::1'].map((router) => `ip route replace default via ${router}`)
  const lines = ['ip link set eth0 up', 'ip addr add fd00:192:168::240/64 dev eth0 nodad', ...routes]
  await rig.onNode(OWNER, lines.join(' && '))
}

/** A node that is taken for dead has lost its addresses by then: what did not happen is looked for so long. */
const WATCHED_IN_MS = 1_000

/** Processes of the owner end, others take their place, and nobody else takes the addresses. */
const ended = (name: string, signal: 'SIGKILL' | 'SIGTERM', which: readonly ('agent' | 'bird')[]): L2Event => ({
  ...{ name, darkAtMostMs: 0 },
  happens: async (rig) => {
    const pids = () => Promise.all(which.map(async (one) => (one === 'bird' ? rig.birdOf(OWNER) : rig.pidOf(`agent-${OWNER}`))))
    const before = await pids()
    for (const pid of before) process.kill(pid, signal)
    await until(pids, (now) => now.every((pid) => !before.includes(pid)), SOON_IN_MS)
    await lasting(WATCHED_IN_MS)
  },
  over: (rig) => rig.whole(),
})

export const ENDED: readonly L2Event[] = [
  ended('its agent is killed', 'SIGKILL', ['agent']),
  ended('its agent is restarted', 'SIGTERM', ['agent']),
  ended('its BIRD is killed', 'SIGKILL', ['bird']),
  ended('its agent and BIRD are killed', 'SIGKILL', ['agent', 'bird']),
]

export const CORDON: L2Event = {
  ...{ name: 'it is cordoned, and comes back', darkAtMostMs: 0 },
  happens: async (rig) => {
    await rig.lab.client(`kubectl cordon ${OWNER}`)
    await rig.takenOver(OTHER)
    await rig.lab.client(`kubectl uncordon ${OWNER}`)
  },
  over: (rig) => rig.takenOver(OWNER),
}

/** Long enough for requests of agents and the controller to run into it. */
const AWAY_IN_MS = 3_000

export const API_AWAY: L2Event = {
  ...{ name: 'the API server is away', darkAtMostMs: 0 },
  happens: async (rig) => {
    const apiServer = await rig.pidOf('lab-apiserver')
    process.kill(apiServer, 'SIGSTOP')
    try {
      await lasting(AWAY_IN_MS)
    } finally {
      process.kill(apiServer, 'SIGCONT')
    }
  },
  over: (rig) => rig.whole(),
}

/** Nobody else has it: an address of both would be answered by whoever is quicker. */
export async function heldBy(rig: L2Failover, node: string): Promise<readonly string[]> {
  const shown = await rig.onNode(node, 'ip -br addr show eth0')
  return [FOUR, SIX].filter((address) => shown.split(/[\s/]/).includes(address))
}
