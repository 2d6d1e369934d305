/** Pseudo-terminals: the master is ours, the slave becomes a program's terminal. */
import { constants, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ReadStream } from 'node:tty'

interface Libc {
  posix_openpt(flags: number): number
  grantpt(fd: number): number
  unlockpt(fd: number): number
  ptsname_r(fd: number, name: Buffer, length: number): number
  ioctl(fd: number, request: number, argument: Buffer): number
}

const O_CLOEXEC = 0o2000000
const TIOCSWINSZ = 0x5414
let libc: Libc | undefined

function loadLibc(): Libc {
  if (libc !== undefined) return libc
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const library = koffi.load('libc.so.6')
  const functions = {
    posix_openpt: library.func('int posix_openpt(int flags)'),
    grantpt: library.func('int grantpt(int fd)'),
    unlockpt: library.func('int unlockpt(int fd)'),
    ptsname_r: library.func('int ptsname_r(int fd, void *buf, size_t buflen)'),
    ioctl: library.func('int ioctl(int fd, unsigned long request, void *argument)'),
  }
  libc = functions as unknown as Libc
  return libc
}

export interface Pty {
  /** Reads what the program shows, writes what is typed; it ends with an EIO error once nobody has the slave open. */
  readonly master: ReadStream & NodeJS.WritableStream
  /** To be given to a child as its streams, and closed here then. */
  readonly slaveFd: number
  resize(width: number, height: number): void
}

/** @throws {Error} when the system has no terminal left */
export function openPty(): Pty {
  const { posix_openpt, grantpt, unlockpt, ptsname_r, ioctl } = loadLibc()
  const fd = posix_openpt(constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC)
  const name = Buffer.alloc(128)
  if (fd < 0 || grantpt(fd) !== 0 || unlockpt(fd) !== 0 || ptsname_r(fd, name, name.length) !== 0)
    throw new Error('no pseudo-terminal can be opened')
  const slaveFd = openSync(name.toString('utf8', 0, name.indexOf(0)), constants.O_RDWR | constants.O_NOCTTY)
  const master = new ReadStream(fd)
  return {
    master,
    slaveFd,
    resize(width, height) {
      if (master.destroyed) return
      const size = Buffer.alloc(8)
      size.writeUInt16LE(height, 0)
      size.writeUInt16LE(width, 2)
      ioctl(fd, TIOCSWINSZ, size)
    },
  }
}
