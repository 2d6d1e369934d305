/** What the lab cannot be faster than, measured in the same run: the bare processes that it starts, doing nothing. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { inNetns } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { inFreshNamespace } from '../namespace.ts'
import { timed } from '../statistics.ts'

/** Processes of a lab of three nodes: supervisor, API server, controllers, and an agent and a kubelet a node. */
const ROLE_COUNT = 9
/** Namespaces of its hosts: three nodes, client, router, switch. */
const NAMESPACE_COUNT = 6
const bareNode = () => run([process.execPath, '-e', '0'])

/** `lab up`: the command, then every role at once, each a Node that does nothing; and the namespaces. */
export async function floorOfUp(): Promise<number> {
  const names = Array.from({ length: NAMESPACE_COUNT }, (_, index) => `fwt-bench-floor-${process.pid}-${index}`)
  try {
    return await timed(async () => {
      await bareNode()
      for (const name of names) await run(['ip', 'netns', 'add', name])
      await Promise.all(Array.from({ length: ROLE_COUNT }, bareNode))
    })
  } finally {
    for (const name of names) await tryRun(['ip', 'netns', 'delete', name])
  }
}

/** From `apply` to the first answer: `lab exec` as a bare Node, kubectl that asks nobody, and nginx in bubblewrap. */
export async function floorOfAnswer(kubectl: string): Promise<number> {
  return inFreshNamespace((namespace) =>
    timed(async () => {
      await bareNode()
      await run([kubectl, 'version', '--client'])
      await nginxAnswers(namespace)
    }),
  )
}

const BUBBLEWRAP = [
  ...['bwrap', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--unshare-pid', '--unshare-ipc', '--unshare-uts'],
  ...['/run', '/var/log/nginx', '/var/lib/nginx'].flatMap((folder) => ['--tmpfs', folder]),
  '--die-with-parent',
]

async function nginxAnswers(namespace: string): Promise<void> {
  const [program = '', ...args] = inNetns(namespace, [...BUBBLEWRAP, 'nginx', '-g', 'daemon off;'])
  const nginx = spawn(program, args, { stdio: 'ignore' })
  try {
    await untilAnswer(namespace, nginx)
  } finally {
    const ended = nginx.exitCode === null ? once(nginx, 'exit') : undefined
    nginx.kill('SIGKILL')
    await ended
  }
}

async function untilAnswer(namespace: string, nginx: ChildProcess): Promise<void> {
  const curl = inNetns(namespace, ['curl', '-sf', '-m', '1', '-o', '/dev/null', 'http://127.0.0.1/'])
  for (;;) {
    if ((await tryRun(curl)).exitCode === 0) return
    if (nginx.exitCode !== null) throw new Error(`nginx ended with exit code ${nginx.exitCode}`)
    await pause(5)
  }
}
