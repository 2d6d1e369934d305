/** What a container says of its own end: a file that it may write, or the last lines of its log. */
import { chmod, mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Container } from '../../kube/types.ts'
import { parseLogQuery } from './cri-log.ts'
import { type LogFile, readLog } from './log-file.ts'
import type { Bind } from './sandbox.ts'

/** Sources: kubelet, pkg/kubelet/container/runtime.go MaxContainerTerminationMessage...; API reference of Container. */
const LONGEST_IN_BYTES = 4096
const LOG_LINES = 80
const LOG_IN_BYTES = 2048
const DEFAULT_PATH = '/dev/termination-log'

/** Lays an empty file for one run of a container. */
export async function layMessageFile(dir: string, container: Container): Promise<Bind> {
  const outside = join(dir, container.name)
  await mkdir(dir, { recursive: true, mode: 0o755 })
  await writeFile(outside, '')
  await chmod(outside, 0o666) // the program may have given up root
  return { outside, inside: container.terminationMessagePath || DEFAULT_PATH, readOnly: false }
}

/** The message of a run that has ended; '' for none. */
export async function terminationMessage(
  { outside }: Bind,
  { terminationMessagePolicy }: Container,
  exitCode: number,
  log: LogFile,
): Promise<string> {
  const written = await headOf(outside)
  if (written !== '' || exitCode === 0 || terminationMessagePolicy !== 'FallbackToLogsOnError') return written
  return tailOfLog(log)
}

async function headOf(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) return ''
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST_IN_BYTES), 0, LONGEST_IN_BYTES, 0)
    return buffer.subarray(0, bytesRead).toString()
  } finally {
    await file.close()
  }
}

async function tailOfLog(log: LogFile): Promise<string> {
  const query = parseLogQuery(new URLSearchParams({ tailLines: String(LOG_LINES) }), Date.now())
  if (typeof query === 'string') return ''
  let text = ''
  for await (const piece of readLog(log, query, new AbortController().signal)) text += piece
  return Buffer.from(text).subarray(-LOG_IN_BYTES).toString()
}
