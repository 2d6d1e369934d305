import own from '../../../package.json' with { type: 'json' }
import type { Output } from '../terminal.ts'
import { answerAs } from '../terminal.ts'

/** `fairway version`: of Fairway and of the Node that runs it. */
export function version(options: { output: Output }): void {
  const node = process.versions.node
  answerAs(options.output, { version: 1, fairway: own.version, node }, () => `fairway ${own.version} (Node ${node})`)
}
