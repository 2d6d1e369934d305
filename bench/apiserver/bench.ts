/** The lab's API server with 5,000 Pods, 5,000 Services and 50 watchers: lists, writes, memory, and what a kill loses. */
import { machine } from '../results.ts'
import { median, milliseconds, percentile, table, timed, times } from '../statistics.ts'
import { inLanes, PODS, pod, podName, podStatus, SERVICES, service, Watcher } from './load.ts'
import { type Answer, ServerProcess } from './server-process.ts'

const OBJECTS = 5_000
const WATCHERS = 50
const WRITES = 5_000
const LANES = 8
const LISTS = 10
const MERGE = 'application/merge-patch+json'
const AIM = { listInMs: 1_000, writesASecond: 500, bytes: 400 * 2 ** 20 }

interface Measured {
  readonly createsASecond: number
  readonly listsInMs: readonly number[]
  readonly writesASecond: number
  readonly writesInMs: readonly number[]
  readonly lastSeenInMs: number
  readonly listWhileWritingInMs: number
  readonly bytes: number
  readonly restartInMs: number
}

/** @throws {Error} when an answer is wrong, a watcher missed something, or a kill lost a write */
export async function measure(say: (text: string) => void): Promise<string> {
  const floor = await measureOne('floor')
  say(`floor: ${Math.round(floor.writesASecond)} writes a second, list in ${milliseconds(median(floor.listsInMs))}`)
  const own = await measureOne('lab-apiserver')
  say(`own: ${Math.round(own.writesASecond)} writes a second, list in ${milliseconds(median(own.listsInMs))}`)
  return section(own, floor, await machine([]))
}

async function measureOne(program: 'lab-apiserver' | 'floor'): Promise<Measured> {
  await using server = await ServerProcess.start(program)
  const fillInMs = await timed(async () => {
    await inLanes(OBJECTS, LANES, async (index) => expectStatus(await server.call('POST', SERVICES, service(index)), 201))
    await inLanes(OBJECTS, LANES, async (index) => expectStatus(await server.call('POST', PODS, pod(index)), 201))
  })
  const listsInMs = await inLanes(LISTS, 1, async () => expectStatus(await server.call('GET', '/api/v1/pods'), 200))
  const written = await writeWatched(server)
  const { highest } = server.memory()
  const restartInMs = program === 'floor' ? Number.NaN : await killed(server)
  return { createsASecond: (2 * OBJECTS * 1000) / fillInMs, listsInMs, ...written, bytes: highest, restartInMs }
}

function expectStatus({ status, body }: Answer, wanted: number): void {
  if (status !== wanted) throw new Error(`${status}: ${body.slice(0, 500)}`)
}

const versionOf = (body: string): number => Number(/"resourceVersion":"(\d+)"/.exec(body)?.[1])

async function writeWatched(server: ServerProcess) {
  const from = versionOf((await server.call('GET', `${PODS}?limit=1`)).body)
  const watchers = await Promise.all(Array.from({ length: WATCHERS }, () => Watcher.open(server, PODS, String(from))))
  const answered: number[] = []
  const took: number[] = []
  const writing = timed(async () => {
    const writesInMs = await inLanes(WRITES, LANES, async (index) => {
      const answer = await server.call(
        'PATCH',
        `${PODS}/${podName(index % OBJECTS)}/status`,
        podStatus(index % OBJECTS, index),
        MERGE,
      )
      expectStatus(answer, 200)
      answered.push(versionOf(answer.body))
    })
    took.push(...writesInMs)
  })
  const listWhileWritingInMs = await timed(() => server.call('GET', '/api/v1/pods'))
  const elapsedInMs = await writing
  const wanted = answered.toSorted((a, b) => a - b)
  const lastSeenInMs = await timed(() => Promise.all(watchers.map((watcher) => watcher.reached(wanted.at(-1) ?? 0))))
  for (const { versions } of watchers)
    if (versions.length !== wanted.length || versions.some((version, index) => version !== wanted[index]))
      throw new Error(`a watcher saw ${versions.length} of ${wanted.length} changes, or not in order`)
  return { writesASecond: (WRITES * 1000) / elapsedInMs, writesInMs: took, lastSeenInMs, listWhileWritingInMs }
}

