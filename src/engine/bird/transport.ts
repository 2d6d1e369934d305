import type { NetlinkListener, NetlinkOptions } from '../../linux/netlink-listener.ts'
import type { TableRoute } from '../../linux/route-messages.ts'
import type { Finding } from '../../model/code.ts'
import type { BirdFiles } from './observe.ts'
import type { SignatureFailures } from './symptoms.ts'

/** Where the files go and who reads them: the node's BIRD, or one in memory. */
export interface BirdTransport {
  /** True of the daemon itself now. */
  readonly findings: readonly Finding[]
  readonly logFile: string
  /** The last good files; undefined when there are none. */
  read(): Promise<BirdFiles | undefined>
  /** Makes sure that a daemon runs with the last good files. @throws {FairwayError} */
  run(): Promise<void>
  /**
   * Checks the files, puts them in the place of the last good ones and has them loaded; a daemon is started if there is none.
   * Returns why they were refused, and then nothing has changed; undefined when they are in. @throws {FairwayError}
   */
  install(files: BirdFiles): Promise<Refusal | undefined>
  /** Asks the daemon; empty when it has nothing to say. @throws {FairwayError} BGP_CONTROL_FAILED */
  ask(line: string): Promise<readonly string[]>
  /** Puts, or takes away, the rules by which the node's packets find the table of accepted routes. @throws {FairwayError} */
  lookUp(wanted: boolean): Promise<void>
  /** How many TCP segments the kernel dropped for their MD5 signature, since the namespace was made; undefined while nobody knows. */
  signatureFailures(): SignatureFailures | undefined
  /** Whether the daemon answers, as far as known. */
  readonly isRunning: boolean
  /** Calls back at once when `isRunning` changes. */
  onRunning(listener: (runs: boolean) => void): void
  /** Hears the routes of nodes that live (`LIVE_KERNEL_TABLE`). @throws {Error} */
  listenToLive(options: Pick<NetlinkOptions<readonly TableRoute[]>, 'onHeard' | 'onLost'>): Promise<NetlinkListener>
  /** Calls back after a change of `findings`, or after the daemon was started anew. */
  onChange(listener: () => void): void
  /** Ends the daemon, closing its sessions, and removes the files. */
  remove(): Promise<void>
  /** Lets go; the daemon goes on. */
  close(): Promise<void>
}

/** `line` is one of `bird.conf`, from 1; 0 when the daemon named none. */
export interface Refusal {
  readonly reason: string
  readonly line: number
}
