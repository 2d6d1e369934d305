/** Targets as sections: those of slots, which look alike but for their servers, and those of their own. */
import type { L7Action } from '../../model/l7.ts'
import { policyLines, policySections } from './policy.ts'
import { pathLines } from './policy-edit.ts'
import { endpoint, nameFor, phrase, plain, port, section, slotName, type Words, wordOf } from './syntax.ts'
import { isAddress, NAMED, serverWords, type Target, type TargetServer } from './target.ts'

/** A slot's section: what its shape says, and the servers of whoever has it. @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function slotText(slot: number, shape: readonly Words[], servers: readonly TargetServer[]): string {
  return section(phrase`backend ${slotName(slot)}`, [...shape, ...servers.map(serverLine)])
}

/** Whether a section is some target's, by its name. */
export function isTarget(section: string): boolean {
  return /^(b\d+|own_[0-9a-f]+)$/.test(section)
}

export const ownName = ({ key }: Target): Words => nameFor('own', key)

/** @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function ownText(target: Target, servers: readonly TargetServer[]): string {
  const { policy, answer, isTls } = target
  const mode = isTls ? [phrase`mode tcp`] : []
  const rest = answer === undefined ? servers.map(serverLine) : answerLines(answer)
  return [
    ...policySections(policy),
    section(phrase`backend ${ownName(target)}`, [...mode, ...policyLines(policy), ...rest]),
  ].join('\n')
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
  return isAddress(server) ? line : phrase`${line} ${NAMED}`
}

function answerLines(answer: Exclude<L7Action, { kind: 'forward' }>): readonly Words[] {
  if (answer.kind === 'respond') return [phrase`http-request return status ${answer.status}`]
  const scheme =
    answer.scheme === '' ? phrase`%[ssl_fc,iif(https,http)]` : answer.scheme === 'https' ? phrase`https` : phrase`http`
  const place = answer.port === 0 ? hostWord(answer.host) : phrase`${hostWord(answer.host)}:${port(answer.port)}`
  const target = answer.keepsQuery ? phrase`%[pathq]` : phrase`%[path]`
  const location = phrase`http-request redirect code ${answer.status} location ${scheme}://${place}`
  if (answer.path?.kind === 'full' && !answer.keepsQuery) return [phrase`${location}${plain(answer.path.path)}`]
  return [...(answer.path === undefined ? [] : pathLines(answer.path)), phrase`${location}${target}`]
}

/** Without one, the host that was asked for, without its port. */
function hostWord(host: string): Words {
  return host === '' ? phrase`%[var(txn.host)]` : endpoint(host)
}
