import { readFileSync } from 'node:fs'
import type { Output } from '../terminal.ts'
import { answerAs } from '../terminal.ts'

/** `fairway version`: of Fairway and of the Node that runs it. */
export function version(options: { output: Output }): void {
  const { version: own } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const node = process.versions.node
  answerAs(options.output, { version: 1, fairway: own, node }, () => `fairway ${own} (Node ${node})`)
}
