/**
 * The supervisor's socket: who connects says one word on a line. `status` answers one line and closes; `watch` answers a line at
 * once and after every change; `stop` stops the lab, then closes. A line is a ProcessesState as JSON.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { ProcessesState } from '../state.ts'

export interface ControlHandler {
  status(): ProcessesState
  stop(): void
}

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
    socket.on('error', () => undefined) // who asked has gone: nobody is left to tell
    socket.once('close', () => this.#watchers.delete(socket))
    createInterface({ input: socket }).once('line', (word) => this.#obey(socket, word))
  }

  #obey(socket: Socket, word: string): void {
    if (word !== 'status' && word !== 'watch' && word !== 'stop') {
      socket.end()
      return
    }
    socket.write(`${JSON.stringify(this.#handler.status())}\n`)
    if (word === 'status') socket.end()
    else this.#watchers.add(socket)
    if (word === 'stop') this.#handler.stop()
  }
}

/** What the supervisor says, line by line, until it closes, `signal` fires, or the caller has enough. @throws {Error} when nobody listens */
export async function* watchSupervisor(path: string, signal: AbortSignal): AsyncGenerator<ProcessesState> {
  const socket = createConnection({ path, signal })
  socket.on('error', () => undefined) // readline passes it on to the loop below
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    socket.write('watch\n')
    for await (const line of createInterface({ input: socket })) yield JSON.parse(line) as ProcessesState
  } finally {
    socket.destroy()
  }
}
