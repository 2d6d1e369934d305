import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const MODULE = fileURLToPath(new URL('./ready-fd.ts', import.meta.url))
/** Waits until it is told to go on, so that the other end may be gone by then. */
const PROGRAM = `
import { notifyReady } from '${MODULE}'
process.stdin.once('data', () => {
  const failure = notifyReady(3)
  process.stdout.write(failure === undefined ? 'heard' : String(failure.code))
  process.exit(0)
})`

async function run(listens: boolean): Promise<readonly [string, string, number]> {
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', PROGRAM]
  const child = spawn(process.execPath, flags, { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] })
  const ready = child.stdio[3] as NodeJS.ReadableStream & { destroy(): void }
  let heard = ''
  let said = ''
  if (listens) ready.on('data', (chunk) => (heard += String(chunk)))
  else {
    const gone = once(ready, 'close')
    ready.destroy()
    await gone
  }
  child.stdout?.on('data', (chunk) => (said += String(chunk)))
  child.stdin?.end('go\n')
  const [exitCode] = await once(child, 'close')
  return [heard, said, Number(exitCode)]
}

test('who waits hears it', async () => {
  expect(await run(true)).toEqual(['READY\n', 'heard', 0])
})

test('when nobody waits any more, the process goes on', async () => {
  expect(await run(false)).toEqual(['', 'EPIPE', 0])
})
