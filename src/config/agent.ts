/** Configuration of the agent: flags, then the environment. */
import { parseArgs } from 'node:util'
import { FairwayError } from '../model/code.ts'
import { USAGE_WRONG } from '../model/codes/usage.ts'

export interface AgentConfig {
  /** The node's name in the API: --node, or NODE_NAME. */
  readonly node: string
  /** --kubeconfig; absent: KUBECONFIG, the service account, ~/.kube/config. */
  readonly kubeconfig?: string
  /** Where the agent keeps its socket: --dir. */
  readonly dir: string
  /** Where READY is written: --ready-fd. */
  readonly readyFd?: number
  /** Remove everything from the node and end: --cleanup. */
  readonly cleanup: boolean
}

const DEFAULT_DIR = '/run/fairway/agent'

/** @throws {FairwayError} USAGE_WRONG */
export function readAgentConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): AgentConfig {
  const flags = parse(args)
  const node = flags.node ?? env.NODE_NAME ?? ''
  const cleanup = flags.cleanup === true
  if (node === '' && !cleanup) {
    const fix = 'Give --node NAME, or set NODE_NAME as the DaemonSet does.'
    throw new FairwayError(USAGE_WRONG, 'The agent was not told the name of its node.', { field: '--node', fix })
  }
  const readyFd = flags['ready-fd'] === undefined ? undefined : Number(flags['ready-fd'])
  if (readyFd !== undefined && !(Number.isInteger(readyFd) && readyFd > 2)) {
    const message = `--ready-fd is "${flags['ready-fd']}", which is not the number of an open descriptor above 2.`
    throw new FairwayError(USAGE_WRONG, message, { field: '--ready-fd' })
  }
  return { node, kubeconfig: flags.kubeconfig, dir: flags.dir ?? DEFAULT_DIR, readyFd, cleanup }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        node: { type: 'string' },
        kubeconfig: { type: 'string' },
        dir: { type: 'string' },
        'ready-fd': { type: 'string' },
        cleanup: { type: 'boolean' },
      },
    })
    return values
  } catch (cause) {
    const fix = 'The agent takes --node NAME, --kubeconfig FILE, --dir DIR, --ready-fd N and --cleanup.'
    throw new FairwayError(USAGE_WRONG, cause instanceof Error ? cause.message : String(cause), { fix, cause })
  }
}
