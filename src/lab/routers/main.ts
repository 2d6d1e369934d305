/** The role `lab-router`: `--lab NAME --host HOST`, everything else is in that lab's lab.json. Runs in the host's namespace. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, closeSync, mkdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { run } from '../../linux/run.ts'
import { logger } from '../../log/log.ts'
import { FairwayError } from '../../model/code.ts'
import { LAB_NOT_RUNNING } from '../../model/codes/lab.ts'
import { MACHINE_PROGRAM_MISSING } from '../../model/codes/machine.ts'
import { hostNamed } from '../names.ts'
import { labPaths, readLabState } from '../state.ts'
import { DAEMONS, type Daemon, frrConfig } from './frr-config.ts'

const log = logger('lab-router')

/** Where Debian has FRR's daemons, and where they have their sockets: in their view of the machine, that is the router's own folder. */
const PROGRAMS = '/usr/lib/frr'
const RUN_DIR = '/run/frr'
const USER = 'frr'
const POLL_IN_MS = 20

/** A router is not late because nodes and pods on the same machine are busy: 150 ms without a packet would be a dead neighbour. */
const AT_ONCE = 'chrt --rr --pid 1 $$ 2>/dev/null; exec "$@"'

/**
 * Runs FRR's daemons until SIGTERM. One that ends takes the others along, and the supervisor starts the router anew: as when a switch
 * restarts its routing.
 *
 * Shape: `--ready-fd N` gets `READY\n` once all of them can be asked, by `vtysh --vty_socket DIR`.
 */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { lab: { type: 'string' }, host: { type: 'string' }, 'ready-fd': { type: 'string' } },
  })
  const state = readLabState(values.lab ?? '')
  if (state === undefined) throw new FairwayError(LAB_NOT_RUNNING, `There is no lab ${values.lab}.`)
  const router = hostNamed(state.topology, values.host ?? '')
  const dir = join(labPaths(state.name).routers, router.name)
  const { files, sessions } = frrConfig(state.topology, router)
  prepare(dir, files)
  const daemons: ChildProcess[] = []
  process.on('SIGTERM', () => void end(daemons, 0))
  for (const daemon of DAEMONS) {
    const listening = untilListening(dir, daemon)
    const child = startDaemon(daemon, dir)
    daemons.push(child)
    child.once('exit', (code, signal) => {
      log.error({ daemon, code, signal }, 'ended')
      void end(daemons, 1)
    })
    await listening
  }
  await untilKnownToZebra(dir)
  await ask(dir, ['-d', 'bgpd', '-f', write(dir, 'sessions.conf', sessions)])
  log.info({ router: router.name }, 'serves')
  if (values['ready-fd'] === undefined) return
  writeSync(Number(values['ready-fd']), 'READY\n')
  closeSync(Number(values['ready-fd']))
}

/** An empty folder that FRR's user may write to, with the configuration; `bin/vtysh` asks this router without more words. */
function prepare(dir: string, files: Readonly<Record<Daemon, string>>): void {
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(join(dir, 'bin'), { recursive: true })
  const { uid, gid } = frrUser()
  chownSync(dir, uid, gid)
  for (const daemon of DAEMONS) write(dir, `${daemon}.conf`, files[daemon])
  const vtysh = join(dir, 'bin', 'vtysh')
  writeFileSync(vtysh, `#!/bin/sh\nexec /usr/bin/vtysh --vty_socket ${dir} "$@"\n`)
  chmodSync(vtysh, 0o755)
}

/** FRR gives up being root, so its files are that user's. @throws {FairwayError} MACHINE_PROGRAM_MISSING */
function frrUser(): { readonly uid: number; readonly gid: number } {
  const fields = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === USER)
  if (fields === undefined) throw new FairwayError(MACHINE_PROGRAM_MISSING, `There is no user ${USER}: FRR is not installed.`)
  return { uid: Number(fields[2]), gid: Number(fields[3]) }
}

/**
 * Starts a daemon with the router's folder in the place of /run/frr, so that neither the machine's FRR nor another router is in its
 * way. It gives up root and with that the kernel's promise to end it with its parent; its process namespace ends it all the same.
 */
function startDaemon(daemon: Daemon, dir: string): ChildProcess {
  const view = ['--dev-bind', '/', '/', '--tmpfs', '/run', '--bind', dir, RUN_DIR, '--tmpfs', '/var/tmp']
  const command = [join(PROGRAMS, daemon), '-f', join(RUN_DIR, `${daemon}.conf`), '-A', '127.0.0.1', '-P', '0']
  const bwrap = ['bwrap', ...view, '--unshare-pid', '--die-with-parent', '--', ...command]
  return spawn('sh', ['-c', AT_ONCE, 'sh', ...bwrap], {
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    cwd: '/',
  })
}

/** Resolves when a daemon can be asked: by then it has read its configuration, and zebra serves the others. */
async function untilListening(dir: string, daemon: Daemon): Promise<void> {
  for await (const { filename } of watch(dir)) if (filename === `${daemon}.vty`) return
}

/**
 * Resolves when bgpd has heard of the interfaces: who has sessions before that refuses IPv6 routes, and is not told them again.
 * Nothing says so of itself, so zebra is asked.
 */
async function untilKnownToZebra(dir: string): Promise<void> {
  while (!/^bgp /m.test(await ask(dir, ['-d', 'zebra', '-c', 'show zebra client summary'])))
    await new Promise((resolve) => setTimeout(resolve, POLL_IN_MS))
}

function ask(dir: string, words: readonly string[]): Promise<string> {
  return run(['vtysh', '--vty_socket', dir, ...words])
}

function write(dir: string, name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text, { mode: 0o644 })
  return path
}

/** Ends all of them, and then this process. */
async function end(daemons: readonly ChildProcess[], exitCode: number): Promise<void> {
  for (const child of daemons) child.removeAllListeners('exit')
  const running = daemons.filter((child) => child.exitCode === null && child.signalCode === null)
  const ended = Promise.all(running.map((child) => once(child, 'exit')))
  for (const child of running) child.kill('SIGKILL') // the outer one of two: bwrap does not pass SIGTERM on
  await ended
  process.exit(exitCode)
}
