/** What BIRD says of itself, as data. Source: recorded answers of BIRD 2.0.12 in test/golden/bird. */
import type { BgpSession, PrefixCounts, SessionPhase, SessionState } from '../../model/bgp.ts'
import type { Family } from '../../model/world.ts'
import { protocolName } from './config.ts'

/** A session that nothing has been heard of yet. */
export function unheard(key: string): SessionState {
  return {
    key,
    phase: 'disabled',
    sinceInMs: 0,
    holdTimeInS: 0,
    neighbourId: '',
    localAddress: '',
    prefixes: {},
    lastError: '',
    bfd: 'none',
  }
}

const PHASES: Readonly<Record<string, SessionPhase>> = {
  Idle: 'idle',
  Connect: 'connect',
  Active: 'active',
  OpenSent: 'open-sent',
  OpenConfirm: 'open-confirm',
  Established: 'established',
  Close: 'idle',
  Down: 'disabled',
}

/** The sessions in an answer to `show protocols all`, in the order of `sessions`. `bfd` is that of `show bfd sessions`. */
export function parseSessions(
  sessions: readonly BgpSession[],
  protocols: readonly string[],
  bfd: readonly string[],
): readonly SessionState[] {
  const blocks = blocksOf(protocols)
  const heard = new Map(parseBfd(bfd))
  return sessions.map((session) => {
    const block = blocks.get(protocolName(session))
    if (block === undefined) return unheard(session.key)
    const up = heard.get(session.peerAddress)
    return { ...sessionOf(session.key, block), bfd: session.bfd === undefined || up === undefined ? 'none' : up ? 'up' : 'down' }
  })
}

/** Address of the neighbour, and whether it is heard. */
export function parseBfd(lines: readonly string[]): readonly (readonly [string, boolean])[] {
  return lines.flatMap((line) => {
    const [, address = '', state = ''] = /^([0-9a-f.:]+)\s+\S+\s+(Up|Down|Init|AdminDown)\s/i.exec(line) ?? []
    return address === '' ? [] : [[address, state === 'Up'] as const]
  })
}

function blocksOf(lines: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const blocks = new Map<string, string[]>()
  let block: string[] = []
  for (const line of lines) {
    const name = /^(\S+)\s+BGP\s/.exec(line)?.[1]
    if (/^\S/.test(line)) block = []
    block.push(line)
    if (name !== undefined) blocks.set(name, block)
  }
  return blocks
}

function sessionOf(key: string, block: readonly string[]): SessionState {
  const [head = ''] = block
  const since = /(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)/.exec(head)?.[1] ?? ''
  const value = (name: string) =>
    block
      .find((line) => line.trimStart().startsWith(`${name}:`))
      ?.replace(/^[^:]*:\s*/, '')
      .trim() ?? ''
  const phase = PHASES[value('BGP state')] ?? 'disabled'
  return {
    key,
    phase,
    sinceInMs: Date.parse(`${since.replace(' ', 'T')}Z`) || 0,
    holdTimeInS: Number(/\/(\d+)/.exec(value('Hold timer'))?.[1] ?? 0),
    neighbourId: value('Neighbor ID'),
    localAddress: value('Source address'),
    prefixes: prefixesOf(block),
    lastError: phase === 'established' ? '' : value('Last error'),
    bfd: 'none',
  }
}

function prefixesOf(block: readonly string[]): SessionState['prefixes'] {
  const counts: Partial<Record<Family, PrefixCounts>> = {}
  let family: Family | undefined
  for (const line of block) {
    const channel = /^\s+Channel (ipv4|ipv6)/.exec(line)?.[1] as Family | undefined
    if (channel !== undefined) family = channel
    if (family === undefined) continue
    const routes = /Routes:\s+(\d+) imported,(?: \d+ filtered,)? (\d+) exported/.exec(line)
    if (routes !== null) counts[family] = { accepted: Number(routes[1]), sent: Number(routes[2]), refused: 0 }
    const updates = /Import updates:\s+\d+\s+\d+\s+(\d+)/.exec(line)
    const before = counts[family]
    if (updates !== null && before !== undefined) counts[family] = { ...before, refused: Number(updates[1]) }
  }
  return counts
}
