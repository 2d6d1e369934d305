/** keepalived on nodes of a lab: VRRPv3 with adverts every 100 ms, one instance a family, as fast as its manual lets it be. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inNetns } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { until } from '../../test/support/until.ts'

/**
 * The highest priorities there are: a backup waits for three adverts and a skew of (256 - priority) / 256 of one, which is as good as
 * nothing then (RFC 5798, 6.1).
 */
const PRIORITY = { owner: 254, backup: 253 } as const
/** What a drained owner's priority falls by: below the backup's. */
const DRAINED = -10
const SOON_IN_MS = 20_000

export interface KeepalivedConfig {
  readonly priority: number
  /** One a family. */
  readonly addresses: readonly string[]
  /** Holds a number that is added to the priority; keepalived hears of changes by inotify. */
  readonly weightFile: string
}

/**
 * The text of a configuration file. Pure. The first set of gratuitous ARPs and NAs is sent at once whatever the options, the second a
 * second later; a lost one would cost no more.
 * Source: keepalived.conf(5), of 2.2.7.
 */
export function keepalivedConfig({ priority, addresses, weightFile }: KeepalivedConfig): string {
  const instance = (address: string, index: number) => `vrrp_instance family-${index} {
  state BACKUP
  interface eth0
  virtual_router_id ${51 + index}
  priority ${priority}
  advert_int 0.1
  garp_master_delay 1
  garp_master_repeat 5
  track_file { drain }
  virtual_ipaddress { ${address}${address.includes(':') ? '/128' : '/32'} }
}
`
  return `global_defs { vrrp_version 3 }
vrrp_track_file drain { file "${weightFile}" weight 1 }
${addresses.map(instance).join('')}`
}

/** keepalived of one lab. Its processes end with their node, with the lab, and with this process. */
export class Keepalived {
  private readonly directory: string
  private readonly namespaceOf: (node: string) => string
  private readonly addresses: readonly string[]
  private readonly running = new Map<string, ChildProcess>()

  constructor(directory: string, namespaceOf: (node: string) => string, addresses: readonly string[]) {
    this.directory = directory
    this.namespaceOf = namespaceOf
    this.addresses = addresses
  }

  /** Starts it on a node, whose addresses it takes when it has the higher priority. */
  start(node: string, role: keyof typeof PRIORITY): void {
    const folder = join(this.directory, node)
    mkdirSync(folder, { recursive: true })
    const [config, weightFile] = [join(folder, 'keepalived.conf'), join(folder, 'weight')]
    writeFileSync(weightFile, '0\n')
    writeFileSync(config, keepalivedConfig({ priority: PRIORITY[role], addresses: this.addresses, weightFile }), { mode: 0o600 })
    const files = ['-f', config, '-p', join(folder, 'pid'), '-r', join(folder, 'vrrp.pid')]
    const command = ['setpriv', '--pdeathsig', 'KILL', 'keepalived', '--dont-fork', '--vrrp', '--log-console', ...files]
    const [program = '', ...args] = inNetns(this.namespaceOf(node), command)
    const log = openSync(join(folder, 'log'), 'a')
    this.running.set(node, spawn(program, args, { stdio: ['ignore', log, log] }))
    closeSync(log)
  }

  /** As its service is stopped; resolves once it has ended. */
  async stop(node: string): Promise<void> {
    await this.end(node, (child) => child.kill('SIGTERM'))
  }

  /** Kills both of its processes, so that nothing is said and nothing tidied up. */
  async kill(node: string): Promise<void> {
    const speaker = Number(readFileSync(join(this.directory, node, 'vrrp.pid'), 'utf8'))
    await this.end(node, (child) => {
      child.kill('SIGKILL')
      process.kill(speaker, 'SIGKILL')
    })
    // it does not start while a killed process that nobody has waited for yet has the number in there
    for (const file of ['pid', 'vrrp.pid']) rmSync(join(this.directory, node, file), { force: true })
  }

  private async end(node: string, signal: (child: ChildProcess) => void): Promise<void> {
    const child = this.running.get(node)
    this.running.delete(node)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    signal(child)
    await ended
  }

  async stopAll(): Promise<void> {
    for (const node of [...this.running.keys()]) await this.stop(node)
  }

  /** Lowers the owner's priority below the backup's, or puts it back. */
  drain(node: string, isDrained: boolean): void {
    writeFileSync(join(this.directory, node, 'weight'), `${isDrained ? DRAINED : 0}\n`)
  }

  /** Resolves once `node` has the addresses, and `other`, unless it is dead, has none. */
  async owned(node: string, other?: string): Promise<void> {
    const held = async (host: string): Promise<number> => {
      const { stdout } = await tryRun(inNetns(this.namespaceOf(host), ['ip', '-o', 'addr', 'show', 'dev', 'eth0']))
      return this.addresses.filter((address) => stdout.includes(` ${address}/`)).length
    }
    const wanted = other === undefined ? [this.addresses.length] : [this.addresses.length, 0]
    const hosts = other === undefined ? [node] : [node, other]
    await until(
      () => Promise.all(hosts.map(held)),
      (counts) => counts.join() === wanted.join(),
      SOON_IN_MS,
    )
  }
}

/** Fails early and clearly when the program is not there. @throws {FairwayError} */
export async function keepalivedIsThere(): Promise<void> {
  await run(['keepalived', '--version'])
}
