/** A real HAProxy with servers of every protocol behind it, and a client that speaks more than curl. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { IngressPlannerOptions } from '../../src/plan/ingress.ts'
import { HaproxyRig } from './haproxy-rig.ts'
import { type Made, makeCertificate } from './openssl.ts'
import { type Answer, type Ask, addressOf, PROTOCOL_SERVERS } from './protocol-asks.ts'

const SERVERS = fileURLToPath(new URL('./protocol-servers.ts', import.meta.url))
const CLIENT = fileURLToPath(new URL('./protocol-client.ts', import.meta.url))

export class ProtocolRig extends HaproxyRig {
  /** Of the servers; for any name. */
  certificate: Made | undefined
  private client: ChildProcess | undefined
  private lines: Interface | undefined

  constructor(name: string, options: Partial<IngressPlannerOptions> = {}) {
    super(name, { defaultCertificate: 'default/fallback', ...options })
  }

  override async up(): Promise<void> {
    await super.up()
    this.certificate = await makeCertificate(['server.test'])
    const [certificate, key] = [join(this.dir, 'server.crt'), join(this.dir, 'server.key')]
    writeFileSync(certificate, this.certificate.chain)
    writeFileSync(key, this.certificate.privateKey)
    for (const name of PROTOCOL_SERVERS) for (const network of [0, 1] as const) await this.address(addressOf(name, network))
    const servers = this.start([process.execPath, SERVERS, certificate, key])
    if (servers.stdout !== null) await once(createInterface({ input: servers.stdout }), 'line')
    this.client = this.start([process.execPath, CLIENT])
    if (this.client.stdout !== null) this.lines = createInterface({ input: this.client.stdout })
  }

  /** One at a time. */
  async ask(ask: Ask): Promise<Answer> {
    if (this.lines === undefined) throw new Error('the rig is not up')
    const answer = once(this.lines, 'line')
    this.client?.stdin?.write(`${JSON.stringify(ask)}\n`)
    const [line] = (await answer) as [string]
    return JSON.parse(line) as Answer
  }
}
