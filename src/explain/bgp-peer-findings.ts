/** What is wrong with BGP sessions, in sentences: one for each cause and peer, with the nodes that it is true of. */
import type { Code, Finding } from '../model/code.ts'
import { BGP_ENTRY_INVALID, BGP_SESSION_DOWN } from '../model/codes/bgp.ts'
import {
  BGP_BFD_NOT_UP,
  BGP_PEER_WITHOUT_NODE,
  BGP_REPORT_STALE,
  BGP_SESSION_ORPHANED,
  BGP_SESSION_UNREPORTED,
} from '../model/codes/bgp-report.ts'
import { CODES } from '../model/codes/index.ts'
import type { PeerProblem, PeerRow } from './bgp-peer-row.ts'
import { byNames } from './order.ts'

const BY_NAME: ReadonlyMap<string, Code> = new Map(CODES.map((code) => [code.name, code]))

interface Words {
  readonly code: Code
  readonly says: (peer: string, nodes: string, row: PeerRow) => string
}

const WORDS: Readonly<Record<Exclude<PeerProblem, '' | 'unusable'>, Words>> = {
  down: {
    code: BGP_SESSION_DOWN,
    // states of a session that tries come and go
    says: (peer, nodes, { reason }) =>
      `The session with ${peer} is not established on ${nodes}${reason === '' ? '' : `: ${quoted(reason)}`}.`,
  },
  unwatched: {
    code: BGP_BFD_NOT_UP,
    says: (peer, nodes, { reason }) => `The session with ${peer} is established on ${nodes}, and ${reason}.`,
  },
  unreported: {
    code: BGP_SESSION_UNREPORTED,
    says: (peer, nodes, { reason }) => `There is no session with ${peer} on ${nodes}: ${reason}.`,
  },
  stale: {
    code: BGP_REPORT_STALE,
    says: (peer, nodes, { state, reason }) =>
      `The session with ${peer} on ${nodes} was last reported as ${state}, and ${reason}.`,
  },
  orphaned: {
    code: BGP_SESSION_ORPHANED,
    says: (peer, nodes, { reason }) => `There still is a session with ${peer} on ${nodes}, and ${reason}.`,
  },
  refused: {
    code: BGP_ENTRY_INVALID,
    says: (peer, nodes, { reason }) => `There is no session with ${peer} on ${nodes}: ${reason.replace(/\.$/, '')}.`,
  },
  'without-node': {
    code: BGP_PEER_WITHOUT_NODE,
    says: (peer, _, { reason }) => `No node speaks with ${peer}: ${reason}.`,
  },
}

/** A cause that several rows share; `text` is what it says of a list of nodes. */
interface Cause {
  readonly code: Code
  readonly text: (nodes: string) => string
  readonly fix: string
  readonly rows: PeerRow[]
}

/** A condition that does not hold and is named after a code says more than the state, and stands in its place. */
export function peerFindings(rows: readonly PeerRow[]): readonly Finding[] {
  const causes = new Map<string, Cause>()
  for (const row of rows) {
    for (const cause of causesOf(row)) {
      const key = JSON.stringify([cause.code.code, row.peer, row.namespace, cause.text('*')])
      const known = causes.get(key)
      if (known === undefined) causes.set(key, cause)
      else known.rows.push(row)
    }
  }
  return [...causes.values()].map(findingOf)
}

function causesOf(row: PeerRow): readonly Cause[] {
  // what is wrong with an object, or with the choice of nodes, is said by whoever read or planned it
  if (row.problem === 'unusable') return []
  const coded = row.conditions.flatMap(({ holds, reason, message }): readonly Cause[] => {
    const code = BY_NAME.get(reason)
    // that it is down, and why, is said of the row
    if (holds || code === undefined || code === BGP_SESSION_DOWN) return []
    return [
      {
        code,
        text: (nodes) => `On ${nodes}${message.includes(row.peer) ? '' : `, ${peerText(row)}`}: ${message || code.title}`,
        fix: code.fix,
        rows: [row],
      },
    ]
  })
  if (coded.length > 0 && row.problem !== 'stale' && row.problem !== 'orphaned') return coded
  if (row.problem === '') return []
  const { code, says } = WORDS[row.problem]
  return [{ code, text: (nodes) => says(peerText(row), nodes, row), fix: code.fix, rows: [row] }]
}

function findingOf({ code, text, fix, rows }: Cause): Finding {
  const nodes = rows
    .map(({ node }) => node)
    .filter(Boolean)
    .toSorted(byNames((name) => [name]))
  const peers = rows.map(({ namespace, peer }) => `bgppeer/${namespace === '' ? peer : `${namespace}/${peer}`}`)
  const subjects = [...new Set([...peers, ...nodes.map((node) => `node/${node}`)])].toSorted()
  return { code, subjects, message: text(nodes.length === 0 ? 'no node' : nodes.join(', ')), fix }
}

function peerText({ peer, address, asn }: PeerRow): string {
  const detail = [address, asn === '' ? '' : `AS ${asn}`].filter(Boolean).join(', ')
  return detail === '' ? peer : `${peer} (${detail})`
}

/** A daemon's words; without the full stop that the sentence has. */
function quoted(words: string): string {
  return `"${words.trim().replace(/\.$/, '')}"`
}
