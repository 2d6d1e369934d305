/**
 * The supervisor's socket: who connects says one word on a line. `status` answers one line and closes; `watch` answers a line at
 * once and after every change; `stop` stops the lab, then closes; `halt HOST` kills the processes of a host and starts none there until
 * `boot HOST`: both answer one line when it is done. A line is a ProcessesState as JSON.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { ProcessesState } from '../state.ts'

export interface ControlHandler {
  status(): ProcessesState
  stop(): void
  halt(host: string): Promise<void>
  boot(host: string): void
}

const WORDS: readonly string[] = ['status', 'watch', 'stop', 'halt', 'boot']

/** Serves until closed. `publish` sends what is true now to all who watch. */
export class ControlServer {
  readonly #server: Server
  readonly #watchers = new Set<Socket>()
  readonly #handler: ControlHandler

  constructor(handler: ControlHandler) {
    this.#handler = handler
    this.#server = createServer((socket) => this.#serve(socket))
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(path, resolve)
    })
  }

  publish(): void {
    const line = `${JSON.stringify(this.#handler.status())}\n`
    for (const socket of this.#watchers) socket.write(line)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#watchers) socket.end()
  }

  #serve(socket: Socket): void {
    // Who asked has gone: nobody is left to tell. readline passes the socket's errors on as its own, and one that nobody hears would
    // be the supervisor's end, and the lab's.
    socket.on('error', () => undefined)
    socket.once('close', () => this.#watchers.delete(socket))
    const lines = createInterface({ input: socket })
    lines.on('error', () => undefined)
    lines.once('line', (line) => void this.#obey(socket, line))
  }

  async #obey(socket: Socket, line: string): Promise<void> {
    const [word = '', host = ''] = line.split(' ')
    if (!WORDS.includes(word)) {
      socket.end()
      return
    }
    if (word === 'halt') await this.#handler.halt(host)
    if (word === 'boot') this.#handler.boot(host)
    socket.write(`${JSON.stringify(this.#handler.status())}\n`)
    if (word === 'watch' || word === 'stop') this.#watchers.add(socket)
    else socket.end()
    if (word === 'stop') this.#handler.stop()
  }
}

/** Says one line, and waits for the answer: then it is done. @throws {Error} when nobody listens, or the supervisor ends meanwhile */
export async function tellSupervisor(path: string, words: string, signal: AbortSignal): Promise<void> {
  for await (const _answer of converse(path, words, signal)) return
  throw new Error("the lab's supervisor ended")
}

/** What the supervisor says, line by line, until it closes, `signal` fires, or the caller has enough. @throws {Error} when nobody listens */
export function watchSupervisor(path: string, signal: AbortSignal): AsyncGenerator<ProcessesState> {
  return converse(path, 'watch', signal)
}

async function* converse(path: string, words: string, signal: AbortSignal): AsyncGenerator<ProcessesState> {
  const socket = createConnection({ path, signal })
  socket.on('error', () => undefined) // readline passes it on to the loop below
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    socket.write(`${words}\n`)
    for await (const line of createInterface({ input: socket })) yield JSON.parse(line) as ProcessesState
  } finally {
    socket.destroy()
  }
}
