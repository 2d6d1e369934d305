/** Certificates as files, and as the running HAProxy has them: one file for each host, so that each comes and goes alone. */
import { createHash, X509Certificate } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FairwayError } from '../../model/code.ts'
import { HAPROXY_CERTIFICATE_REFUSED } from '../../model/codes/haproxy.ts'
import type { Certificate, HostPattern, Listener } from '../../model/l7.ts'
import type { Directory } from './directory.ts'
import { writeText } from './files.ts'
import type { Form } from './form.ts'
import { certificateList } from './frontend.ts'
import { type Installed, readFingerprint } from './installed.ts'
import { authorityText, pemText } from './pem.ts'
import { ask } from './socket.ts'
import { certificateHost, nameFor } from './syntax.ts'

/** What a payload may hold: HAProxy's buffer (16 KiB). A longer one is taken by a reload alone. */
const PAYLOAD_LENGTH = 15_000

/** Who shows a certificate: a listener for a host, or for hosts that have none. */
interface Use {
  readonly file: string
  readonly listener: Listener
  readonly certificate: Certificate
  /** '' for the default one. */
  readonly host: string
  /** Who signs clients, as PEM; '' for nobody, so that none is asked for a certificate. */
  readonly authority: string
}

export class Certificates {
  /** Why one is not shown, or not the one that it should be, by the key of its use. */
  readonly left = new Map<string, FairwayError>()
  private readonly directory: Directory
  private readonly form: Form
  /** What each file holds, as a digest. */
  private readonly written = new Map<string, string>()

  constructor(directory: Directory, form: Form) {
    this.directory = directory
    this.form = form
  }

  /** Writes the files of these uses, for a process that is about to read them. */
  async write(keys: Iterable<string>): Promise<void> {
    for (const key of keys) {
      const use = this.useOf(key)
      if (use !== undefined && !this.left.has(key)) await this.writeFile(key, use)
    }
  }

  /** Writes the list of each listener: the default first. */
  async writeLists(): Promise<void> {
    for (const listener of this.form.listeners.values()) {
      const keys = [listener.key, ...this.form.hostCertificatesOf(listener.key).map(({ key }) => key)]
      const lines = keys.flatMap((key) => {
        const use = this.useOf(key)
        return use !== undefined && this.written.has(use.file) ? [this.lineOf(use)] : []
      })
      await writeText(certificateList(this.directory, listener), lines.map((line) => `${line}\n`).join(''))
    }
  }

  /** Brings the running process to what is wanted of these uses. True: one cannot be told, and a reload is needed. @throws {EngineError} HAPROXY_AWAY */
  async tell(keys: Iterable<string>, installed: Installed): Promise<boolean> {
    let needsReload = false
    for (const key of keys) {
      const use = this.useOf(key)
      if (use === undefined) await this.remove(key, installed)
      else if (!(await this.isShown(use, installed))) needsReload = (await this.show(key, use, installed)) || needsReload
    }
    return needsReload
  }

  /** Leaves a file out that HAProxy refuses; false: it is none of these. */
  async refuse(file: string, reason: string): Promise<boolean> {
    for (const key of this.keys) {
      const use = this.useOf(key)
      if (use?.file !== file || this.left.has(key)) continue
      this.leave(key, use, reason)
      this.written.delete(file)
      await rm(file, { force: true })
      await this.writeLists()
      return true
    }
    return false
  }

  private get keys(): readonly string[] {
    const listeners = [...this.form.listeners.keys()]
    return [...listeners, ...listeners.flatMap((key) => this.form.hostCertificatesOf(key).map((one) => one.key))]
  }

  private fileOf(key: string): string {
    return join(this.directory.certificates, `${nameFor('own', key).text}.pem`)
  }

  private useOf(key: string): Use | undefined {
    const host = this.form.hostCertificate(key)
    const listener = this.form.listeners.get(host?.listener ?? key)
    const certificate = this.form.certificate(host?.certificate ?? listener?.defaultCertificate ?? '')
    if (listener === undefined || certificate === undefined) return undefined
    const name = host === undefined ? '' : hostName(host.host)
    return name === undefined
      ? undefined
      : { file: this.fileOf(key), listener, certificate, host: name, authority: authorityText(host?.clientAuthority) }
  }

  private async isShown(use: Use, { certificates }: Installed): Promise<boolean> {
    const { file, listener, certificate, host } = use
    const line = certificates.get(certificateList(this.directory, listener))?.get(file)
    const isListed = line === this.lineOf(use)
    // one that is only listed where HAProxy reads the list is the default one's case: it is there once it was written
    if (!isListed && host !== '') return false
    const fingerprint = new X509Certificate(certificate.chain).fingerprint.replaceAll(':', '')
    return (
      (await readFingerprint(this.directory, file)) === fingerprint && this.written.get(file) === digestOf(pemText(certificate))
    )
  }

