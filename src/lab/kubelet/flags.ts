/** The flags of a lab process: `--name value`, and bare `--name` for switches. */
import { dirname, join } from 'node:path'
import { FairwayError } from '../../model/code.ts'
import { POD_FLAG_BAD } from '../../model/codes/pod.ts'
import { TIMES, type Times } from '../topology.ts'

export interface KubeletFlags {
  readonly node: string
  readonly kubeconfig: string
  readonly lab: string
  /** Of all nodes: pods are in DIR/NODE/UID. */
  readonly dir: string
  readonly nodeAddresses: readonly string[]
  readonly podRanges: readonly string[]
  readonly tlsCert: string
  readonly tlsKey: string
  readonly clientCA: string
  readonly controlPlane: boolean
  /** Of the node object, beside those that every node has; `--node-labels a=b,c=d`. */
  readonly nodeLabels: Readonly<Record<string, string>>
  /** `quick` without the flag. */
  readonly times: Times
  /** Folder of image files; by default the lab's own, beside the folder of pods. */
  readonly images: string
  /** -1 when nobody waits. */
  readonly readyFd: number
}

/** Reads `--name value` pairs; a name in `switches` has no value. @throws {FairwayError} POD_FLAG_BAD that names the flag */
export function readFlags(
  args: readonly string[],
  known: readonly string[],
  switches: readonly string[],
): ReadonlyMap<string, string> {
  const flags = new Map<string, string>()
  for (let index = 0; index < args.length; index++) {
    const flag = args[index] ?? ''
    const name = flag.replace(/^--/, '')
    if (switches.includes(name)) flags.set(name, 'true')
    else if (!flag.startsWith('--') || !known.includes(name))
      throw bad(flag, `is not known; known are ${[...known, ...switches].map((each) => `--${each}`).join(', ')}`)
    else if (args[index + 1] === undefined) throw bad(flag, 'needs a value')
    else flags.set(name, args[++index] ?? '')
  }
  return flags
}

/** @throws {FairwayError} POD_FLAG_BAD */
export function parseKubeletFlags(args: readonly string[]): KubeletFlags {
  const needed = ['node', 'kubeconfig', 'lab', 'dir', 'node-addresses', 'pod-ranges', 'tls-cert', 'tls-key', 'client-ca']
  const flags = readFlags(args, [...needed, 'images', 'node-labels', 'times', 'ready-fd'], ['control-plane'])
  const missing = needed.find((name) => !flags.get(name))
  if (missing !== undefined) throw bad(`--${missing}`, 'is missing')
  const text = (name: string): string => flags.get(name) ?? ''
  return {
    node: text('node'),
    kubeconfig: text('kubeconfig'),
    lab: text('lab'),
    dir: text('dir'),
    nodeAddresses: text('node-addresses').split(','),
    podRanges: text('pod-ranges').split(','),
    tlsCert: text('tls-cert'),
    tlsKey: text('tls-key'),
    clientCA: text('client-ca'),
    controlPlane: flags.has('control-plane'),
    nodeLabels: labelsOf(text('node-labels')),
    times: timesFlag(flags),
    images: text('images') || join(dirname(text('dir')), 'images'),
    readyFd: readyFd(flags),
  }
}

/** `a=b,c=d`; a label without `=` has an empty value. */
function labelsOf(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').filter((pair) => pair !== '')
  return Object.fromEntries(pairs.map((pair) => [pair.split('=')[0] ?? '', pair.split('=')[1] ?? '']))
}

/** The descriptor of `--ready-fd`, -1 without one. @throws {FairwayError} POD_FLAG_BAD */
export function readyFd(flags: ReadonlyMap<string, string>): number {
  const text = flags.get('ready-fd')
  if (text === undefined) return -1
  if (!/^\d+$/.test(text)) throw bad('--ready-fd', `must be a number, not "${text}"`)
  return Number(text)
}

/** The flag `--times`. @throws {FairwayError} POD_FLAG_BAD */
export function timesFlag(flags: ReadonlyMap<string, string>): Times {
  const text = flags.get('times') ?? 'quick'
  const times = TIMES.find((each) => each === text)
  if (times === undefined) throw bad('--times', `must be ${TIMES.join(' or ')}, not "${text}"`)
  return times
}

function bad(flag: string, problem: string): FairwayError {
  return new FairwayError(POD_FLAG_BAD, `The flag ${flag} ${problem}.`, { field: flag })
}
