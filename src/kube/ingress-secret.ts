/** What a Secret says of who may ask: certificates that sign clients, and passwords. */
import { X509Certificate } from 'node:crypto'
import type { CertificateSecret, Password } from '../model/ingress.ts'
import type { DataObject } from './types.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** The certificates of the text, and nothing beside them; undefined when there is none, or one that cannot be read. */
export function authorityOf(text: string): string | undefined {
  const found = text.match(CERTIFICATE) ?? []
  const isUsable = found.length > 0 && found.every(isCertificate)
  return isUsable ? found.map((one) => `${one}\n`).join('') : undefined
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).ca
  } catch {
    return false
  }
}

/** Source: Apache htpasswd, `NAME:HASH` a line; ingress-nginx, auth-secret-type. */
export function passwordsOf(raw: DataObject): CertificateSecret['passwords'] {
  const names = Object.keys(raw.data ?? {}).toSorted()
  if (names.length === 0) return undefined
  const map = names.map((name) => ({ name, hash: textOf(raw, name).trim() }))
  return { ...(names.includes('auth') ? { file: linesOf(textOf(raw, 'auth')) } : {}), map }
}

/** A line without a colon is nobody's password. */
function linesOf(text: string): readonly Password[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, name = '', hash = ''] = /^([^#:][^:]*):(.+)$/.exec(line.trim()) ?? []
    return name === '' ? [] : [{ name, hash }]
  })
}

export function textOf({ data = {} }: DataObject, name: string): string {
  return Object.hasOwn(data, name) ? Buffer.from(data[name] ?? '', 'base64').toString() : ''
}
