/** BGP: from a change of what is announced to the routes at the peer, beside FRR, GoBGP and BIRD fed by hand. */
import { podAddress } from '../../test/support/pod-route-path.ts'
import { machine } from '../results.ts'
import { median, milliseconds, percentile, table, times } from '../statistics.ts'
import { byAgent, byEngine, byFrr, byGobgp, byHand, type Change, type Contestant, type Place } from './contestants.ts'
import { Site } from './site.ts'

const RUNS = 7
const COUNTS = [10, 1_000, 10_000] as const
const MOST = 10_000
const AIM_BEYOND_FLOOR_IN_MS = 100

/** The names are words of BIRD's language. */
const CONTESTANTS: ReadonlyMap<string, { readonly title: string; readonly start: (place: Place) => Promise<Contestant> }> =
  new Map([
    ['floor', { title: 'BIRD by hand: an included file and `configure`', start: byHand }],
    ['engine', { title: "Fairway's engine", start: byEngine }],
    ['agent', { title: 'Fairway: pods, planner, reconciler, engine', start: byAgent }],
    ['frr', { title: 'FRR, a file by vtysh', start: byFrr }],
    ['gobgp', { title: 'GoBGP, one gRPC stream', start: byGobgp }],
  ])

/** What was asked of each: so many from none, or one more. */
type Task = `${(typeof COUNTS)[number]}` | 'one more'
const TASKS: readonly Task[] = [...COUNTS.map((count) => `${count}` as const), 'one more']

/** Milliseconds, by contestant and task. */
type Taken = ReadonlyMap<string, ReadonlyMap<Task, readonly number[]>>

/** @throws {Error} when one of them does not start, or loses a prefix */
export async function measure(say: (text: string) => void): Promise<string> {
  const taken = new Map([...CONTESTANTS.keys()].map((name) => [name, new Map(TASKS.map((task) => [task, [] as number[]]))]))
  const site = new Site()
  try {
    await site.open(new Map([...CONTESTANTS].map(([name, { start }]) => [name, start])))
    for (let index = 0; index <= RUNS; index++) {
      for (const name of CONTESTANTS.keys()) {
        const round = await measureRound(site, name)
        if (index === 0) continue // code that runs for the first time is slow, in all of them
        for (const [task, inMs] of round) taken.get(name)?.get(task)?.push(inMs)
        say(`run ${index} of ${RUNS}, ${name}: ${[...round].map(([task, inMs]) => `${task} ${milliseconds(inMs)}`).join(', ')}`)
      }
    }
  } finally {
    await site.close()
  }
  return section(
    taken,
    await machine([
      ['bird', '--version'],
      ['/usr/lib/frr/bgpd', '--version'],
      ['gobgpd', '--version'],
    ]),
  )
}

/** One contestant from nothing to all and back to nothing. The way back is not timed: it must only be complete. */
async function measureRound(site: Site, name: string): Promise<ReadonlyMap<Task, number>> {
  const round = new Map<Task, number>()
  for (const count of COUNTS) {
    const all = addresses(count)
    round.set(`${count}`, await change(site, name, { added: all, removed: [], all }))
    if (count === MOST) round.set('one more', await oneMore(site, name, all))
    await change(site, name, { added: [], removed: count === MOST ? addresses(MOST + 1) : all, all: [] })
  }
  return round
}

function oneMore(site: Site, name: string, before: readonly string[]): Promise<number> {
  const added = [podAddress(before.length)]
  return change(site, name, { added, removed: [], all: [...before, ...added] })
}

/** From handing it over to the moment at which the listener has it all. */
async function change(site: Site, name: string, what: Change): Promise<number> {
  const act = site.of(name).prepare(what)
  const startedAt = performance.now()
  const [heardAt] = await Promise.all([site.listener.whenCount(name, what.all.length), act()])
  return heardAt - startedAt
}

function addresses(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => podAddress(at))
}

function section(taken: Taken, where: string): string {
  const of = (name: string, task: Task) => taken.get(name)?.get(task) ?? []
  const aim = (task: Task): string => {
    const beyond = median(of('agent', task)) - median(of('floor', task))
    return `${beyond <= AIM_BEYOND_FLOOR_IN_MS ? 'met' : 'missed'} (${milliseconds(beyond)})`
  }
  return [
    '## BGP: from a change to the routes at the peer',
    '',
    `${RUNS} runs, one contestant after the other in each, every one in a network namespace of its own with a session to one and the same`,
    'listener, a BIRD that is asked without pause how many it has. Prefixes are /32s, from none to so many at once, and then one more beside 10,000. What',
    "a client of the others has to write down (a file's lines, messages) is made before the clock starts; Fairway's times hold everything. Ratios are of",
    "medians, to Fairway's whole path: more than 1x means slower than Fairway.",
    '',
    table(
      ['', ...TASKS.map(titleOf)],
      [...CONTESTANTS].map(([name, { title }]) => [
        title,
        ...TASKS.map(
          (task) =>
            `**${times(median(of(name, task)), median(of('agent', task)))}**, ${milliseconds(median(of(name, task)))} (worst ${milliseconds(percentile(of(name, task), 1))})`,
        ),
      ]),
    ),
    '',
    `Aim at 10,000, the whole path: within ${AIM_BEYOND_FLOOR_IN_MS} ms beyond BIRD's own floor: all at once ${aim(`${MOST}`)}, one more ${aim('one more')}.`,
    '',
    where,
  ].join('\n')
}

function titleOf(task: Task): string {
  return task === 'one more' ? 'one more beside 10,000' : Number(task).toLocaleString('en-US')
}
