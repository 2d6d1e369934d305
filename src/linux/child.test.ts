import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ChildStatus, SupervisedChild } from './child.ts'
import { isAlive } from './process.ts'

let dir: string
let running: SupervisedChild | undefined
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fairway-child-'))
})
afterEach(async () => {
  await running?.stop(100)
  rmSync(dir, { recursive: true, force: true })
})

/** Starts a child and returns a way to wait for a status. */
function supervise(script: string, readyTimeoutInMs = 10_000) {
  const seen: ChildStatus[] = []
  const waiters: { wanted: (status: ChildStatus) => boolean; resolve: (status: ChildStatus) => void }[] = []
  const child = new SupervisedChild(
    { name: 'a', command: ['sh', '-c', script], logFile: join(dir, 'a.log'), readyTimeoutInMs },
    ({ status }) => {
      seen.push(status)
      for (const waiter of waiters.filter((one) => one.wanted(status))) waiter.resolve(status)
    },
  )
  running = child
  const until = (wanted: (status: ChildStatus) => boolean) =>
    new Promise<ChildStatus>((resolve) => {
      const found = seen.find(wanted)
      if (found) resolve(found)
      else waiters.push({ wanted, resolve })
    })
  child.start()
  return { child, until, seen }
}

const SERVES = 'echo started; echo READY >&3; exec 3>&-; exec sleep 60'

test('a child is ready when it says so, and its output is in its log', async () => {
  const { until } = supervise(SERVES)
  const status = await until((one) => one.phase === 'ready')
  expect(status.identity && isAlive(status.identity)).toBe(true)
  expect(readFileSync(join(dir, 'a.log'), 'utf8')).toBe('started\n')
})

test('a child that is killed is started again at once, as another process', async () => {
  const { until } = supervise(SERVES)
  const first = await until((one) => one.phase === 'ready')
  process.kill(first.identity?.pid ?? 0, 'SIGKILL')
  expect((await until((one) => one.phase === 'waiting')).lastExit).toBe('signal SIGKILL')
  const second = await until((one) => one.phase === 'ready' && one.restarts === 1)
  expect(second.identity).not.toEqual(first.identity)
  expect(second.startedAtInMs - first.startedAtInMs).toBeLessThan(2_000)
})

test('a child that keeps ending is started with growing delays', async () => {
  const { until, seen } = supervise('exit 7')
  expect((await until((one) => one.restarts === 4)).lastExit).toBe('exit code 7')
  const starts = seen.filter((one) => one.phase === 'starting').map((one) => one.startedAtInMs)
  const delays = starts.slice(1).map((at, index) => at - (starts[index] ?? 0))
  expect(delays[0]).toBeGreaterThanOrEqual(49)
  expect(delays[2]).toBeGreaterThanOrEqual(199)
})

test('a child that never gets ready is killed and started again', async () => {
  const { until } = supervise('exec sleep 60', 50)
  expect((await until((one) => one.phase === 'waiting')).lastExit).toBe('signal SIGKILL')
})

test('a program that is not there is a failure like any other', async () => {
  const child = new SupervisedChild({ name: 'a', command: ['/nonexistent'], logFile: join(dir, 'a.log') })
  running = child
  child.start()
  await new Promise((resolve) => setImmediate(resolve))
  await child.stop(100)
  expect(child.status.phase).toBe('stopped')
  expect(child.status.lastExit).toContain('ENOENT')
})

test('stop ends it within the grace, and it stays ended until it is started again', async () => {
  const { child, until } = supervise('trap "" TERM; echo READY >&3; while :; do sleep 0.05; done')
  const { identity } = await until((one) => one.phase === 'ready')
  await child.stop(100)
  expect(child.status).toMatchObject({ phase: 'stopped', lastExit: 'signal SIGKILL' })
  expect(identity && isAlive(identity)).toBe(false)
  child.start()
  expect(child.status).toMatchObject({ phase: 'starting', restarts: 0 })
  await child.stop(0)
  expect(child.status).toMatchObject({ phase: 'stopped', lastExit: 'signal SIGKILL' })
})

test('a log that grew large is put aside', async () => {
  writeFileSync(join(dir, 'a.log'), '')
  truncateSync(join(dir, 'a.log'), 11 << 20)
  const { until } = supervise(SERVES)
  await until((one) => one.phase === 'ready')
  expect(statSync(join(dir, 'a.log.1')).size).toBe(11 << 20)
  expect(readFileSync(join(dir, 'a.log'), 'utf8')).toBe('started\n')
})
