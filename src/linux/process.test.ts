import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { endProcesses, identify, isAlive, type ProcessIdentity, processesInNetns, signalProcess, untilGone } from './process.ts'

const started: ProcessIdentity[] = []

async function start(script: string): Promise<ProcessIdentity> {
  const child = spawn('sh', ['-c', `${script}`], { stdio: ['pipe', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  const identity = identify(child.pid ?? 0)
  if (identity === undefined) throw new Error('the process is not there')
  started.push(identity)
  return identity
}

afterEach(() => {
  for (const identity of started.splice(0)) signalProcess(identity, 'SIGKILL')
})

test('a process is alive until it has ended', async () => {
  const identity = await start('echo ready; exec sleep 60')
  expect(isAlive(identity)).toBe(true)
  expect(await endProcesses([identity], 2_000)).toEqual([])
  expect(isAlive(identity)).toBe(false)
})

test('another process with the same pid is not it, and gets no signal', async () => {
  const identity = await start('echo ready; exec sleep 60')
  const earlier = { ...identity, startTime: String(Number(identity.startTime) - 1) }
  expect(isAlive(earlier)).toBe(false)
  expect(signalProcess(earlier, 'SIGKILL')).toBe(false)
  expect(isAlive(identity)).toBe(true)
})

test('what ignores SIGTERM is killed after its grace', async () => {
  const identity = await start('trap "" TERM; echo ready; while :; do sleep 60; done')
  signalProcess(identity, 'SIGTERM')
  expect(await untilGone([identity], 50)).toEqual([identity])
  expect(await endProcesses([identity], 50)).toEqual([])
})

test('the processes of a namespace are found by the namespace, and this one is left out', async () => {
  const identity = await start('echo ready; exec sleep 60')
  const found = processesInNetns(['/proc/self/ns/net'])
  expect(found).toContainEqual(identity)
  expect(found.map((one) => one.pid)).not.toContain(process.pid)
  expect(processesInNetns(['/nonexistent'])).toEqual([])
})
