/** What servers see of a request, and clients of an answer. */
import type { Header, HeaderEdits, L7Policy, PathRewrite } from '../../model/l7-policy.ts'
import { expression, literal, phrase, plain, replacement, token, type Words } from './syntax.ts'

/** @throws {FairwayError} */
export function editLines({ path, host, requestHeaders, responseHeaders }: L7Policy): readonly Words[] {
  return [
    ...(path === undefined ? [] : pathLines(path)),
    ...(host === undefined ? [] : [phrase`http-request set-header Host ${plain(host)}`]),
    ...headerLines(phrase`http-request`, requestHeaders),
    ...headerLines(phrase`http-response`, responseHeaders),
  ]
}

/** A path that leads out of where it was sent, as its user did not mean. */
const CLIMBS = literal(String.raw`(?:^|/)(?:\.|%2[eE]){1,2}(?:/|%2[fF]|$)`)
const UPWARDS = phrase`http-request deny deny_status 400 if { path -m reg -- ${CLIMBS} }`

export function pathLines(rewrite: PathRewrite): readonly Words[] {
  if (rewrite.kind === 'full') return [phrase`http-request set-path ${plain(rewrite.path)}`]
  if (rewrite.kind === 'regex') {
    const found = expression(rewrite.expression, rewrite.ignoresCase)
    return [phrase`http-request replace-path ${found} ${replacement(rewrite.replacement)}`, UPWARDS]
  }
  const prefix = rewrite.prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return [
    phrase`http-request replace-path ${expression(`^${prefix}(.*)$`)} ${replacement([rewrite.replacement, 1])}`,
    phrase`http-request set-path / if { path -m len 0 }`,
    UPWARDS,
  ]
}

function headerLines(where: Words, edits: HeaderEdits | undefined): readonly Words[] {
  if (edits === undefined) return []
  const put = (verb: Words) => (header: Header) => phrase`${where} ${verb} ${token(header.name)} ${plain(header.value)}`
  return [
    ...edits.remove.map((name) => phrase`${where} del-header ${token(name)}`),
    ...edits.set.map(put(phrase`set-header`)),
    ...edits.add.map(put(phrase`add-header`)),
  ]
}
