/**
 * What HAProxy has counted, for Prometheus: its own page, with the names that users know beside those of sections, and without sections that nobody has.
 * Source: HAProxy, addons/promex/README (scopes and metrics); Prometheus, exposition formats.
 */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { HAPROXY_AWAY } from '../../model/codes/haproxy.ts'
import { EngineError } from '../../model/engine.ts'
import { isTarget } from './sections.ts'
import { nameFor } from './syntax.ts'
import type { Wanted } from './wanted.ts'

/** Of a section, and of a server of it. Undefined: nobody has it. */
export type LabelsOf = (section: string, server: string) => Labels | undefined
export type Labels = Readonly<Record<string, string>>

const TIMEOUT_IN_MS = 10_000
/** Sections that no request of a client goes through. */
const INNER = /^(fe_health|fe_metrics|table_[0-9a-f]+)$/

/**
 * Without a `scope` in the query of the process and of listeners: so it stays small, however many Services there are.
 * @throws {EngineError} HAPROXY_AWAY
 */
export async function metricsPage(socketPath: string, query: string, labels: LabelsOf): Promise<string> {
  const asked = new URLSearchParams(query)
  if (!asked.has('scope')) for (const scope of ['global', 'frontend']) asked.append('scope', scope)
  asked.delete('no-maint')
  try {
    const asking = request({ socketPath, path: `/metrics?${asked}&no-maint`, timeout: TIMEOUT_IN_MS })
    asking.on('timeout', () => asking.destroy(new Error(`no answer in ${TIMEOUT_IN_MS} ms`))).end()
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`)
    return await withLabels(createInterface({ input: answer }), labels)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new EngineError(HAPROXY_AWAY, `HAProxy does not tell what it has counted at ${socketPath}: ${why}.`)
  }
}

/** Lines of sections that nobody has are left out; those of others, and those of nobody's section, stay. */
export async function withLabels(lines: AsyncIterable<string>, labels: LabelsOf): Promise<string> {
  const kept: string[] = []
  // sections follow one another within a metric, and their labels are asked for again and again
  const known = new Map<string, string | undefined>()
  for await (const line of lines) {
    const [head = '', section = '', server = ''] = SAMPLE.exec(line) ?? []
    if (head === '' || isOfGateway(section)) {
      if (!INNER.test(section)) kept.push(line)
      continue
    }
    const key = `${section} ${server}`
    if (!known.has(key)) known.set(key, labelText(labels(section, server)))
    const text = known.get(key)
    if (text !== undefined) kept.push(`${head}${text}${line.slice(head.length)}`)
  }
  return kept.map((line) => `${line}\n`).join('')
}

const SAMPLE = /^haproxy_[a-z0-9_]+\{proxy="([^"]*)"(?:,server="([^"]*)")?/

/** Sections that are no target's, and no listener's. */
function isOfGateway(section: string): boolean {
  return !isTarget(section) && !/^fe_[0-9a-f]+$/.test(section)
}

function labelText(labels: Labels | undefined): string | undefined {
  if (labels === undefined) return undefined
  return Object.entries(labels)
    .map(([name, value]) => `,${name}="${value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`)
    .join('')
}

/** A listener's name; of a target the Service and its port, or several of them, joined by commas; of a server its address. */
export function labelsOf(wanted: Wanted): LabelsOf {
  const listeners = new Map([...wanted.form.listeners.values()].map(({ key, name }) => [nameFor('fe', key).text, name]))
  return (section, server): Labels | undefined => {
    const listener = listeners.get(section)
    if (listener !== undefined) return { listener }
    const target = wanted.targetOf(section)
    if (target === undefined) return undefined
    const backends = [...target.backends.keys()].sort().map((key) => key.split('/'))
    if (backends.length === 0) return {}
    const service = backends.map(([, namespace, name]) => `${namespace}/${name}`).join()
    const port = backends.map(([, , , number]) => number).join()
    if (server === '') return { service, port }
    const found = wanted.servers(section).find(({ name }) => name === server)
    return found === undefined ? { service, port } : { service, port, address: `${found.address}:${found.port}` }
  }
}
