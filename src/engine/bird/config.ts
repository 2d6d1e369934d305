/** The two files that BIRD reads: `bird.conf` with the speaker and its sessions, `routes.conf` with what it announces. */
import { createHash } from 'node:crypto'
import type { AcceptedPrefix, Announcement, BfdTimers, BgpRoute, BgpSession, BgpSpeaker, BgpWatch } from '../../model/bgp.ts'
import type { Family } from '../../model/world.ts'
import { LIVE_KERNEL_TABLE } from './lookup.ts'
import {
  address,
  block,
  community,
  ipv4,
  joined,
  number,
  phrase,
  prefix,
  quoted,
  readable,
  remark,
  symbol,
  type Words,
} from './syntax.ts'

export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']
const MOST_ROUTES_OF_A_KERNEL_TABLE = 0xffff_ffff
const GRACEFUL_SHUTDOWN = '65535:0'

export interface MainParts {
  readonly speaker: BgpSpeaker
  readonly sessions: readonly BgpSession[]
  readonly watches: readonly BgpWatch[]
  /** Every different list of announcements that routes have, by its number in `routes.conf`. */
  readonly forms: ReadonlyMap<number, readonly Announcement[]>
  readonly logFile: string
}

/** BIRD's name for a session; distinct keys have distinct names. */
export function protocolName(session: Pick<BgpSession, 'key' | 'name'>): string {
  return symbol('peer', session.name, createHash('sha256').update(session.key).digest('hex').slice(0, 10)).text
}

/** The number that stands for a list of announcements: routes name it, and each session's filter says what it means there. */
export function formNumber(announcements: readonly Announcement[]): number {
  let form = forms.get(announcements)
  if (form === undefined) {
    form = createHash('sha256').update(JSON.stringify(announcements)).digest().readUInt32BE(0) >>> 1
    forms.set(announcements, form)
  }
  return form
}

const forms = new WeakMap<readonly Announcement[], number>()

/** Throws the first thing that is wrong with a session. @throws {FairwayError} BGP_ENTRY_INVALID */
export function sessionWords(session: BgpSession, forms: MainParts['forms']): Words {
  const field = (name: string) => `${session.key} ${name}`
  const own = session.sourceAddress === '' ? phrase`` : phrase` ${address(session.sourceAddress, field('sourceAddress'))}`
  const peer = address(session.peerAddress, field('peerAddress'))
  const asked =
    typeof session.peerAs === 'number' ? phrase`as ${asNumber(session.peerAs, field('peerAs'))}` : AS_WORDS[session.peerAs]
  const lines: Words[] = [
    phrase`description ${readable(session.name)};`,
    phrase`local${own} as ${asNumber(session.localAs, field('localAs'))};`,
    phrase`neighbor ${peer} port ${number(session.peerPort, 1, 65535, field('peerPort'))} ${asked};`,
    ...timerWords(session, field),
    phrase`connect retry time ${number(session.connectInS, 1, 65535, field('connectInS'))};`,
    phrase`connect delay time 1;`,
    phrase`error wait time 1, 10;`,
    session.gracefulRestart ? phrase`graceful restart on;` : phrase`graceful restart off;`,
  ]
  if (session.interface !== '') lines.push(phrase`interface ${quoted(session.interface, field('interface'))};`)
  if (session.hops > 0) lines.push(phrase`multihop ${number(session.hops, 1, 255, field('hops'))};`)
  if (session.password !== '') lines.push(phrase`password ${password(session.password, field('password'))};`)
  if (session.bfd !== undefined) lines.push(bfdWords(session.bfd, field('bfd')))
  if (session.drain === 'closed') lines.push(phrase`disabled;`)
  for (const family of FAMILIES) if (session.nextHops[family] !== undefined) lines.push(channelWords(session, family, forms))
  return block(phrase`protocol bgp ${named(session)}`, lines)
}

