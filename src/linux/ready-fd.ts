/** Telling whoever started this process that it is ready. */
import { closeSync, writeSync } from 'node:fs'

/**
 * Writes `READY\n` to a descriptor and closes it. Returns why nobody heard it, if so: who waited may have been killed, which is no reason for
 * this process to end. Source: s6's notification descriptors.
 */
export function notifyReady(fd: number): unknown {
  let failure: unknown
  try {
    writeSync(fd, 'READY\n')
  } catch (error) {
    failure = error
  }
  try {
    closeSync(fd)
  } catch (error) {
    failure ??= error
  }
  return failure
}
