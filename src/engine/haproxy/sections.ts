/** Targets as sections: those of slots, which all look alike, and those of their own. */
import type { L7Action } from '../../model/l7.ts'
import { policyLines } from './policy.ts'
import { endpoint, nameFor, phrase, port, section, slotName, type Words, wordOf } from './syntax.ts'
import { isAddress, serverWords, type Target, type TargetServer } from './target.ts'

/** A slot's section, with whoever has it. @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function slotText(slot: number, servers: readonly TargetServer[]): string {
  return section(phrase`backend ${slotName(slot)}`, [phrase`balance roundrobin`, ...servers.map(serverLine)])
}

export const ownName = ({ key }: Target): Words => nameFor('own', key)

/** @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function ownText(target: Target, servers: readonly TargetServer[]): string {
  const { policy, answer } = target
  const rest = answer === undefined ? [phrase`balance roundrobin`, ...servers.map(serverLine)] : [answerLine(answer)]
  return section(phrase`backend ${ownName(target)}`, [...policyLines(policy), ...rest])
}

/** What only a reload changes of a section: all but servers that the runtime can be told of. */
export function ownFrame(target: Target, servers: readonly TargetServer[]): string {
  return ownText(
    target,
    servers.filter((server) => !isAddress(server)),
  )
}

function serverLine(server: TargetServer): Words {
  const line = phrase`server ${wordOf(server.name)} ${serverWords(server)}`
  return isAddress(server) ? line : phrase`${line} resolvers cluster init-addr none`
}

function answerLine(answer: Exclude<L7Action, { kind: 'forward' }>): Words {
  if (answer.kind === 'respond') return phrase`http-request return status ${answer.status}`
  const scheme =
    answer.scheme === '' ? phrase`%[ssl_fc,iif(https,http)]` : answer.scheme === 'https' ? phrase`https` : phrase`http`
  const place = answer.port === 0 ? hostWord(answer.host) : phrase`${hostWord(answer.host)}:${port(answer.port)}`
  return phrase`http-request redirect code ${answer.status} location ${scheme}://${place}%[pathq]`
}

/** Without one, the host that was asked for, without its port. */
function hostWord(host: string): Words {
  return host === '' ? phrase`%[var(txn.host)]` : endpoint(host)
}
