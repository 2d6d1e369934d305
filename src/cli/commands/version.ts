import { readFileSync } from 'node:fs'
import type { Output } from '../program.ts'
import { answer, answerJson } from '../terminal.ts'

/** `fairway version`: of Fairway and of the Node that runs it. */
export function version(options: { output: Output }): void {
  const { version: own } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const node = process.versions.node
  if (options.output === 'json') return answerJson({ version: 1, fairway: own, node })
  answer(`fairway ${own} (Node ${node})`)
}
