/** Requests and an upgraded connection through a real HAProxy, while what it is told changes all the time. */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { inNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import type { CertificateSecret, Ingress, IngressChange } from '../../src/model/ingress.ts'
import { HaproxyRig } from './haproxy-rig.ts'
import { anIngress, anIngressWorld, aPath, served } from './ingress.ts'
import { makeCertificate } from './openssl.ts'
import { anEndpoint, aSlice } from './world.ts'

const PROGRAM = fileURLToPath(new URL('./tunnel-hold.ts', import.meta.url))
const TUNNEL = served('tunnel', '10.6.0.200')
const WEB = served('web', '10.6.0.1')
/** Where the Service `web` may be. */
const ADDRESSES = Array.from({ length: 4 }, (_, index) => `10.6.0.${index + 1}`)

export interface LoadResult {
  readonly requests: number
  /** What wrk says of failures; '' for none. */
  readonly failures: string
  readonly tunnel: { readonly said: number; readonly heard: number; readonly end: string }
  readonly reloads: Readonly<Record<string, number>>
}

/** Close it also when something failed. */
export class HaproxyLoad {
  readonly rig: HaproxyRig
  private readonly ingresses = new Map<string, Ingress>()
  private readonly secrets = new Map<string, CertificateSecret>()
  private readonly given = anIngressWorld({ services: [WEB, TUNNEL] })
  private readonly endpointSlices = new Map(this.given.endpointSlices)
  private readonly world = {
    ...this.given,
    ingresses: this.ingresses,
    secrets: this.secrets,
    endpointSlices: this.endpointSlices,
  }

  constructor(name: string) {
    this.rig = new HaproxyRig(name)
  }

  async up(): Promise<void> {
    const { rig } = this
    await rig.up()
    for (const address of [...ADDRESSES, '10.6.0.200']) await rig.address(address)
    await rig.backends(anIngressWorld({ services: ADDRESSES.map((address) => served('web', address)).map(unlike) }))
    rig.start([process.execPath, PROGRAM, 'serve', '10.6.0.200', '8080'])
    this.put('web', 'web.test', 'web')
    this.put('tunnel', 'tunnel.test', 'tunnel')
    await this.certificate('first')
    const tls = [{ hosts: ['web.test'], secret: 'default/web' }]
    this.ingresses.set('default/web', anIngress('web', { rules: [{ host: 'web.test', paths: [aPath('/', 'web')] }], tls }))
    await rig.serve(this.world)
  }

  /** Asks for as long as the action takes. */
  async during(action: () => Promise<void>): Promise<LoadResult> {
    const tunnel = this.rig.start([process.execPath, PROGRAM, '127.0.0.1', '80', 'tunnel.test'])
    if (tunnel.stdout === null) throw new Error('the tunnel has no output')
    const lines = createInterface({ input: tunnel.stdout })[Symbol.asyncIterator]()
    const { value: opened } = (await lines.next()) as { value?: string }
    if (opened !== 'open') throw new Error(`the upgraded connection did not open: ${opened}`)
    // it ends itself when it is told to, and says what it saw
    const load = this.rig.start(['wrk', '-t1', '-c8', '-d600s', '--latency', '-H', 'Host: web.test', 'http://127.0.0.1/'])
    let said = ''
    load.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    try {
      await action()
    } finally {
      const over = once(load, 'close')
      // one that hears it before it sleeps sleeps all its time: it is told again
      const telling = setInterval(() => load.kill('SIGINT'), 50)
      await over
      clearInterval(telling)
      tunnel.stdin?.end()
    }
    const { value } = (await lines.next()) as { value: string }
    return {
      requests: Number(/(\d+) requests in/.exec(said)?.[1] ?? 0),
      failures: /Socket errors:.*|Non-2xx.*/.exec(said)?.[0] ?? '',
      tunnel: JSON.parse(value) as LoadResult['tunnel'],
      reloads: Object.fromEntries(this.rig.engine.counters.reloads),
    }
  }

  /** Other endpoints, some of those before among them. */
  async endpoints(turn: number): Promise<void> {
    const some = ADDRESSES.filter((_, index) => index === turn % ADDRESSES.length || (turn >> 2) % 2 === index % 2)
    await this.endpointsOf('web', some)
  }

  async endpointsOf(service: string, addresses: readonly string[]): Promise<void> {
    const key = `default/${service}-1`
    const ports = [{ name: 'http', protocol: 'tcp' as const, port: 8080 }]
    this.endpointSlices.set(key, aSlice(key, `default/${service}`, { ports, endpoints: addresses.map((one) => anEndpoint(one)) }))
    await this.tell({ kind: 'endpointSlice', key })
  }

  /** A route that comes, or one that goes again. */
  async route(turn: number): Promise<void> {
    const name = `r${turn >> 1}`
    if (turn % 2 === 0) this.put(name, `${name}.test`, 'web')
    else this.ingresses.delete(`default/${name}`)
    await this.tell({ kind: 'ingress', key: `default/${name}` })
  }

  /** Another certificate for the same host. */
  async certificate(name: string): Promise<void> {
    const made = await makeCertificate([`${name}.test`])
    this.secrets.set('default/web', { key: 'default/web', ...made, problem: '' })
    await this.tell({ kind: 'secret', key: 'default/web' })
  }

  /** The common name of what web.test is shown. */
  async shown(): Promise<string> {
    const command = [
      'curl',
      '-skv',
      '-o',
      '/dev/null',
      '--stderr',
      '-',
      '--resolve',
      'web.test:443:127.0.0.1',
      'https://web.test/',
    ]
    return /subject: CN=(\S+)/.exec(await run(inNetns(this.rig.netns, command)))?.[1] ?? ''
  }

  /** The controller is killed, and another one begins with what it finds. */
  async takeOver(): Promise<void> {
    this.rig.forget()
    await this.rig.serve(this.world)
  }

  async reload(): Promise<void> {
    this.rig.engine.demandReload()
    await this.rig.verify()
    await this.route(0)
  }

  down(): Promise<void> {
    return this.rig.down()
  }

  private put(name: string, host: string, service: string): void {
    this.ingresses.set(`default/${name}`, anIngress(name, { rules: [{ host, paths: [aPath('/', service)] }] }))
  }

  private async tell(change: IngressChange): Promise<void> {
    // before the first plan all is told at once
    if (this.rig.planner.entries.size > 0) await this.rig.serve(this.world, [change])
  }
}

/** Services of one name each, so that a world can have them all. */
function unlike({ service, slice }: ReturnType<typeof served>, index: number): ReturnType<typeof served> {
  const key = `default/web-${index}`
  return { service: { ...service, key }, slice: { ...slice, key, service: key } }
}