  private async show(key: string, use: Use, installed: Installed): Promise<boolean> {
    const { file, listener, certificate } = use
    const text = pemText(certificate)
    const list = certificateList(this.directory, listener)
    const listed = installed.certificates.get(list)?.get(file)
    if (Math.max(text.length, use.authority.length) > PAYLOAD_LENGTH) {
      await this.writeFile(key, use)
      return true
    }
    const isKnown = listed !== undefined || (await readFingerprint(this.directory, file)) !== ''
    const line = this.lineOf(use)
    const reason = await this.say([
      ...(isKnown ? [] : [[`new ssl cert ${file}`, 'New empty'] as const]),
      [`set ssl cert ${file} <<\n${text}`, 'Transaction'],
      [`commit ssl cert ${file}`, 'Success'],
    ])
    const why = reason === '' && listed !== line ? await this.list(use, list, listed) : reason
    if (why !== '') {
      await ask(this.directory.runtime, `abort ssl cert ${file}`)
      if (listed === undefined) await ask(this.directory.runtime, `del ssl cert ${file}`)
      this.leave(key, use, why)
      return false
    }
    installed.certificates.set(list, (installed.certificates.get(list) ?? new Map<string, string>()).set(file, line))
    this.left.delete(key)
    await this.writeFile(key, use)
    return false
  }

  /** Puts a certificate into the list of a listener, in the place of the line that it has. */
  private async list(use: Use, list: string, listed: string | undefined): Promise<string> {
    const authority = authorityFile(this.directory, use.authority)
    const isKnown = authority !== '' && (await ask(this.directory.runtime, 'show ssl ca-file')).includes(authority)
    const signers: readonly (readonly [string, string])[] = [
      [`new ssl ca-file ${authority}`, 'New CA file'],
      [`set ssl ca-file ${authority} <<\n${use.authority}`, 'ransaction'],
      [`commit ssl ca-file ${authority}`, 'Success'],
    ]
    return await this.say([
      ...(authority === '' || isKnown ? [] : signers),
      ...(listed === undefined ? [] : [[`del ssl crt-list ${list} ${use.file}`, 'deleted'] as const]),
      [`add ssl crt-list ${list} <<\n${this.lineOf(use)}\n`, 'Success'],
    ])
  }

  private async remove(key: string, installed: Installed): Promise<void> {
    const file = this.fileOf(key)
    this.left.delete(key)
    this.written.delete(file)
    for (const [list, files] of installed.certificates) {
      if (!files.delete(file)) continue
      await ask(this.directory.runtime, `del ssl crt-list ${list} ${file}`)
      await ask(this.directory.runtime, `del ssl cert ${file}`)
    }
    await rm(file, { force: true })
  }

  /** What was answered instead of what was expected; '' when all were done. */
  private async say(commands: readonly (readonly [command: string, done: string])[]): Promise<string> {
    for (const [command, done] of commands) {
      const answer = await ask(this.directory.runtime, command)
      if (!answer.includes(done)) return answer.trim() || 'no reason was given'
    }
    return ''
  }

  private async writeFile(key: string, { file, certificate, authority }: Use): Promise<void> {
    try {
      if (authority !== '') await writeText(authorityFile(this.directory, authority), authority)
      const text = pemText(certificate)
      if (this.written.get(file) === digestOf(text)) return
      await writeText(file, text)
      this.written.set(file, digestOf(text))
    } catch (error) {
      if (!(error instanceof FairwayError)) throw error
      this.left.set(key, error)
    }
  }

  /** Of the list of a listener. */
  private lineOf({ file, host, authority }: Use): string {
    const clients = authority === '' ? '' : `[ca-file ${authorityFile(this.directory, authority)} verify optional] `
    return host === '' ? file : `${file} ${clients}${host}`
  }

  private leave(key: string, { certificate, host }: Use, reason: string): void {
    const what = host === '' ? 'as the default certificate' : `for ${host}`
    const message = `HAProxy refuses ${certificate.key} ${what}: ${reason}`
    this.left.set(key, new FairwayError(HAPROXY_CERTIFICATE_REFUSED, message))
  }
}

/** Signers that are the same are one file, and others another one. */
function authorityFile({ certificates }: Directory, authority: string): string {
  return authority === '' ? '' : join(certificates, `${nameFor('ca', authority).text}.pem`)
}

function hostName(host: HostPattern): string | undefined {
  if (host.kind === 'any') return undefined
  try {
    return certificateHost(host.kind === 'exact' ? host.name : `*.${host.name}`).text
  } catch (error) {
    if (error instanceof FairwayError) return undefined
    throw error
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
