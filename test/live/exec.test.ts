/** exec, cp and port-forward of real kubectl against a whole lab. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { downloadChecksum } from '../../src/lab/images/echo-answer.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'

const KUBECTL = fileURLToPath(new URL('../../.tools/kubectl', import.meta.url))
const NAME = 'exec'
const COUNT = 64 * 1024 * 1024
const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'echo', image: 'fairway/echo', env: [{ name: 'COLOUR', value: 'blue' }] }] },
}

let lab: LiveLab
let dir: string
const env = { ...process.env, KUBECONFIG: `/run/fairway/${NAME}/kubeconfig/admin` }
const kubectl = (args: readonly string[], input?: string, more: object = {}) =>
  tryRun([KUBECTL, ...args], { env: { ...env, ...more }, ...(input === undefined ? {} : { input }) })

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fwt-exec-'))
  lab = await bringUpLab(NAME)
  writeFileSync(`/run/fairway/${NAME}/images/shell.json`, JSON.stringify({ name: 'shell', command: ['/bin/sh'] }))
  await run([KUBECTL, 'apply', '-f', '-'], { env, input: JSON.stringify(POD) })
  await run([KUBECTL, 'wait', '--for=condition=Ready', 'pod/web', '--timeout=20s'], { env })
})

afterAll(async () => {
  await lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

const TRANSPORTS = [
  ['WebSocket', {}],
  ['SPDY', { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false', KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false' }],
] as const

/** The size comes on a channel of its own, maybe after the first input. */
const SIZE = 'for i in $(seq 100); do test "$(stty size)" = "0 0" || break; sleep 0.05; done; stty size'

test.each(TRANSPORTS)('exec by %s: output, errors, exit code, environment, input and its end', async (_name, more) => {
  const script = 'echo $COLOUR $(hostname); echo no >&2; exit 3'
  const answer = await kubectl(['exec', 'web', '--', 'sh', '-c', script], undefined, more)
  expect(answer).toMatchObject({ exitCode: 3, stdout: 'blue web\n' })
  expect(answer.stderr).toBe('no\ncommand terminated with exit code 3\n')
  expect(await kubectl(['exec', '-i', 'web', '--', 'wc', '-c'], 'x'.repeat(300_000), more)).toMatchObject({
    exitCode: 0,
    stdout: '300000\n',
  })
  expect((await kubectl(['exec', 'web', '--', 'nonsense'], undefined, more)).stderr).toContain(
    'executable file not found in $PATH',
  )
})

test('a command has the capabilities of its container, and its processes', async () => {
  const show = "grep CapEff /proc/self/status; grep CapEff /proc/1/status; tr '\\0' ' ' < /proc/1/cmdline"
  const [own, first, program] = (await kubectl(['exec', 'web', '--', 'sh', '-c', show])).stdout.split('\n')
  expect(own).toBe(first)
  expect(program).toContain('lab-echo')
})

/** `script` types the end of its own input, which the terminal shows wherever the output is by then. */
const typed = (output: string): string => output.replaceAll(/\^[@D]/g, '')

test('exec -it has a terminal', async () => {
  const line = `${KUBECTL} exec -it web -- sh -c 'test -t 0 && test -t 1 && echo terminal $TERM; ${SIZE}; exit 4'`
  const answer = await tryRun(['script', '-qec', `stty rows 33 cols 99; ${line}`, '/dev/null'], { env })
  expect(typed(answer.stdout)).toContain('terminal xterm\r\n33 99\r\n')
  expect(answer.exitCode).toBe(4)
})

test.each(TRANSPORTS)('run -i by %s gives a container its input once, and shows what it says to its end', async (name, more) => {
  const pod = `run-${name.toLowerCase()}`
  const line = ['run', pod, '-i', '--rm', '--restart=Never', '--image=shell', '--quiet', '--command', '--']
  const answer = await kubectl([...line, 'sh', '-c', 'wc -c; echo done; exit 3'], 'x'.repeat(100_000), more)
  expect(answer).toMatchObject({ exitCode: 3, stdout: '100000\ndone\n' })
  expect((await kubectl(['get', 'pod', pod])).stderr).toContain('not found')
})

