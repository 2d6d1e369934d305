/** One TCP connection to the lines of the echo server, held open from a namespace. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { inNetns } from '../../../src/linux/netns.ts'
import type { Answer } from './wire.ts'

const HOLD = fileURLToPath(new URL('../datapath/hold.ts', import.meta.url))

export interface Held {
  /** Sends a line, and gives what comes back. @throws {Error} when the connection has ended */
  say(line: string): Promise<Answer>
  end(): void
}

export function hold(netns: string, { address, port }: { readonly address: string; readonly port: number }): Held {
  const [program = '', ...args] = inNetns(netns, [process.execPath, HOLD, address, String(port)])
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined) // the end is seen where an answer is missing
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async say(line) {
      child.stdin.write(`${line}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error('the connection has ended')
      return JSON.parse(value) as Answer
    },
    end: () => child.kill('SIGKILL'),
  }
}
