/** Routers of others, each in a network namespace that the caller made: FRR and GoBGP, configured by their own words. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { until } from './until.ts'

const FRR_PROGRAMS = '/usr/lib/frr'

/** Somebody to speak BGP with. */
export interface PeerRouter {
  /** What its own tool says to this command. @throws {FairwayError} */
  ask(...words: readonly string[]): Promise<string>
  end(): Promise<void>
}

export interface FrrRouter extends PeerRouter {
  /** Gives it lines as `configure terminal` takes them, in a file: any number. @throws {FairwayError} */
  configure(lines: readonly string[]): Promise<void>
}

export interface GobgpRouter extends PeerRouter {
  /** Its gRPC interface. */
  readonly socketFile: string
}

/** FRR's zebra, bgpd and bfdd; `ask` takes lines of vtysh, `config` is what `configure terminal` takes. */
export async function startFrr(namespace: string, config: readonly string[]): Promise<FrrRouter> {
  const folder = mkdtempSync(join(tmpdir(), 'fwt-frr-'))
  await run(['chown', 'frr:frr', folder]) // it gives up being root
  const children: ChildProcess[] = []
  const file = join(folder, 'lines.conf')
  const router = {
    configure: async (lines: readonly string[]) => {
      writeFileSync(file, [...lines, ''].join('\n'))
      await run(['vtysh', '--vty_socket', folder, '-f', file])
    },
    ask: (...lines: readonly string[]) => run(['vtysh', '--vty_socket', folder, ...lines.flatMap((line) => ['-c', line])]),
    end: async () => {
      await end(children)
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    for (const daemon of ['zebra', 'bfdd', 'bgpd'] as const) children.push(await startFrrDaemon(namespace, folder, daemon))
    await router.configure(config)
    return router
  } catch (error) {
    await router.end()
    throw error
  }
}

async function startFrrDaemon(namespace: string, folder: string, daemon: 'zebra' | 'bfdd' | 'bgpd'): Promise<ChildProcess> {
  const file = join(folder, 'frr.conf')
  writeFileSync(file, 'frr defaults datacenter\n')
  const own = ['-f', file, '-z', join(folder, 'zserv.api'), '--vty_socket', folder, '-i', join(folder, `${daemon}.pid`)]
  const more = daemon === 'bfdd' ? ['--bfdctl', join(folder, 'bfdd.sock')] : []
  const child = start(namespace, [join(FRR_PROGRAMS, daemon), ...own, ...more])
  await until(
    () => run(['vtysh', '--vty_socket', folder, '-d', daemon, '-c', 'show version']),
    () => true,
  )
  return child
}

/** GoBGP; `ask` takes words of its `gobgp`. `config` is TOML. */
export async function startGobgp(namespace: string, folder: string, config: string): Promise<GobgpRouter> {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'gobgpd.toml')
  writeFileSync(file, config)
  const socketFile = join(folder, 'api.sock')
  const hosts = `127.0.0.1:50051,unix://${socketFile}`
  const child = start(namespace, ['gobgpd', '-f', file, '--api-hosts', hosts, '--pprof-disable', '-l', 'warn'])
  const ask = (...words: readonly string[]): Promise<string> => run(inNetns(namespace, ['gobgp', '-u', '127.0.0.1', ...words]))
  await until(
    () => ask('neighbor'),
    () => true,
  )
  return { ask, socketFile, end: () => end([child]) }
}

function start(namespace: string, command: readonly string[]): ChildProcess {
  const [program = '', ...args] = inNetns(namespace, command)
  return spawn(program, args, { stdio: 'ignore' })
}

async function end(children: readonly ChildProcess[]): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }),
  )
}
