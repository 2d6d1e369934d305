/** How the routes of an advertisement are announced, and to which of a node's sessions: what all kinds of advertisements have in common. */
import type { Announcement, BgpSession } from '../model/bgp.ts'
import type { BgpConfig } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { BGP_COMMUNITY_UNKNOWN, BGP_PEER_UNKNOWN } from '../model/codes/bgp-plan.ts'

/** What an advertisement says of its routes, and what it is called in sentences and in findings. */
export interface Asked {
  readonly title: string
  readonly subject: string
  /** Names of peers, sorted; empty: all. */
  readonly peers: readonly string[]
  /** Values, or names that `CommunityNames` explain. */
  readonly communities: readonly string[]
  readonly localPreference?: number
}

type Config = Pick<BgpConfig, 'peers' | 'communities'>

/**
 * One object for all routes of the advertisement; undefined when none of the node's sessions is meant, or when a community is unknown.
 *
 * Errors: never throws; what is asked for and is not there is added to `findings`.
 */
export function announcementOf(
  asked: Asked,
  { config, sessions }: { readonly config: Config; readonly sessions: readonly BgpSession[] },
  findings: Finding[],
): Announcement | undefined {
  tellUnknownPeers(asked, config, findings)
  const communities = communitiesOf(asked, config, findings)
  const { peers, localPreference } = asked
  const heard = sessions.filter(({ name }) => peers.length === 0 || peers.includes(name))
  if (communities === undefined || heard.length === 0) return undefined
  return {
    sessions: peers.length === 0 ? [] : heard.map(({ key }) => key).sort(),
    communities,
    ...(localPreference === undefined ? {} : { localPreference }),
  }
}

function tellUnknownPeers({ title, subject, peers }: Asked, config: Config, findings: Finding[]): void {
  const known = new Set([...config.peers.values()].map(({ name }) => name))
  const unknown = peers.filter((each) => !known.has(each))
  if (unknown.length === 0) return
  const message = `${title} names the BGPPeer ${unknown.join(', ')}, which is not there.`
  findings.push({ code: BGP_PEER_UNKNOWN, subjects: [subject], message, fix: BGP_PEER_UNKNOWN.fix })
}

/** Sorted values; undefined if a name means nothing: without its community a route might go where it must not. */
function communitiesOf(
  { title, subject, communities }: Asked,
  config: Config,
  findings: Finding[],
): readonly string[] | undefined {
  const values = communities.map((each) => (each.includes(':') ? each : meaningOf(each, config)))
  const unknown = communities.filter((_, at) => values[at] === undefined)
  if (unknown.length === 0) return [...new Set(values as readonly string[])].sort()
  const message = `${title} uses the community ${unknown.join(', ')}, which no Community explains; its routes are not announced.`
  findings.push({ code: BGP_COMMUNITY_UNKNOWN, subjects: [subject], message, fix: BGP_COMMUNITY_UNKNOWN.fix })
  return undefined
}

function meaningOf(name: string, { communities }: Config): string | undefined {
  const holders = [...communities.values()].filter(({ names }) => Object.hasOwn(names, name))
  return holders.sort((one, other) => (one.key < other.key ? -1 : 1))[0]?.names[name]
}
