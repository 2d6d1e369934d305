/** The gateway beside HAProxy and nginx as people write them by hand: requests, changes and memory at 10, 1,000 and 5,000 routes. */
import { readFileSync } from 'node:fs'
import { machine } from '../results.ts'
import { median, milliseconds, percentile, table } from '../statistics.ts'
import { HaproxyByHand, NginxByHand } from './by-hand.ts'
import { type Contestant, hostOf, podOf } from './contestant.ts'
import { Fairway, withBundle } from './fairway.ts'
import { type Load, Site } from './site.ts'

const SIZES = [10, 1_000, 5_000]
const ROUNDS = 9
const SECONDS = 3
const CHANGES = 300
/** Peers reload at every change: at size that takes seconds each. */
const PEER_CHANGES = 10
const AIM = { ofByHand: 0.95, changeP99InMs: 30 }

type Say = (text: string) => void

interface Figures {
  readonly name: string
  readonly loads: Load[]
  readonly addedInMs: number[]
  readonly movedInMs: number[]
  readonly memory: { readonly name: string; readonly inBytes: number }[]
}

interface Row {
  readonly routes: number
  readonly figures: readonly Figures[]
}

/** Measures, and returns the section of RESULTS.md. */
export async function measure(say: Say): Promise<string> {
  const rows: Row[] = []
  await withBundle(async (main) => {
    for (const routes of SIZES) rows.push({ routes, figures: await measureSize(main, routes, say) })
  })
  return section(
    rows,
    await machine([
      ['haproxy', '-v'],
      ['nginx', '-v'],
      ['wrk', '-v'],
    ]),
  )
}

async function measureSize(main: string, routes: number, say: Say): Promise<readonly Figures[]> {
  const site = new Site()
  const contestants: readonly Contestant[] = [new Fairway(main), new HaproxyByHand(), new NginxByHand()]
  const all = contestants.map((one) => ({
    one,
    figures: { name: one.name, loads: [], addedInMs: [], movedInMs: [], memory: [] } as Figures,
  }))
  try {
    await site.open()
    for (const { one, figures } of all) {
      await one.open(site, routes)
      for (const { name, pids } of one.processes) figures.memory.push({ name, inBytes: memoryOf(pids) })
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const { one, figures } of [...all.slice(round % all.length), ...all.slice(0, round % all.length)])
        figures.loads.push(await site.load(one.port, hostOf(routes >> 1), SECONDS))
      say(
        `${routes} routes: ${all.map(({ figures }) => `${figures.name} ${Math.round(figures.loads.at(-1)?.perSecond ?? 0)}/s`).join(', ')}`,
      )
    }
    for (const { one, figures } of all) {
      await change(site, one, figures, routes)
      const p99 = (values: readonly number[]) => milliseconds(percentile(values, 0.99))
      say(`${routes} routes: ${one.name}: new route p99 ${p99(figures.addedInMs)}, endpoint p99 ${p99(figures.movedInMs)}`)
    }
  } finally {
    for (const { one } of all) await one.close()
    await site.close()
  }
  return all.map(({ figures }) => figures)
}

/** One change after the other: from just before it is made to the first answer that shows it. */
async function change(site: Site, one: Contestant, { addedInMs, movedInMs }: Figures, routes: number): Promise<void> {
  const changes = one instanceof Fairway ? CHANGES : PEER_CHANGES
  for (let index = 0; index < changes; index++) {
    const route = routes + index
    addedInMs.push(await seen(site, one.port, route, 0, () => one.add(route)))
    await one.rest()
  }
  for (let index = 0; index < changes; index++) {
    const route = index % routes
    const turn = 1 + Math.floor(index / routes)
    movedInMs.push(await seen(site, one.port, route, turn, () => one.move(route, turn)))
    await one.rest()
  }
}

async function seen(site: Site, port: number, route: number, turn: number, act: () => unknown): Promise<number> {
  const { promise } = site.until({ port, host: hostOf(route), want: podOf(route, turn) })
  const from = process.hrtime.bigint()
  await act()
  const { at } = await promise
  return Number(at - from) / 1e6
}

/** Resident, of processes and their children: what they share counts once for each. */
function memoryOf(pids: readonly number[]): number {
  const all = pids.flatMap((pid) => [pid, ...childrenOf(pid)])
  return all.reduce((sum, pid) => sum + field(pid), 0)
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

/** Proportional: pages that a master and its worker share count once. 0 for a worker of before a reload that has ended. */
function field(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

function section(rows: readonly Row[], where: string): string {
  return [
    '## Gateway',
    '',
    `One host a route, each with one pod. Load: wrk, 32 connections that stay, ${SECONDS} s, ${ROUNDS} rounds by turns, medians; client, gateways and pods share the two cores. All`,
    'set the same headers (who asks, and an id of the request) and write an access log of the same fields as JSON. Changes: one after the other, from just before the object is changed at the API server (or the file is',
    'written and the reload asked for) to the end of the first answer that shows it, asked all the time, each time on a new connection.',
    '',
    table(
      [
        'routes',
        'who',
        'of HAProxy by hand',
        'requests a second',
        'p99',
        'new route, median',
        'p99',
        'new endpoint, median',
        'p99',
        'memory',
      ],
      rows.flatMap(tableRows),
    ),
    '',
    verdict(rows),
    '',
    where,
  ].join('\n')
}

function tableRows({ routes, figures }: Row): readonly (readonly string[])[] {
  return figures.map(({ name, loads, addedInMs, movedInMs, memory }) => [
    routes.toLocaleString('en-US'),
    name,
    `**${ratioOf(figures, name).toFixed(2)}**`,
    Math.round(median(loads.map(({ perSecond }) => perSecond))).toLocaleString('en-US'),
    milliseconds(median(loads.map(({ p99InMs }) => p99InMs))),
    ...[addedInMs, movedInMs].flatMap((values) => [0.5, 0.99].map((share) => milliseconds(percentile(values, share)))),
    memory.map((one) => `${one.name} ${Math.round(one.inBytes / 2 ** 20)} MiB`).join(', '),
  ])
}

function ratioOf(figures: readonly Figures[], name: string): number {
  const perSecond = (of: string) => (figures.find((one) => one.name === of)?.loads ?? []).map((load) => load.perSecond)
  const byHand = perSecond('HAProxy by hand')
  return median(perSecond(name).map((value, round) => value / (byHand[round] ?? Number.NaN)))
}

function verdict(rows: readonly Row[]): string {
  const met = (good: boolean) => (good ? 'met' : 'missed')
  const ratios = rows.map(({ figures }) => ratioOf(figures, 'Fairway'))
  const own = rows.map(({ figures }) => figures.find(({ name }) => name === 'Fairway'))
  const p99 = own.map((one) => Math.max(percentile(one?.addedInMs ?? [], 0.99), percentile(one?.movedInMs ?? [], 0.99)))
  const sizes = rows.map(({ routes }) => routes.toLocaleString('en-US')).join(', ')
  return [
    `Aims at ${sizes} routes: ${AIM.ofByHand} of HAProxy by hand ${met(ratios.every((one) => one >= AIM.ofByHand))} (${ratios.map((one) => one.toFixed(2)).join(', ')});`,
    `a change to its effect within ${AIM.changeP99InMs} ms at p99 ${met(p99.every((one) => one <= AIM.changeP99InMs))} (${p99.map(milliseconds).join(', ')}).`,
  ].join(' ')
}