/** Without a hold time nothing is timed. Source: RFC 4271 section 4.4. */
function timerWords({ holdTimeInS, keepaliveInS }: BgpSession, field: (name: string) => string): readonly Words[] {
  if (holdTimeInS === 0) return [phrase`hold time 0;`]
  return [
    phrase`hold time ${number(holdTimeInS, 3, 65535, field('holdTimeInS'))};`,
    phrase`keepalive time ${number(keepaliveInS, 1, 65535, field('keepaliveInS'))};`,
  ]
}

const AS_WORDS = { internal: phrase`internal`, external: phrase`external` }

function named(session: BgpSession): Words {
  return symbol('peer', session.name, createHash('sha256').update(session.key).digest('hex').slice(0, 10))
}

function asNumber(value: number, field: string): Words {
  return number(value, 1, 0xffff_ffff, field)
}

/** The kernel takes 80 octets (TCP_MD5SIG_MAXKEYLEN). */
function password(value: string, field: string): Words {
  number(Buffer.byteLength(value), 1, 80, `${field} (its length)`)
  return quoted(value, field)
}

function bfdWords(bfd: BfdTimers, field: string): Words {
  return block(phrase`bfd`, bfdTimes(bfd, field), ';')
}

function bfdTimes(bfd: BfdTimers, field: string): readonly Words[] {
  const least = 10
  return [
    phrase`min rx interval ${number(bfd.receiveInMs, least, 60_000, field)} ms;`,
    phrase`min tx interval ${number(bfd.transmitInMs, least, 60_000, field)} ms;`,
    phrase`multiplier ${number(bfd.detectMultiplier, 2, 255, field)};`,
    ...(bfd.passive ? [phrase`passive on;`] : []),
  ]
}

function channelWords(session: BgpSession, family: Family, forms: MainParts['forms']): Words {
  const hop = session.nextHops[family] ?? ''
  const lines = [importWords(session, family), exportWords(session, forms), phrase`next hop self;`]
  if (isRecursive(session) && accepts(session)) lines.push(phrase`igp table ${IGP_TABLES[family]};`)
  if (hop !== '') lines.push(phrase`next hop address ${address(hop, `${session.key} nextHops`)};`)
  return block(FAMILY_WORDS[family], lines, ';')
}

const FAMILY_WORDS = { ipv4: phrase`ipv4`, ipv6: phrase`ipv6` }

function importWords(session: BgpSession, family: Family): Words {
  const ranges = session.accept.filter(({ cidr }) => cidr.includes(':') === (family === 'ipv6'))
  if (ranges.length === 0) return phrase`import none;`
  const inside = ranges.map((range) => acceptedWords(range, family, `${session.key} accept`))
  return block(phrase`import filter`, [phrase`if net ~ [ ${joined(inside, ', ')} ] then accept;`, phrase`reject;`], ';')
}

function acceptedWords({ cidr, maxLength }: AcceptedPrefix, family: Family, field: string): Words {
  const range = prefix(cidr, family, field)
  const length = Number(cidr.split('/')[1])
  return phrase`${range}{${length},${number(maxLength, length, family === 'ipv4' ? 32 : 128, `${field} (maxLength)`)}}`
}

function exportWords(session: BgpSession, forms: MainParts['forms']): Words {
  if (session.drain === 'withdrawn' || session.drain === 'closed') return phrase`export none;`
  const cases: Words[] = []
  for (const [form, announcements] of forms) {
    const meant = announcements.filter(({ sessions }) => sessions.length === 0 || sessions.includes(session.key))
    if (meant.length > 0) cases.push(phrase`${form}: ${joined([...attributeWords(session, meant), phrase`accept;`], ' ')}`)
  }
  if (cases.length === 0) return phrase`export none;`
  const lines = [phrase`if source != RTS_STATIC then reject;`, block(phrase`case fw_form`, cases), phrase`reject;`]
  return block(phrase`export filter`, lines, ';')
}

