/** Runs the recorded commands against a server of ours, in their order, each in the state in which it was recorded. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTestServer, type TestServer } from '../../../src/lab/apiserver/testing.ts'
import type { Replayed } from './compare.ts'
import { Hands } from './hands.ts'
import { type RecordingProxy, startProxy } from './proxy.ts'
import type { Recording } from './recording.ts'

const ROOT = new URL('../../../', import.meta.url).pathname
/** The folder that the recorded `manifests/...` are relative to. */
const FOLDER = join(ROOT, 'test/golden/kubernetes-1.36')
const SERVICES = '/api/v1/namespaces/default/services'
const PODS = '/api/v1/namespaces/default/pods'
const APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'
const MERGE = { type: 'application/merge-patch+json' }

/** What was done to the cluster between two commands, without being recorded. */
type Between = (server: TestServer, hands: Hands) => Promise<unknown>

/** The Service that commands were tried on was put back by then, without what `apply` had noted. */
const putBack: Between = (server) => {
  const annotations = { [APPLIED]: null }
  const spec = { externalTrafficPolicy: 'Cluster', sessionAffinity: 'None' }
  return server.call('PATCH', `${SERVICES}/web-np`, { metadata: { annotations }, spec }, MERGE)
}

const BEFORE: Readonly<Record<string, Between>> = {
  'apply-cold-novalidate': (_server, hands) => hands.bringUp(),
  'apply-pod': async (_server, hands) => hands.hold('starts'),
  'get-pods-wide': (_server, hands) => hands.available(2),
  'patch-strategic': (server) => server.call('PATCH', `${SERVICES}/web-np`, { spec: { sessionAffinity: 'ClientIP' } }, MERGE),
  'patch-merge': (server) => server.call('PATCH', `${SERVICES}/web-np`, { spec: { externalTrafficPolicy: 'Cluster' } }, MERGE),
  'apply-serverside': async (server) => {
    // An earlier server-side apply had noted the file as it stands.
    const noted =
      '{"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"app":"hp"},"name":"hp","namespace":"default"},"spec":{"containers":[{"image":"nginx:1.27","name":"web","ports":[{"containerPort":80,"hostPort":8086}]}]}}\n'
    await server.call('PATCH', `${PODS}/hp`, { metadata: { annotations: { [APPLIED]: noted } } }, MERGE)
  },
  'delete-pod': async (_server, hands) => hands.hold('ends'),
  diff: putBack,
  'wait-timeout': (server) => server.call('PATCH', `${PODS}/web`, { metadata: { labels: { w: '1' } } }, MERGE),
}

/** What happened to the cluster once a command had said a line. */
const ON_LINE: Readonly<Record<string, (hands: Hands, line: number) => void>> = {
  'rollout-status': (hands, line) => void hands.available(line),
}

/** What happened once a command watched. */
const ON_WATCH: Readonly<Record<string, Between>> = {
  'delete-pod': async (_server, hands) => hands.letGo(),
  'wait-ready': async (_server, hands) => hands.letGo(),
  'wait-delete': (server) => server.call('DELETE', `${PODS}/r1`),
}

/** Commands that a signal ended; here once they watch. */
const ENDLESS = new Set(['get-watch-one'])

/** The command that runs now. */
interface Running {
  name: string
  end(): unknown
}

export class Replay implements AsyncDisposable {
  readonly #server: TestServer
  readonly #proxy: RecordingProxy
  readonly #hands: Hands
  readonly #home: string
  readonly #running: Running

  private constructor(parts: {
    server: TestServer
    proxy: RecordingProxy
    hands: Hands
    home: string
    running: Running
  }) {
    this.#server = parts.server
    this.#proxy = parts.proxy
    this.#hands = parts.hands
    this.#home = parts.home
    this.#running = parts.running
  }

  static async start(): Promise<Replay> {
    const server = await startTestServer()
    const hands = new Hands(server)
    const running: Running = { name: '', end: () => undefined }
    const proxy = await startProxy(server.url, ({ query }) => {
      if (query.watch !== 'true') return
      void ON_WATCH[running.name]?.(server, hands)
      if (ENDLESS.has(running.name)) running.end()
    })
    return new Replay({ server, proxy, hands, home: await mkdtemp(join(tmpdir(), 'fwt-kubectl-')), running })
  }

  /** Runs one command as it was recorded. */
  async run(recorded: Recording): Promise<Replayed> {
    await BEFORE[recorded.name]?.(this.#server, this.#hands)
    await this.#hands.idle()
    this.#running.name = recorded.name
    this.#proxy.take()
    const { exit, stdout, stderr } = await this.#kubectl(recorded)
    const requests = this.#proxy.take()
    await this.#hands.idle()
    return { exit, stdout, stderr, requests }
  }

  #kubectl(recorded: Recording): Promise<Omit<Replayed, 'requests'>> {
    const { name, args } = recorded
    const env = { PATH: process.env.PATH, HOME: this.#home, KUBECONFIG: '/dev/null' }
    const child = spawn(join(ROOT, '.tools/kubectl'), [`--server=${this.#proxy.url}`, ...args], { cwd: FOLDER, env })
    const said = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => {
      said.stdout += chunk.toString()
      ON_LINE[name]?.(this.#hands, said.stdout.split('\n').length - 1)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      said.stderr += chunk.toString()
    })
    child.stdin.end(inputOf(recorded))
    this.#running.end = () => child.kill('SIGTERM')
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => {
        resolve({ exit: code ?? 1, ...said })
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hands.stop()
    await this.#hands.idle()
    await this.#proxy[Symbol.asyncDispose]()
    await this.#server[Symbol.asyncDispose]()
    await rm(this.#home, { recursive: true, force: true })
  }
}

/** What was piped into a command: the object that it sent, or the one that an apply says it was given. */
function inputOf({ args, requests }: Recording): string {
  if (!args.includes('-')) return ''
  const sent = requests.find((exchange) => exchange.sent !== undefined)?.sent as
    | { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } }
    | undefined
  return sent?.metadata?.annotations?.[APPLIED] ?? JSON.stringify(sent)
}
