import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { inNetns, ipBatch } from '../src/linux/netns.ts'
import { run } from '../src/linux/run.ts'

/** Calls `action` with the name of a network namespace of its own, which has loopback only, and removes it afterwards. */
export async function inFreshNamespace<T>(action: (name: string) => Promise<T>): Promise<T> {
  const name = `fwt-bench-${randomBytes(4).toString('hex')}`
  const sweep = () => execFileSync('ip', ['netns', 'delete', name])
  process.once('exit', sweep) // an uncaught error ends the process without any `finally`
  await run(['ip', 'netns', 'add', name])
  try {
    await ipBatch(name, ['link set lo up', 'addr add 192.168.0.154/32 dev lo'])
    return await action(name)
  } finally {
    process.off('exit', sweep)
    sweep()
  }
}

/** Runs a program inside the namespace to its end. @throws {FairwayError} when it fails or `limitInMs` passes */
export async function runIn(name: string, command: readonly string[], input: string, limitInMs: number): Promise<void> {
  await run(inNetns(name, command), { input, signal: AbortSignal.timeout(limitInMs) })
}
