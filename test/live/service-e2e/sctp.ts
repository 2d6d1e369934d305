/** SCTP without SCTP sockets, which not every kernel has: the first packet of an association, made by hand, seen by tcpdump in the pod. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { inNetns } from '../../../src/linux/netns.ts'
import type { Bed } from './bed.ts'

const SEND = fileURLToPath(new URL('./send-sctp.ts', import.meta.url))

export interface Arrival {
  readonly pod: string
  readonly source: string
  readonly port: number
}

export interface SctpTrip {
  readonly from: string
  readonly to: { readonly address: string; readonly port: number }
  readonly at: readonly string[]
}

/** Sends until one arrives at a pod, as rules may not be there yet; says where. The test's own time limits it. */
export async function sctpArrives(bed: Bed, { from, to, at }: SctpTrip): Promise<Arrival> {
  const [program = '', ...args] = inNetns(bed.netnsOf(from), [process.execPath, SEND, to.address, String(to.port)])
  const listeners = at.map((pod) => listen(bed, pod))
  await Promise.all(listeners.map(({ isListening }) => isListening))
  const sender = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const failed = once(sender, 'exit').then(() => Promise.reject(new Error('the sender of SCTP ended')))
  try {
    return await Promise.race([failed, ...listeners.map(({ arrival }) => arrival)])
  } finally {
    failed.catch(() => undefined)
    sender.kill('SIGKILL')
    for (const { end } of listeners) end()
  }
}

interface Listener {
  readonly isListening: Promise<unknown>
  readonly arrival: Promise<Arrival>
  end(): void
}

function listen(bed: Bed, pod: string): Listener {
  const [program = '', ...args] = inNetns(bed.netnsOf(pod), [
    'tcpdump',
    '-i',
    'eth0',
    '-n',
    '-l',
    '-c',
    '1',
    'ip proto 132 or ip6 proto 132',
  ])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const isListening = new Promise<void>((resolve) => {
    createInterface({ input: child.stderr }).on('line', (line) => line.startsWith('listening') && resolve())
  })
  const arrival = new Promise<Arrival>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, source = '', port = ''] = /IP6? (\S+)\.\d+ > \S+\.(\d+): sctp/.exec(line) ?? []
      resolve({ pod, source, port: Number(port) })
    })
  })
  return { isListening, arrival, end: () => child.kill('SIGKILL') }
}
