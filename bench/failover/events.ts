/** What happens to the node that has the addresses, to both products at once. */
import { until } from '../../test/support/until.ts'
import { BACKUP, type Event, type FailoverSite, OWNER } from './site.ts'

const nothing = async (): Promise<void> => undefined

async function moved({ fairway, keepalived }: FailoverSite): Promise<void> {
  await fairway.takenOver(BACKUP)
  await keepalived.owned(BACKUP)
}

/** No FIN, no last advert, no closed BFD session: the wire goes first, then the processes and the namespace. */
export const DEATH: Event = {
  happens: ({ fairway }) => fairway.fault('node', 'stop', OWNER),
  over: moved,
  mend: async ({ fairway, keepalived }) => {
    await keepalived.stop(OWNER)
    await fairway.fault('node', 'start', OWNER)
    keepalived.start(OWNER, 'owner')
  },
}

const drained = async ({ fairway, keepalived }: FailoverSite, isDrained: boolean): Promise<void> => {
  keepalived.drain(OWNER, isDrained)
  await fairway.lab.client(`kubectl ${isDrained ? 'cordon' : 'uncordon'} ${OWNER}`)
}

/** Away and back again. */
export const MOVE: Event = {
  happens: async (site) => {
    await drained(site, true)
    await moved(site)
    await site.keepalived.owned(BACKUP, OWNER)
    await drained(site, false)
  },
  over: (site) => site.whole(),
  mend: nothing,
}

/** Signals the agent of the owner, and its BIRD if `withBird`; `isNew` resolves once others run in their place. */
async function endFairway({ fairway }: FailoverSite, signal: 'SIGTERM' | 'SIGKILL', withBird: boolean) {
  const pids = async () => [await fairway.pidOf(`agent-${OWNER}`), ...(withBird ? [fairway.birdOf(OWNER)] : [])]
  const before = await pids()
  for (const pid of before) process.kill(pid, signal)
  return { isNew: () => until(pids, (now) => now.every((pid) => !before.includes(pid)), 20_000) }
}

/** The daemon ends as its service manager ends it, and is started anew at once. */
export const RESTART: Event = {
  happens: async (site) => {
    const fairway = await endFairway(site, 'SIGTERM', false)
    await site.keepalived.stop(OWNER)
    site.keepalived.start(OWNER, 'owner')
    await fairway.isNew()
  },
  over: (site) => site.whole(),
  mend: nothing,
}

/** kill -9 of all that runs for the addresses on the owner: agent and BIRD, both processes of keepalived. Started anew at once. */
export const KILL: Event = {
  happens: async (site) => {
    const fairway = await endFairway(site, 'SIGKILL', true)
    await site.keepalived.kill(OWNER)
    site.keepalived.start(OWNER, 'owner')
    await fairway.isNew()
  },
  over: (site) => site.whole(),
  mend: nothing,
}
