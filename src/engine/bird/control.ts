/** BIRD's control socket: a line is written, and an answer read up to the line that begins with a code and a blank. */
import { createConnection, type Socket } from 'node:net'
import { FairwayError } from '../../model/code.ts'
import { BGP_CONTROL_FAILED } from '../../model/codes/bgp.ts'

/** Shape: `code` is that of the last line (0 to 7999 fine, 8000 and above an error); `lines` without codes, in order. */
export interface BirdReply {
  readonly code: number
  readonly lines: readonly string[]
}

/** Takes an answer apart as it comes. */
export class ReplyReader {
  private rest = ''
  private lines: string[] = []

  /** The answers that these characters complete. */
  take(text: string): readonly BirdReply[] {
    const parts = (this.rest + text).split('\n')
    this.rest = parts.pop() ?? ''
    const replies: BirdReply[] = []
    for (const part of parts) {
      const [, code = '', more = '', words = ''] = /^(\d{4})([ -])(.*)$/.exec(part) ?? []
      this.lines.push(code === '' ? part.slice(1) : words)
      if (more !== ' ') continue
      replies.push({ code: Number(code), lines: this.lines })
      this.lines = []
    }
    return replies
  }
}

interface Waiter {
  resolve(reply: BirdReply): void
  reject(error: Error): void
  readonly deadline: NodeJS.Timeout
}

export class BirdControl {
  private readonly socket: Socket
  private readonly reader = new ReplyReader()
  private readonly waiters: Waiter[] = []
  private closedWith: Error | undefined
  /** Resolves when the connection has ended: BIRD is gone, or was given up. */
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      for (const reply of this.reader.take(text)) this.answer(reply)
    })
    socket.on('error', (cause) => this.fail(cause))
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.fail(new Error('the connection was closed'))
        resolve()
      })
    })
  }

  /** Connects and reads the greeting. @throws {FairwayError} BGP_CONTROL_FAILED when nobody is there, or does not answer in time */
  static async connect(path: string, timeoutInMs: number): Promise<BirdControl> {
    const control = new BirdControl(createConnection(path))
    await control.next(timeoutInMs)
    return control
  }

  /** Sends one line. @throws {FairwayError} BGP_CONTROL_FAILED; the connection is then closed */
  ask(line: string, timeoutInMs: number): Promise<BirdReply> {
    if (line.includes('\n')) throw new TypeError('one line at a time')
    const reply = this.next(timeoutInMs)
    this.socket.write(`${line}\n`)
    return reply
  }

  close(): void {
    this.socket.destroy()
  }

  private next(timeoutInMs: number): Promise<BirdReply> {
    if (this.closedWith !== undefined) return Promise.reject(failed(this.closedWith))
    return new Promise((resolve, reject) => {
      const late = () => this.fail(new Error(`no answer within ${timeoutInMs} ms`))
      this.waiters.push({ resolve, reject, deadline: setTimeout(late, timeoutInMs) })
    })
  }

  private answer(reply: BirdReply): void {
    const waiter = this.waiters.shift()
    clearTimeout(waiter?.deadline)
    waiter?.resolve(reply)
  }

  private fail(cause: Error): void {
    this.closedWith ??= cause
    for (const waiter of this.waiters.splice(0)) {
      clearTimeout(waiter.deadline)
      waiter.reject(failed(cause))
    }
    this.socket.destroy()
  }
}

function failed(cause: Error): FairwayError {
  return new FairwayError(BGP_CONTROL_FAILED, `BIRD cannot be asked: ${cause.message}.`, { cause })
}
