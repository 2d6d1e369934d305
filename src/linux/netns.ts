/** Network namespaces: named as `ip netns` names them, entered by `nsenter --net=` (which, unlike `ip netns exec`, leaves /sys alone). */
import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type RunOptions, run } from './run.ts'

const NETNS_DIR = '/run/netns'
const CLONE_NEWNET = 0x40000000

/** The file that a namespace is bound to; /proc/1/ns/net for the machine's own. */
export function netnsPath(name: string): string {
  return `${NETNS_DIR}/${name}`
}

/** Prefixes a command so that it runs in the named namespace, with the caller's files and processes. */
export function inNetns(name: string, command: readonly string[]): readonly string[] {
  return ['nsenter', `--net=${netnsPath(name)}`, '--', ...command]
}

/**
 * Runs `ip -batch` lines in one namespace, in one process: either all lines worked, or the error names the one that did not.
 * @throws {FairwayError}
 */
export async function ipBatch(name: string, lines: readonly string[], options: RunOptions = {}): Promise<void> {
  if (lines.length === 0) return
  await run(inNetns(name, ['ip', '-batch', '-']), { ...options, input: `${lines.join('\n')}\n` })
}

type Setns = (fd: number, kind: number) => number
let setns: Setns | undefined

function loadSetns(): Setns {
  if (setns === undefined) {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    setns = koffi.load('libc.so.6').func('int setns(int fd, int nstype)') as unknown as Setns
  }
  return setns
}

/**
 * Calls `action` with the main thread inside another namespace, and comes back. Sockets that it opens stay there.
 *
 * `action` must be synchronous: what runs later runs at home. `path` is a namespace file (`netnsPath`, /proc/PID/ns/net).
 * @throws {Error} when the namespace cannot be entered; failing to come home ends the process, as nothing may go on abroad
 */
export function withNetns<T>(path: string, action: () => T): T {
  const enter = loadSetns()
  const home = openSync('/proc/thread-self/ns/net', 'r')
  const abroad = openSync(path, 'r')
  try {
    if (enter(abroad, CLONE_NEWNET) !== 0) throw new Error(`cannot enter the network namespace ${path}`)
    try {
      return action()
    } finally {
      if (enter(home, CLONE_NEWNET) !== 0) process.abort()
    }
  } finally {
    closeSync(abroad)
    closeSync(home)
  }
}