test('run -it has a terminal, of the size of the client, and a shell with job control', async () => {
  const line = `${KUBECTL} run term -it --rm --restart=Never --image=shell --quiet --command -- bash -c 'read -r word; echo got $word; ${SIZE}; set -m; jobs; sleep 0 & wait; exit 5'`
  const answer = await tryRun(['script', '-qec', `stty rows 33 cols 99; ${line}`, '/dev/null'], { env, input: 'hello\n' })
  expect(typed(answer.stdout)).toContain('got hello\r\n33 99\r\n')
  expect(answer.stdout).not.toContain('job control')
  expect(answer.exitCode).toBe(5)
})

test('cp carries files both ways', async () => {
  const bytes = Buffer.alloc(5_000_000, 'fairway ')
  writeFileSync(join(dir, 'there'), bytes)
  expect(await kubectl(['cp', join(dir, 'there'), 'web:/tmp/file'])).toMatchObject({ exitCode: 0 })
  expect(await kubectl(['cp', 'web:/tmp/file', join(dir, 'back')])).toMatchObject({ exitCode: 0 })
  expect(readFileSync(join(dir, 'back')).equals(bytes)).toBe(true)
})

test('a command ends when its user leaves', async () => {
  const child = spawn(KUBECTL, ['exec', 'web', '--', 'sh', '-c', 'echo up; exec sleep 4321'], { env })
  await once(child.stdout, 'data')
  const sleepers = async () =>
    (await kubectl(['exec', 'web', '--', 'sh', '-c', "grep -l '[4]321' /proc/[0-9]*/cmdline | wc -l"])).stdout
  expect(await sleepers()).toBe('1\n')
  child.kill('SIGKILL')
  await expect.poll(sleepers, { interval: 50, timeout: 5000 }).toBe('0\n')
})

test.each(TRANSPORTS)('a user who leaves amid the output of a command by %s disturbs nobody', async (_name, more) => {
  const restarts = async () => (await lab.lab(['status'])).stdout.split('\n').filter((line) => line.includes('kubelet'))
  const before = (await restarts()).map((line) => line.split(/\s+/).slice(0, 4))
  const child = spawn(KUBECTL, ['exec', 'web', '--', 'yes'], { env: { ...env, ...more } })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  expect((await kubectl(['exec', 'web', '--', 'echo', 'here'], undefined, more)).stdout).toBe('here\n')
  expect((await restarts()).map((line) => line.split(/\s+/).slice(0, 4))).toEqual(before)
})

// after a refusal kubectl ends by itself, at once or a little later ("lost connection to pod"): its end is waited for from its start on
test.each(TRANSPORTS)(
  'port-forward by %s: connections side by side, a big transfer, a refusal',
  { timeout: 30_000 },
  async (_name, more) => {
    const { child, ports, ended, saying } = await forward(['8080', '9'], more)
    try {
      const [open, shut] = ports
      const fetched = await Promise.all(
        Array.from({ length: 12 }, () => fetch(`http://127.0.0.1:${open}/`).then((r) => r.status)),
      )
      expect(fetched).toEqual(Array(12).fill(200))
      const answer = await fetch(`http://127.0.0.1:${open}/bytes?count=${COUNT}`)
      const hash = createHash('sha256')
      for await (const chunk of answer.body ?? []) hash.update(chunk)
      expect(hash.digest('hex')).toBe(downloadChecksum(COUNT))
      await expect(fetch(`http://127.0.0.1:${shut}/`)).rejects.toThrow()
      await saying('connection refused')
    } finally {
      child.kill()
      await ended
    }
  },
)

interface Forward {
  readonly child: ChildProcess
  /** The local ports, in the order of the remote ones. */
  readonly ports: readonly number[]
  readonly ended: Promise<unknown>
  /** Resolves once the words are in what it said on standard error, also before it was asked. */
  saying(words: string): Promise<void>
}

/** Forwards ports of the pod; resolves once they listen. */
function forward(remote: readonly string[], more: object): Promise<Forward> {
  const child = spawn(KUBECTL, ['port-forward', 'pod/web', ...remote.map((port) => `:${port}`)], { env: { ...env, ...more } })
  const ended = once(child, 'close')
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const saying = async (words: string): Promise<void> => {
    while (!errors.includes(words)) await once(child.stderr, 'data')
  }
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const ports = [...text.matchAll(/127\.0\.0\.1:(\d+) ->/g)].map(([, port]) => Number(port))
      if (ports.length === remote.length) resolve({ child, ports, ended, saying })
    })
    child.on('exit', () => reject(new Error(`port-forward ended: ${text}`)))
  })
}
