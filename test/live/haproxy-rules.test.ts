/** Planned Ingresses, written for a real HAProxy, and asked over HTTP in a namespace of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { configText } from '../../src/engine/haproxy/config.ts'
import { mapEntry } from '../../src/engine/haproxy/maps.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import type { IngressWorld } from '../../src/model/ingress.ts'
import type { L7Entry } from '../../src/model/l7.ts'
import { createIngressPlanner } from '../../src/plan/ingress.ts'
import { FALLBACK, HOSTS, PATHS } from '../support/ingress-cases.ts'

const NETNS = `fwt-hap-${process.pid}`
const dir = mkdtempSync(join(tmpdir(), 'fwt-haproxy-'))
const children: ChildProcess[] = []

beforeAll(async () => {
  await run(['ip', 'netns', 'add', NETNS])
  await run(inNetns(NETNS, ['ip', 'link', 'set', 'lo', 'up']))
})
afterAll(async () => {
  await Promise.all(children.map(stop))
  await tryRun(['ip', 'netns', 'del', NETNS])
  rmSync(dir, { recursive: true, force: true })
})

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const over = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await over
}

function start(config: string): ChildProcess {
  const [command = '', ...args] = inNetns(NETNS, ['haproxy', '-db', '-f', config])
  const child = spawn(command, args, { stdio: 'ignore' })
  children.push(child)
  return child
}

/** One that says its name at each of the addresses. */
async function serve({ endpointSlices }: IngressWorld): Promise<void> {
  const fronts = [...endpointSlices.values()].map(({ service, endpoints: [endpoint] }, at) => {
    const answer = `http-request return status 200 content-type text/plain string ${service.split('/')[1]}`
    return `frontend f${at}\n  bind ${endpoint?.address}:8080\n  ${answer}\n`
  })
  const addresses = [...endpointSlices.values()].flatMap(({ endpoints }) => endpoints.map(({ address }) => address))
  for (const address of addresses) await run(inNetns(NETNS, ['ip', 'address', 'replace', `${address}/32`, 'dev', 'lo']))
  writeFileSync(join(dir, 'servers.cfg'), `defaults\n  mode http\n  timeout client 5s\n${fronts.join('')}`)
  start(join(dir, 'servers.cfg'))
}

function write(entries: Iterable<L7Entry>): string {
  const all = [...entries]
  const lines = all.flatMap((entry) => (entry.kind === 'rule' ? [mapEntry(entry)] : []))
  for (const map of ['exact', 'prefix'] as const) {
    const text = lines.flatMap((one) => (one.map === map ? [`${one.line}\n`] : [])).join('')
    writeFileSync(join(dir, `${map}.map`), text)
  }
  const listeners = all.filter((entry) => entry.kind === 'listener').filter(({ protocol }) => protocol === 'http')
  const config = join(dir, 'haproxy.cfg')
  writeFileSync(config, configText({ directory: dir, listeners, backends: all.filter((entry) => entry.kind === 'backend') }))
  return config
}

async function answerTo(host: string, path: string): Promise<string> {
  const header = host === '' ? 'Host;' : `Host: ${host}`
  const curl = ['curl', '-s', '-m', '3', '-w', '%{http_code}', '--http1.1', '-H', header, `http://127.0.0.1${path}`]
  const { stdout } = await tryRun(inNetns(NETNS, curl))
  const [, body = '', status = ''] = /^([\s\S]*)(\d{3})$/.exec(stdout) ?? []
  return status === '200' ? body : status
}

describe.each([
  ['paths', PATHS],
  ['hosts', HOSTS],
  ['fallback', FALLBACK],
] as const)('the conformance cases of %s', (_name, { world, cases }) => {
  beforeAll(async () => {
    await Promise.all(children.splice(0).map(stop))
    const planner = createIngressPlanner({ httpPort: 80, httpsPort: 443, takesProxyProtocol: false, defaultCertificate: '' })
    planner.update(world, [])
    const config = write(planner.entries.values())
    expect(await tryRun(['haproxy', '-c', '-f', config])).toMatchObject({ exitCode: 0 })
    await serve(world)
    start(config)
    const [first = { host: '', path: '/', answer: '' }] = cases
    await vi.waitFor(async () => expect(await answerTo(first.host, first.path)).toBe(first.answer), {
      timeout: 5_000,
      interval: 20,
    })
  })

  test.each(cases)('$host $path: $answer', async ({ host, path, answer }) => {
    expect(await answerTo(host, path)).toBe(answer)
  })
})
