/** A node of one kubelet: a namespace, a small API in it, certificates, and the kubelet as the process that it is in a lab. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { expect } from 'vitest'
import type { KubeObject } from '../../../src/kube/types.ts'
import { removeGroups } from '../../../src/lab/kubelet/limit/sweep.ts'
import { makeCertificates } from '../../../src/lab/pki.ts'
import { DEFAULT_TOPOLOGY, type Topology } from '../../../src/lab/topology.ts'
import { inNetns, ipBatch, netnsPath } from '../../../src/linux/netns.ts'
import { run, tryRun } from '../../../src/linux/run.ts'
import { FakeApi } from './fake-api.ts'

const ROOT = new URL('../../..', import.meta.url).pathname

const TOPOLOGY: Topology = {
  ...DEFAULT_TOPOLOGY,
  nodes: [
    {
      name: 'n1',
      role: 'node',
      ipv4: '192.168.77.1',
      ipv6: 'fd00:77::1',
      podIPv4: '10.77.1.0/29',
      podIPv6: 'fd00:10:77::/64',
      controlPlane: true,
    },
  ],
}

export interface CurlAnswer {
  readonly exitCode: number
  readonly stdout: string
}

export class KubeletRig {
  readonly api = new FakeApi()
  readonly lab: string
  readonly netns: string
  readonly dir: string
  readonly images: string
  #kubelet: ChildProcess | undefined
  #server = ''
  #log = ''

  private constructor() {
    this.lab = `k${process.pid}`
    this.netns = `fwt-kl-${process.pid}`
    this.dir = mkdtempSync(join(tmpdir(), 'fwt-kl-'))
    this.images = join(this.dir, 'images')
  }

  static async create(): Promise<KubeletRig> {
    const rig = new KubeletRig()
    try {
      await run(['ip', 'netns', 'add', rig.netns])
      await ipBatch(rig.netns, ['link set lo up', 'addr add 192.168.77.1/32 dev lo', 'addr add fd00:77::1/128 dev lo nodad'])
      await run(['mkdir', '-p', rig.images, join(rig.dir, 'pki')])
      await makeCertificates(join(rig.dir, 'pki'), TOPOLOGY)
      rig.#server = await rig.api.listen(netnsPath(rig.netns))
      await rig.startKubelet()
      return rig
    } catch (error) {
      await rig.destroy()
      throw error
    }
  }

  /** Starts the kubelet and waits until it says that it is ready. */
  async startKubelet(): Promise<void> {
    const pki = join(this.dir, 'pki')
    const kubeconfig = join(this.dir, 'kubeconfig')
    const name = 'x'
    const config = {
      contexts: [{ name, context: { cluster: name } }],
      clusters: [{ name, cluster: { server: this.#server } }],
      'current-context': name,
    }
    writeFileSync(kubeconfig, JSON.stringify(config))
    const args = [
      ...[
        join(ROOT, 'src/main.ts'),
        'lab-kubelet',
        '--node',
        'n1',
        '--kubeconfig',
        kubeconfig,
        '--lab',
        this.lab,
        '--dir',
        join(this.dir, 'pods'),
      ],
      ...[
        '--node-addresses',
        '192.168.77.1,fd00:77::1',
        '--pod-ranges',
        '10.77.1.0/29,fd00:10:77::/64',
        '--images',
        this.images,
        '--control-plane',
      ],
      ...[
        '--tls-cert',
        join(pki, 'kubelet-n1-serving.crt'),
        '--tls-key',
        join(pki, 'kubelet-n1-serving.key'),
        '--client-ca',
        join(pki, 'ca.crt'),
      ],
      ...['--ready-fd', '3'],
    ]
    const [program = '', ...words] = inNetns(this.netns, ['setpriv', '--pdeathsig', 'KILL', '--', process.execPath, ...args])
    const child = spawn(program, words, { stdio: ['ignore', 'inherit', 'pipe', 'pipe'] })
    this.#kubelet = child
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString()
    })
    const ready = once(child.stdio[3] as Readable, 'data')
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the kubelet ended with ${String(code)}: ${this.#log}`)
    })
    const late = setTimeout(20_000).then(() => {
      throw new Error(`the kubelet is not ready: ${this.#log}`)
    })
    for (const failure of [ended, late]) failure.catch(() => undefined)
    await Promise.race([ready, ended, late])
  }

  get log(): string {
    return this.#log
  }

  /** Ends the kubelet and waits for its end. */
  async endKubelet(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#kubelet
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  pod(name: string, spec: object, metadata: object = {}): KubeObject {
    const whole = { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, nodeName: 'n1', ...spec }
    return this.api.create('pods', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', ...metadata },
      spec: whole,
    } as KubeObject)
  }

  status(name: string): {
    phase?: string
    podIPs?: { ip: string }[]
    containerStatuses?: Record<string, never>[]
    conditions?: { type: string; status: string }[]
  } {
    return (this.api.get('pods', 'default', name)?.status ?? {}) as ReturnType<KubeletRig['status']>
  }

  untilReady(name: string): Promise<void> {
    return this.api.until(() => this.isReady(name), `pod ${name} Ready`)
  }

  isReady(name: string): boolean {
    return this.status(name).conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  }

  untilGone(name: string): Promise<void> {
    return this.api.until(() => this.api.get('pods', 'default', name) === undefined, `pod ${name} gone`)
  }

  /** curl in the node's namespace. */
  async curl(...args: readonly string[]): Promise<CurlAnswer> {
    return tryRun(inNetns(this.netns, ['curl', '-sS', '--max-time', '3', ...args]))
  }

  /** Tries until the server listens: for pods without a readiness probe. */
  curlUntilUp(url: string): Promise<CurlAnswer> {
    return this.curl('--retry', '40', '--retry-connrefused', '--retry-delay', '0', '--retry-max-time', '5', url)
  }

  /** GET at the kubelet's server, with the API server's client certificate. */
  async kubeletGet(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const pki = join(this.dir, 'pki')
    const cert = join(pki, 'apiserver-kubelet-client.crt')
    const key = join(pki, 'apiserver-kubelet-client.key')
    const answer = await this.curl(
      '--cacert',
      join(pki, 'ca.crt'),
      '--cert',
      cert,
      '--key',
      key,
      '-w',
      '\n%{http_code}',
      `https://192.168.77.1:10250${path}`,
    )
    const lines = answer.stdout.split('\n')
    return { status: Number(lines.pop()), body: lines.join('\n') }
  }

  /** Follows a log until it shows something, and returns it so far. */
  curlLog(path: string, words: string): Promise<string> {
    const pki = join(this.dir, 'pki')
    const tls = [
      '--cacert',
      join(pki, 'ca.crt'),
      '--cert',
      join(pki, 'apiserver-kubelet-client.crt'),
      '--key',
      join(pki, 'apiserver-kubelet-client.key'),
    ]
    const [program = '', ...args] = inNetns(this.netns, [
      'curl',
      '-sSN',
      '--max-time',
      '10',
      ...tls,
      `https://192.168.77.1:10250${path}`,
    ])
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      let text = ''
      const take = (chunk: Buffer) => {
        text += chunk.toString()
        if (!text.includes(words)) return
        resolve(text)
        child.kill()
      }
      child.stdout.on('data', take)
      child.stderr.on('data', take)
      child.on('close', () => reject(new Error(`the log ended without ${JSON.stringify(words)}: ${text}`)))
    })
  }

  /** Starts what a runner may leave that was killed too early: a process in the node's network, numbered in a namespace of its own. */
  async leaveOrphan(): Promise<string> {
    const before = await this.processes()
    const [program = '', ...args] = inNetns(this.netns, ['unshare', '--pid', '--fork', 'sh', '-c', 'echo up; exec sleep 300'])
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    await once(child.stdout, 'data')
    const fresh = (await this.processes()).filter((pid) => !before.includes(pid) && pid !== String(child.pid))
    expect(fresh).toHaveLength(1)
    return fresh[0] ?? ''
  }

  /** Resolves when no container of this rig runs any more: the kernel ends them with their kubelet, without telling anyone. */
  async untilNoProcess(): Promise<void> {
    for (let left = 200; left > 0 && (await this.processes()).length > 0; left--) await setTimeout(10)
    expect(await this.processes()).toEqual([])
  }

  /** What of this rig is on the machine: pod namespaces, bubblewraps, mounts, directories of pods. */
  async leftovers(): Promise<readonly string[]> {
    const namespaces = readdirSync('/run/netns').filter((name) => name.startsWith(`fw-${this.lab}-`))
    const links = (await run(inNetns(this.netns, ['ip', '-o', 'link', 'show', 'type', 'veth'])))
      .split('\n')
      .filter((line) => line !== '')
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(this.dir) || line.includes(`fw-${this.lab}-`))
    const pods = join(this.dir, 'pods', 'n1')
    const files = existsSync(pods) ? readdirSync(pods).filter((name) => name !== 'addresses.json') : []
    return [...namespaces, ...links, ...mounts, ...files, ...(await this.processes())]
  }

  /** Process ids in this rig's namespaces, the kubelet's own left out. */
  async processes(): Promise<readonly string[]> {
    const names = readdirSync('/run/netns').filter((name) => name === this.netns || name.startsWith(`fw-${this.lab}-`))
    const lists = await Promise.all(names.map(async (name) => (await tryRun(['ip', 'netns', 'pids', name])).stdout.split('\n')))
    return lists.flat().filter((pid) => pid !== '' && Number(pid) !== this.#kubelet?.pid)
  }

  async destroy(): Promise<void> {
    await this.endKubelet('SIGTERM')
    await removeGroups(this.lab)
    this.api.close()
    for (const name of readdirSync('/run/netns').filter((each) => each.startsWith(`fw-${this.lab}-pod-`)))
      await tryRun(['ip', 'netns', 'delete', name])
    await tryRun(['ip', 'netns', 'delete', this.netns])
    rmSync(this.dir, { recursive: true, force: true })
  }
}