function attributeWords(session: BgpSession, announcements: readonly Announcement[]): readonly Words[] {
  const drained = session.drain === 'discouraged'
  const all = [...new Set([...announcements.flatMap(({ communities }) => communities), ...(drained ? [GRACEFUL_SHUTDOWN] : [])])]
  const preferences = announcements.flatMap(({ localPreference }) => (localPreference === undefined ? [] : [localPreference]))
  const preference = drained ? 0 : preferences.length === 0 ? undefined : Math.max(...preferences)
  const metrics = announcements.flatMap(({ metric }) => (metric === undefined ? [] : [metric]))
  const metricWords = metrics.length === 0 ? [] : [phrase`bgp_med = ${number(Math.min(...metrics), 0, 0xffff_ffff, 'metric')};`]
  const added = all.map((one) =>
    one.split(':').length === 2
      ? phrase`bgp_community.add(${community(one, 'communities')});`
      : phrase`bgp_large_community.add(${community(one, 'communities')});`,
  )
  if (preference === undefined) return [...added, ...metricWords]
  return [...added, ...metricWords, phrase`bgp_local_pref = ${number(preference, 0, 0xffff_ffff, 'localPreference')};`]
}

/** The text of `bird.conf`. Sessions go before routes: BIRD then has a new filter before the routes that need it. */
export function mainText({ speaker, sessions, watches, forms, logFile }: MainParts): string {
  const parts: Words[] = [
    remark('speaker', speaker),
    phrase`log ${quoted(logFile, 'logFile')} 4194304 ${quoted(`${logFile}.1`, 'logFile')} all;`,
    phrase`router id ${ipv4(speaker.routerId, 'routerId')};`,
    phrase`timeformat protocol iso long ms;`,
    phrase`graceful restart wait 10;`,
    phrase`attribute int fw_form;`,
    phrase`protocol device fw_device { scan time 10; }`,
  ]
  if (watches.length > 0 || sessions.some(({ bfd }) => bfd !== undefined)) parts.push(bfdProtocol(watches))
  if (installsRoutes(speaker, sessions)) parts.push(...kernelParts(speaker, sessions))
  for (const session of sessions) parts.push(remark('session', session), sessionWords(session, forms))
  parts.push(...watchParts(watches))
  parts.push(phrase`include "routes.conf";`)
  return `${joined(parts, '\n').text}\n`
}

/** Sessions say their own times; static routes cannot, so that theirs are those of all interfaces. */
function bfdProtocol([first]: readonly BgpWatch[]): Words {
  if (first === undefined) return phrase`protocol bfd fw_bfd { }`
  return block(phrase`protocol bfd fw_bfd`, [block(phrase`interface "*"`, bfdTimes(first.bfd, `${first.key} bfd`), ';')])
}

const LIVE_WORDS = { ipv4: phrase`fw_live4`, ipv6: phrase`fw_live6` }

/** BIRD's tables of the nodes that live. */
export const LIVE_TABLES: readonly string[] = FAMILIES.map((family) => LIVE_WORDS[family].text)

/** One that is watched; it has a route to itself while it is heard. @throws {FairwayError} BGP_ENTRY_INVALID */
export function watchWords({ key, address: peer, bfd }: BgpWatch): Words {
  bfdTimes(bfd, `${key} bfd`)
  const words = address(peer, `${key} address`)
  return phrase`route ${words}/${peer.includes(':') ? 128 : 32} via ${words} bfd;`
}

/** The table is nobody's to look up: it is read for what it has. */
function watchParts(watches: readonly BgpWatch[]): readonly Words[] {
  if (watches.length === 0) return []
  return FAMILIES.flatMap((family) => {
    const table = LIVE_WORDS[family]
    const own = watches.filter((watch) => watch.address.includes(':') === (family === 'ipv6'))
    const into = (...lines: readonly Words[]) => block(FAMILY_WORDS[family], [phrase`table ${table};`, ...lines], ';')
    return [
      phrase`${FAMILY_WORDS[family]} table ${table};`,
      block(phrase`protocol kernel fw_alive${DIGITS[family]}`, [
        phrase`kernel table ${LIVE_KERNEL_TABLE};`,
        phrase`scan time 10;`,
        into(phrase`import none;`, phrase`export all;`),
      ]),
      ...own.map((watch) => remark('watch', watch)),
      block(phrase`protocol static fw_watches${DIGITS[family]}`, [into(), ...own.map(watchWords)]),
    ]
  })
}

