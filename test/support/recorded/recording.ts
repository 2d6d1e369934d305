/** What kubectl did against a real cluster, command by command. */
import { readdirSync, readFileSync } from 'node:fs'

/** One request of a command and its answer. `body` is absent where the recording has none. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** Absent: no answer came. */
  readonly status?: number | null
  /** Content type of what was sent. */
  readonly type?: string
  readonly sent?: unknown
  readonly body?: unknown
}

export interface Recording {
  readonly name: string
  /** Its place in the session. */
  readonly order: number
  readonly args: readonly string[]
  readonly exit: number
  /** Cut off after 9,000 characters. */
  readonly stdout: string
  readonly stderr: string
  readonly requests: readonly Exchange[]
}

const FOLDER = new URL('../../golden/kubernetes-1.36/kubectl/', import.meta.url)
const NOT_COMMANDS = new Set(['protobuf-bodies.json'])

/** Every recorded command, in the order in which they were given. */
export function readRecordings(): readonly Recording[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.json') && !NOT_COMMANDS.has(file))
    .map((file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Recording)
    .toSorted((a, b) => a.order - b.order)
}
