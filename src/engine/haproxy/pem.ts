/** Certificates and keys, written anew: nothing else of what a user put into a Secret reaches HAProxy. */
import { FairwayError } from '../../model/code.ts'
import { HAPROXY_ENTRY_INVALID } from '../../model/codes/haproxy.ts'
import type { Certificate } from '../../model/l7.ts'

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----\s+([A-Za-z0-9+/=\s]+?)-----END \1-----/g
const LINE = /.{1,64}/g

/** The certificates and then the key, without an empty line. @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function pemText({ key, chain, privateKey }: Certificate): string {
  const all = [...blocks(chain), ...blocks(privateKey)]
  if (all.length < 2) throw new FairwayError(HAPROXY_ENTRY_INVALID, `${key} has no certificate and key in PEM form.`)
  return all.join('')
}

/** Those that sign clients; '' for none. */
export function authorityText(text = ''): string {
  return blocks(text).join('')
}

function blocks(text: string): readonly string[] {
  return [...text.matchAll(BLOCK)].map(([, label = '', base64 = '']) => {
    const lines = base64.replace(/\s/g, '').match(LINE) ?? []
    return `${[`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n')}\n`
  })
}
