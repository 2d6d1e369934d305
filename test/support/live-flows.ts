/** Flows of UDP on hosts of a lab: somebody who echoes, and somebody who asks and says how long nobody answered. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { inNetns } from '../../src/linux/netns.ts'
import type { FlowsResult } from '../live/bgp/flows.ts'

const PROGRAM = fileURLToPath(new URL('../live/bgp/flows.ts', import.meta.url))

export interface Asking {
  /** Stops asking. */
  end(): Promise<FlowsResult>
}

/** Echoes at an address of that namespace until the process is killed; resolves once it listens. */
export async function startEcho(namespace: string, address: string, port: number): Promise<ChildProcess> {
  const child = startProgram(namespace, ['echo', address, String(port)])
  await lineOf(child)
  return child
}

/** Asks from that namespace, every 10 ms on each flow; resolves once every flow was answered. */
export async function startAsking(namespace: string, address: string, port: number, flows = 16): Promise<Asking> {
  const child = startProgram(namespace, ['ask', address, String(port), String(flows), '10'])
  await lineOf(child)
  return {
    end: async () => {
      const line = lineOf(child)
      child.stdin?.end()
      return JSON.parse(await line) as FlowsResult
    },
  }
}

/** A program of this project in a namespace, with its input and output. */
export function startProgram(namespace: string, args: readonly string[], file = PROGRAM): ChildProcess {
  const [program = '', ...rest] = inNetns(namespace, [process.execPath, file, ...args])
  return spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
}

/** What it prints next. @throws {Error} when it ends before */
export async function lineOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('it has no output')
  const lines = createInterface({ input: child.stdout })
  const line = once(lines, 'line').then(([text]) => String(text))
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`it ended (${code ?? signal})`)
  })
  try {
    return await Promise.race([line, ended])
  } finally {
    ended.catch(() => undefined)
    lines.close()
  }
}
