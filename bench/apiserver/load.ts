/** What the benchmark and the soak test put on the server: objects, watchers, writers. */
import type { ServerProcess } from './server-process.ts'

export const NAMESPACE = 'default'
export const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`
export const SERVICES = `/api/v1/namespaces/${NAMESPACE}/services`

export const podName = (index: number): string => `pod-${String(index).padStart(5, '0')}`

/** A pod such as a Deployment makes. */
export const pod = (index: number): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: podName(index), labels: { app: `app-${index % 500}`, 'pod-template-hash': '5d4f8c7b9' } },
  spec: {
    nodeName: `node-${index % 100}`,
    containers: [
      {
        name: 'main',
        image: 'registry.example/app:1.2.3',
        ports: [{ name: 'http', containerPort: 8080 }],
        env: [{ name: 'A', value: 'b' }],
        readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
      },
    ],
  },
})

export const service = (index: number): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: `svc-${String(index).padStart(5, '0')}` },
  spec: { selector: { app: `app-${index % 500}` }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
})

/** What a kubelet says of a pod; `step` makes each one another. */
export const podStatus = (index: number, step: number): object => ({
  status: {
    phase: 'Running',
    podIP: `10.${128 + (index >> 14)}.${(index >> 6) & 255}.${index & 63}`,
    message: `step ${step}`,
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    })),
    containerStatuses: [{ name: 'main', ready: true, restartCount: step, image: 'a', imageID: 'b', started: true }],
  },
})

/** Runs `count` jobs, `lanes` at a time; resolves with the milliseconds that each took. */
export async function inLanes(count: number, lanes: number, job: (index: number) => Promise<void>): Promise<readonly number[]> {
  const took: number[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const from = performance.now()
      await job(index)
      took.push(performance.now() - from)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return took
}

const EVENT = /^\{"type":"([A-Z]+)".*?"resourceVersion":"(\d+)"/

/** One watcher: the versions of all events, in the order that they came. */
export class Watcher {
  readonly versions: number[] = []
  #rest = ''
  #heard: (() => void) | undefined

  static async open(server: ServerProcess, path: string, version: string): Promise<Watcher> {
    const watcher = new Watcher()
    const response = await server.open('GET', `${path}?watch=1&resourceVersion=${version}&timeoutSeconds=600`)
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => watcher.#read(chunk))
    response.on('error', () => undefined)
    return watcher
  }

  /** Resolves once `version` was seen. */
  async reached(version: number): Promise<void> {
    while ((this.versions.at(-1) ?? 0) < version)
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) {
      const [, type, version] = EVENT.exec(line) ?? []
      if (type !== 'BOOKMARK') this.versions.push(Number(version))
    }
    this.#heard?.()
  }
}
