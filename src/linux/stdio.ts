/** The standard streams, for a program that takes the place of this one. */
import { createRequire } from 'node:module'

const F_GETFL = 3
const F_SETFL = 4
const O_NONBLOCK = 0o4000

type Fcntl = (fd: number, command: number, flags: number) => number

/**
 * Makes standard input, output and error blocking again. Node makes pipes among them non-blocking as soon as a stream is touched, and that
 * is a property of the pipe, not of the process: `cat` would then fail with EAGAIN whenever its reader is slower than itself.
 */
export function makeStdioBlocking(): void {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const fcntl = koffi.load('libc.so.6').func('int fcntl(int fd, int command, int flags)') as unknown as Fcntl
  for (const fd of [0, 1, 2]) {
    const flags = fcntl(fd, F_GETFL, 0)
    if (flags >= 0 && (flags & O_NONBLOCK) !== 0) fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)
  }
}