/** Whether accepted routes are installed: some session accepts any, and there is a table for them. */
export function installsRoutes({ kernelTable }: BgpSpeaker, sessions: readonly BgpSession[]): boolean {
  return kernelTable > 0 && sessions.some(accepts)
}

function accepts({ accept }: BgpSession): boolean {
  return accept.length > 0
}

/** Whether next hops need not be neighbours on a link: they are then looked up among the routes that the node has without BGP. */
function isRecursive({ hops, peerAs, localAs }: BgpSession): boolean {
  return hops > 0 || peerAs === 'internal' || peerAs === localAs
}

function kernelParts(speaker: BgpSpeaker, sessions: readonly BgpSession[]): readonly Words[] {
  const kernel = FAMILIES.map((family) => kernelWords(family, speaker.kernelTable))
  if (!sessions.some((session) => accepts(session) && isRecursive(session))) return kernel
  return [...kernel, ...FAMILIES.flatMap(igpWords)]
}

/** Learns how the node reaches next hops, in a table of its own, so that nothing of it is ever announced. */
function igpWords(family: Family): readonly Words[] {
  const table = IGP_TABLES[family]
  const channel = block(FAMILY_WORDS[family], [phrase`table ${table};`, phrase`import all;`, phrase`export none;`], ';')
  const links = block(FAMILY_WORDS[family], [phrase`table ${table};`], ';')
  return [
    phrase`${FAMILY_WORDS[family]} table ${table};`,
    block(phrase`protocol direct fw_links${DIGITS[family]}`, [links]),
    block(phrase`protocol kernel fw_main${DIGITS[family]}`, [phrase`learn;`, phrase`scan time 10;`, channel]),
  ]
}

const DIGITS = { ipv4: phrase`4`, ipv6: phrase`6` }
const IGP_TABLES = { ipv4: phrase`fw_igp4`, ipv6: phrase`fw_igp6` }

function kernelWords(family: Family, table: number): Words {
  const channel = block(
    FAMILY_WORDS[family],
    [phrase`import none;`, block(phrase`export filter`, [phrase`if source = RTS_BGP then accept;`, phrase`reject;`], ';')],
    ';',
  )
  const number_ = number(table, 1, MOST_ROUTES_OF_A_KERNEL_TABLE, 'kernelTable')
  return block(phrase`protocol kernel fw_kernel${DIGITS[family]}`, [
    phrase`kernel table ${number_};`,
    phrase`merge paths on;`,
    phrase`graceful restart on;`,
    channel,
  ])
}

/** One line of `routes.conf`. @throws {FairwayError} BGP_ENTRY_INVALID */
export function routeLine(route: BgpRoute): string {
  for (const { communities, localPreference = 0, metric = 0 } of route.announcements) {
    for (const one of communities) community(one, `${route.key} communities`)
    number(localPreference, 0, 0xffff_ffff, `${route.key} localPreference`)
    number(metric, 0, 0xffff_ffff, `${route.key} metric`)
  }
  const form = formNumber(route.announcements)
  return phrase`route ${prefix(route.prefix, route.family, route.key)} unreachable { fw_form = ${form}; };`.text
}

/** The text of `routes.conf`: the forms as remarks, then a protocol a family. */
export function routesText(forms: MainParts['forms'], lines: Readonly<Record<Family, Iterable<string>>>): string {
  const told = [...forms].map(([form, announcements]) => `${remark(`form ${form}`, announcements).text}\n`).join('')
  const heads = { ipv4: 'protocol static fw_routes4 {\nipv4;\n', ipv6: 'protocol static fw_routes6 {\nipv6;\n' }
  return told + FAMILIES.map((family) => `${heads[family]}${[...lines[family], '}'].join('\n')}\n`).join('')
}
