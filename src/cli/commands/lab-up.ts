import { describeFaults, hostsThatCanServe } from '../../lab/faults.ts'
import { kubeconfigPath } from '../../lab/state.ts'
import type { Times } from '../../lab/topology.ts'
import { readTopologyFile } from '../../lab/topology-file/read.ts'
import { bringUp, type UpResult } from '../../lab/up.ts'
import type { Output } from '../terminal.ts'
import { answerAs, hint, Progress } from '../terminal.ts'

interface LabUpOptions {
  readonly name: string
  readonly apiPort?: number
  readonly file?: string
  readonly times?: Times
  readonly with?: 'bgp'
  readonly timeout: number
  readonly output: Output
}

/** `fairway lab up`: progress on the way, then one line, and on standard error what to type next. */
export async function labUp(options: LabUpOptions): Promise<void> {
  const began = performance.now()
  const topology = options.file === undefined ? undefined : readTopologyFile(options.file, { bgp: options.with === 'bgp' })
  const progress = new Progress()
  process.once('SIGINT', () => {
    progress.done()
    hint('interrupted: `fairway lab up` goes on from here, `fairway lab down` takes away what is there')
    process.exit(130)
  })
  try {
    const result = await bringUp({
      name: options.name,
      entry: process.argv[1] ?? '',
      timeoutInMs: options.timeout * 1_000,
      onStep: progress.step,
      ...(options.apiPort === undefined ? {} : { apiPort: options.apiPort }),
      ...(topology === undefined ? {} : { topology }),
      ...(options.with === undefined ? {} : { bgp: true }),
      ...(options.times === undefined ? {} : { times: options.times }),
    })
    progress.done()
    report(options, result, (performance.now() - began) / 1_000)
  } finally {
    progress.done()
  }
}

function report(options: LabUpOptions, result: UpResult, seconds: number): void {
  const { state, how } = result
  const api = `https://127.0.0.1:${state.apiPort}`
  const kubeconfig = kubeconfigPath(state.name, 'admin')
  const count = hostsThatCanServe(state).size
  const faults = describeFaults(state.faults)
  const words = { already: 'was already up', recovered: 'is up again', new: 'is up' }
  const value = { version: 1, name: state.name, how, api, kubeconfig, nodes: count, faults: state.faults, seconds }
  answerAs(
    options.output,
    value,
    () => `lab ${state.name} ${words[how]}: ${count} ${count === 1 ? 'node' : 'nodes'} Ready, ${seconds.toFixed(1)} s`,
  )
  if (options.apiPort !== undefined && options.apiPort !== state.apiPort) {
    hint(`  it keeps API port ${state.apiPort}; \`fairway lab down\` first, to change it`)
  }
  const name = state.name === 'lab' ? '' : ` --name ${state.name}`
  for (const { what, remedy } of faults) hint(`  ${what}; end that with:  fairway lab ${remedy}${name}`)
  hint(`  a shell outside the cluster, with kubectl and curl:  fairway lab shell${name}`)
  hint(`  kubectl from this machine:                           export KUBECONFIG=${kubeconfig}`)
  hint(`  take it down:                                        fairway lab down${name}`)
}
