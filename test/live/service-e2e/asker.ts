/** A process in a namespace that asks on demand: started once, as a process each time would take most of a test's time. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { inNetns } from '../../../src/linux/netns.ts'
import type { Answer, Request } from './wire.ts'

const PROGRAM = fileURLToPath(new URL('./ask.ts', import.meta.url))

export class Asker {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>
  private readonly waiting = new Map<number, (answer: Answer) => void>()
  private lastId = 0
  private hasEnded = false

  constructor(netns: string) {
    const [program = '', ...args] = inNetns(netns, [process.execPath, PROGRAM])
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.child.stdin.on('error', () => undefined) // its end is heard below
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const { id, answer } = JSON.parse(line) as { id: number; answer: Answer }
      this.waiting.get(id)?.(answer)
      this.waiting.delete(id)
    })
    this.child.on('close', () => {
      this.hasEnded = true
      for (const answer of this.waiting.values()) answer({ error: 'the asker ended' })
    })
  }

  ask(request: Omit<Request, 'id'>): Promise<Answer> {
    if (this.hasEnded) return Promise.reject(new Error('the asker ended; see what it wrote to standard error'))
    const id = ++this.lastId
    return new Promise((resolve) => {
      this.waiting.set(id, resolve)
      this.child.stdin.write(`${JSON.stringify({ ...request, id })}\n`)
    })
  }

  end(): void {
    this.child.kill('SIGKILL')
  }
}