/** Kills the server while it is written to; every acknowledged write is there when it is back. */
async function killed(server: ServerProcess): Promise<number> {
  const acknowledged = new Map<string, number>()
  const writing = inLanes(OBJECTS, LANES, async (index) => {
    const answer = await server.call('PATCH', `${PODS}/${podName(index)}/status`, podStatus(index, -1), MERGE)
    acknowledged.set(podName(index), versionOf(answer.body))
    if (acknowledged.size === OBJECTS / 5) await server.kill()
  })
  await writing.catch(() => undefined)
  const restartInMs = await timed(() => server.restart())
  const list = await server.call('GET', '/api/v1/pods')
  const { items } = JSON.parse(list.body) as {
    readonly items: readonly { readonly metadata: { readonly name: string; readonly resourceVersion: string } }[]
  }
  const stored = new Map(items.map(({ metadata }) => [metadata.name, Number(metadata.resourceVersion)]))
  for (const [name, version] of acknowledged)
    if ((stored.get(name) ?? 0) < version) throw new Error(`the write ${version} of ${name} was acknowledged, and lost`)
  return restartInMs
}

const met = (holds: boolean): string => (holds ? 'met' : 'missed')
const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

function section(own: Measured, floor: Measured, where: string): string {
  const list = median(own.listsInMs)
  const rows = [
    [
      'list of 5,000 Pods, median',
      times(list, median(floor.listsInMs)),
      milliseconds(list),
      milliseconds(median(floor.listsInMs)),
      `1.0 s, ${met(list <= AIM.listInMs)}`,
    ],
    [
      'the same while it is written to',
      times(own.listWhileWritingInMs, floor.listWhileWritingInMs),
      milliseconds(own.listWhileWritingInMs),
      milliseconds(floor.listWhileWritingInMs),
      `1.0 s, ${met(own.listWhileWritingInMs <= AIM.listInMs)}`,
    ],
    [
      'creations a second',
      times(floor.createsASecond, own.createsASecond),
      Math.round(own.createsASecond).toLocaleString('en-US'),
      Math.round(floor.createsASecond).toLocaleString('en-US'),
      `500, ${met(own.createsASecond >= AIM.writesASecond)}`,
    ],
    [
      'status writes a second, 50 watchers',
      times(floor.writesASecond, own.writesASecond),
      Math.round(own.writesASecond).toLocaleString('en-US'),
      Math.round(floor.writesASecond).toLocaleString('en-US'),
      `500, ${met(own.writesASecond >= AIM.writesASecond)}`,
    ],
    [
      'one of them at p99',
      times(percentile(own.writesInMs, 0.99), percentile(floor.writesInMs, 0.99)),
      milliseconds(percentile(own.writesInMs, 0.99)),
      milliseconds(percentile(floor.writesInMs, 0.99)),
      '-',
    ],
    [
      'last change to the last watcher',
      times(own.lastSeenInMs, floor.lastSeenInMs),
      milliseconds(own.lastSeenInMs),
      milliseconds(floor.lastSeenInMs),
      '-',
    ],
    [
      'memory of the process, highest',
      times(own.bytes, floor.bytes),
      mebibytes(own.bytes),
      mebibytes(floor.bytes),
      `400 MiB, ${met(own.bytes <= AIM.bytes)}`,
    ],
    ['from a kill in the middle of writes to serving again', '-', milliseconds(own.restartInMs), '-', '-'],
  ]
  return `## The lab's API server

5,000 Pods, 5,000 Services, 50 watchers, 8 writers, over TLS; the clients are another process. Beside it its floor, in the same run: a bare
Node server that reads and writes JSON, keeps each write in sqlite and tells it to every watcher, and does nothing else. Each of the 50
watchers saw all ${WRITES.toLocaleString('en-US')} changes once and in order, and no acknowledged write was lost by the kill, or the run would have failed.

${table(['', 'times its floor', 'own', 'floor', 'aim'], rows)}

${where}`
}
