/** Anonymous pipes. Node's own `stdio: 'pipe'` makes sockets, which a program cannot open again as /dev/stdout or /dev/stderr. */
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'

const O_CLOEXEC = 0o2000000

type Pipe2 = (fds: Int32Array, flags: number) => number
let pipe2: Pipe2 | undefined

function loadPipe2(): Pipe2 {
  if (pipe2 === undefined) {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    pipe2 = koffi.load('libc.so.6').func('int pipe2(_Out_ int *fds, int flags)') as unknown as Pipe2
  }
  return pipe2
}

export interface Pipe {
  /** Ends when every copy of the write end is closed. */
  readonly reader: Readable
  /** Descriptor to give to a child; close it here once the child has it. */
  readonly writeFd: number
}

/** @throws {Error} when no descriptor is free */
export function makePipe(): Pipe {
  const fds = new Int32Array(2)
  if (loadPipe2()(fds, O_CLOEXEC) !== 0) throw new Error('no pipe can be made: too many open files')
  const [readFd = -1, writeFd = -1] = fds
  return { reader: new Socket({ fd: readFd, readable: true, writable: false }), writeFd }
}
