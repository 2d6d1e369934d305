/** Failover of an address from node to node, beside keepalived on the same nodes and wires at the same time. */
import { loadavg } from 'node:os'
import { machine } from '../results.ts'
import { median, milliseconds, percentile, table, times } from '../statistics.ts'
import { DEATH, KILL, MOVE, RESTART } from './events.ts'
import { keepalivedIsThere } from './keepalived.ts'
import { type Event, FailoverSite, type Family, type Product, type Round } from './site.ts'

const LAB = 'bench-fail'
/** New connections on a node that is dead for at most so long. */
const AIM_IN_MS = 400

/** One event, and how often it is measured. */
interface Plan {
  readonly name: string
  readonly event: Event
  readonly rounds: number
}

const PLANS: readonly Plan[] = [
  { name: 'the owner loses its power', event: DEATH, rounds: 10 },
  { name: 'planned: away and back', event: MOVE, rounds: 5 },
  { name: 'the owner’s daemon is restarted', event: RESTART, rounds: 5 },
  { name: 'the owner’s daemons are killed, and started anew', event: KILL, rounds: 5 },
]

/** What was measured of one event. */
export interface Measured {
  readonly name: string
  readonly rounds: readonly Round[]
}

/** @throws {Error} when an event is not over within 20 s */
export async function measure(say: (text: string) => void): Promise<string> {
  await keepalivedIsThere()
  const site = new FailoverSite(LAB)
  const loads: number[] = []
  const measured: Measured[] = []
  try {
    await site.up()
    for (const { name, event, rounds } of PLANS) {
      const done: Round[] = []
      for (let index = 0; index < rounds; index++) {
        const round = await site.round(event)
        loads.push(loadavg()[0] ?? 0)
        say(`${name}, ${index + 1} of ${rounds}: ${inWords(round)}; load ${loads.at(-1)?.toFixed(1)}`)
        done.push(round)
      }
      measured.push({ name, rounds: done })
    }
  } finally {
    await site.down()
  }
  const load = `Load average of the machine during it: ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}.`
  return `${section(measured)}\n\n${load}\n\n${await machine([
    ['bird', '--version'],
    ['keepalived', '--version'],
  ])}`
}

const FAMILIES: readonly (readonly [Family, string])[] = [
  ['ipv4', 'IPv4'],
  ['ipv6', 'IPv6'],
]

/** One line of the progress. */
function inWords({ fairway, keepalived }: Round): string {
  const of = (product: Round[Product]) => FAMILIES.map(([family]) => `${product[family].darkInMs}`).join(' and ')
  return `Fairway dark ${of(fairway)} ms, keepalived ${of(keepalived)} ms`
}

const HEAD = [
  '',
  'rounds',
  'times Fairway’s',
  'Fairway, median',
  'worst',
  'keepalived, median',
  'worst',
  'Fairway failed',
  'keepalived failed',
]

/** The table and its verdict. Pure. */
export function section(measured: readonly Measured[]): string {
  const rows = measured.flatMap((one) => FAMILIES.map(([family, title]) => row(one, family, title)))
  return ['## Failover of an address', '', TEXT, '', table(HEAD, rows), '', verdict(measured)].join('\n')
}

function row({ name, rounds }: Measured, family: Family, title: string): readonly string[] {
  const of = (product: Product) => {
    const noticed = rounds.map((round) => round[product][family])
    const dark = noticed.map(({ darkInMs }) => darkInMs)
    const lost = `${sum(noticed.map(({ failed }) => failed))} and ${sum(noticed.map(({ reset }) => reset))} reset`
    return { dark: median(dark), figures: [shown(median(dark)), shown(percentile(dark, 1))], lost }
  }
  const [own, peer] = [of('fairway'), of('keepalived')]
  const ratio = own.dark > 0 ? `**${times(peer.dark, own.dark)}**` : '-'
  return [`${name}, ${title}`, `${rounds.length}`, ratio, ...own.figures, ...peer.figures, own.lost, peer.lost]
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const shown = (value: number): string => (value === 0 ? '0' : milliseconds(value))

function verdict(measured: readonly Measured[]): string {
  const worst = Math.max(...(measured[0]?.rounds ?? []).flatMap(({ fairway }) => [fairway.ipv4.darkInMs, fairway.ipv6.darkInMs]))
  const others = measured.slice(1).flatMap(({ rounds }) => rounds)
  const lost = sum(others.map(({ fairway }) => fairway.ipv4.failed + fairway.ipv6.failed))
  const death = `dark for at most ${AIM_IN_MS} ms when the owner dies ${worst <= AIM_IN_MS ? 'met' : 'missed'} (${shown(worst)})`
  return `Aims: ${death}; no new connection fails otherwise ${lost === 0 ? 'met' : `missed (${lost})`}.`
}

const TEXT = `One Service of a lab has addresses of both products, one a family, on the same two nodes: Fairway's announced by ARP and NDP (BFD 50 ms x 3,
then two unanswered questions), keepalived's by VRRPv3 with adverts every 100 ms and the shortest skew (priorities 254 and 253), which the same rules serve as
externalIPs. The same node has all of them, and the same event hits all at the same moment. A client on the same wires opens a new connection to
each every 10 ms; dark is the time from the start of the first that failed to that of the next which did not. Planned: cordon and uncordon for Fairway, a
track_file that lowers the priority for keepalived.`
