/** Writes docs/reference/kubectl.md: every recorded kubectl command, and whether our API server answers the same. */
import { writeFileSync } from 'node:fs'
import { DIFFERENCES } from '../test/support/recorded/differences.ts'
import { type Recording, readRecordings } from '../test/support/recorded/recording.ts'

const escaped = (text: string): string => text.replaceAll('|', '\\|')

function row({ name, args }: Recording): string {
  const difference = DIFFERENCES[name]
  const verdict = difference === undefined ? 'same' : difference.at === undefined ? 'works here' : 'differs'
  return `| \`kubectl ${escaped(args.join(' '))}\` | ${verdict} | ${escaped(difference?.why ?? '')} |`
}

/** The page; a test holds it to what this would write. */
export function kubectlPage(): string {
  const recordings = readRecordings()
  const same = recordings.filter(({ name }) => DIFFERENCES[name] === undefined).length
  return [
    '# kubectl against the lab',
    '',
    'Commands that kubectl 1.36.2 was given against a real Kubernetes 1.36 (etcd, API server, controllers, scheduler; no kubelets), in that',
    'order, and what the lab does with the same commands from kubectl 1.36.3. "Same" means: exit code, standard output and errors; method,',
    'path, query, type and status of each request; status, reason and fields of each answer. What must differ from run to run',
    '(names and numbers that a server chooses, times, ages) is left out, and so are field ownership and the authority of a vendor that the',
    'recorded build also gives pods. `test/live/kubectl-recorded.test.ts` runs them all; this page is written by `make generate`.',
    '',
    `${same} of ${recordings.length} are the same.`,
    '',
    '| command | | why |',
    '|---|---|---|',
    ...recordings.map(row),
    '',
  ].join('\n')
}

if (import.meta.main) writeFileSync(new URL('../docs/reference/kubectl.md', import.meta.url), kubectlPage())
