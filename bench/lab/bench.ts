/** The lab: from nothing to three Ready nodes, and from `apply` of a pod and its Service to the first answer at another node. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, tryRun } from '../../src/linux/run.ts'
import { machine } from '../results.ts'
import { median, milliseconds, percentile, table, timed, times } from '../statistics.ts'
import { floorOfAnswer, floorOfUp } from './floor.ts'

const ROOT = join(import.meta.dirname, '../..')
const RUNS = 5
const AIM = { upInMs: 5_000, answerInMs: 2_000 }
const LIMIT_IN_MS = 120_000
const LAB = ['--name', 'bench']
const fairway = (...args: readonly string[]) => [process.execPath, join(ROOT, 'src/main.ts'), ...args]
const manifest = () => readFileSync(join(ROOT, 'demo/seed/node-port/manifest.yaml'), 'utf8')

/** In one shell on `client`, so that only one `lab exec` is in the time: apply, then ask until there is an answer. */
const APPLY_AND_ASK = 'kubectl apply -f - >&2 && until curl -sf -m 1 -o /dev/null http://192.168.0.240:30018; do sleep 0.02; done'

interface Measured {
  readonly upInMs: number
  readonly answerInMs: number
  readonly floorUpInMs: number
  readonly floorAnswerInMs: number
}

/** @throws {FairwayError} when the lab does not come up or the pod does not answer */
export async function measure(say: (text: string) => void): Promise<string> {
  const runs: Measured[] = []
  for (let index = 0; index < RUNS; index++) {
    const one = await measureOnce()
    say(`run ${index + 1} of ${RUNS}: up ${milliseconds(one.upInMs)}, first answer ${milliseconds(one.answerInMs)}`)
    runs.push(one)
  }
  return section(
    runs,
    await machine([
      ['nginx', '-v'],
      ['bwrap', '--version'],
    ]),
  )
}

async function measureOnce(): Promise<Measured> {
  const floorUpInMs = await floorOfUp()
  const floorAnswerInMs = await floorOfAnswer(kubectlProgram())
  const options = { signal: AbortSignal.timeout(LIMIT_IN_MS) }
  try {
    const upInMs = await timed(() => run(fairway('lab', 'up', ...LAB), options))
    const ask = fairway('lab', 'exec', ...LAB, 'client', '--', 'sh', '-c', APPLY_AND_ASK)
    const answerInMs = await timed(() => run(ask, { ...options, input: manifest() }))
    return { upInMs, answerInMs, floorUpInMs, floorAnswerInMs }
  } finally {
    await tryRun(fairway('lab', 'down', ...LAB))
  }
}

/** The project's own kubectl, or the one on PATH. */
function kubectlProgram(): string {
  const own = join(ROOT, '.tools/kubectl')
  return existsSync(own) ? own : 'kubectl'
}

function section(runs: readonly Measured[], where: string): string {
  const row = (name: string, aim: number, taken: readonly number[], floor: readonly number[]) => [
    name,
    `**${times(median(taken), median(floor))}**`,
    milliseconds(median(taken)),
    milliseconds(percentile(taken, 1)),
    milliseconds(median(floor)),
    `${milliseconds(aim)}, ${median(taken) <= aim ? 'met' : 'missed'}`,
  ]
  return [
    '## Lab',
    '',
    `${runs.length} runs. No other cluster in a box (kind, minikube) runs without containers, so the lab is set beside its floor: the bare processes that it`,
    'cannot do without, started in the same run and doing nothing (as many Node processes as the lab has roles, six namespaces; for the first',
    'answer a bare Node, a kubectl that asks nobody, and nginx in bubblewrap).',
    '',
    table(
      ['', 'times its floor', 'median', 'worst', 'floor, median', 'aim'],
      [
        row(
          '`lab up` to three nodes Ready',
          AIM.upInMs,
          runs.map((one) => one.upInMs),
          runs.map((one) => one.floorUpInMs),
        ),
        row(
          '`apply` to the first answer',
          AIM.answerInMs,
          runs.map((one) => one.answerInMs),
          runs.map((one) => one.floorAnswerInMs),
        ),
      ],
    ),
    '',
    where,
  ].join('\n')
}
