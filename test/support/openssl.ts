/** Certificates of tests, by openssl. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../src/linux/run.ts'

export interface Made {
  readonly chain: string
  readonly privateKey: string
}

export interface MadeBy {
  readonly authority?: Made
  /** `rsa:1024` is too weak for today's clients and servers. */
  readonly key?: 'ec' | 'rsa:1024'
}

/** A certificate for names, the first of which is its common name; signed by itself unless there is an authority. */
export async function makeCertificate(names: readonly string[], { authority, key = 'ec' }: MadeBy = {}): Promise<Made> {
  const dir = mkdtempSync(join(tmpdir(), 'fwt-openssl-'))
  const at = (name: string) => join(dir, name)
  try {
    const algorithm = key === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : [key]
    const names_ = names.map((name) => `DNS:${name}`).join(',')
    const request = ['openssl', 'req', '-x509', '-newkey', ...algorithm, '-nodes', '-days', '30', '-subj', `/CN=${names[0]}`]
    const signer = authority === undefined ? [] : ['-CA', at('ca.crt'), '-CAkey', at('ca.key')]
    if (authority !== undefined) {
      writeFileSync(at('ca.crt'), authority.chain)
      writeFileSync(at('ca.key'), authority.privateKey)
    }
    await run([...request, '-addext', `subjectAltName=${names_}`, ...signer, '-keyout', at('key'), '-out', at('crt')])
    return { chain: readFileSync(at('crt'), 'utf8'), privateKey: readFileSync(at('key'), 'utf8') }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
