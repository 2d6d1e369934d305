/** Where two runs of a command differ, with what must differ from run to run taken out. */
import type { Exchange, Recording } from './recording.ts'

/** Requests by which kubectl fills its caches; whether it needs to depends on what ran before. */
const isDiscovery = ({ path }: Exchange): boolean =>
  path.startsWith('/openapi/') || path === '/api' || path === '/apis' || path === '/api/v1'

const TEXT: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UID'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME'],
  [/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000/g, 'DATE'],
  [/\b10\.(9[6-9]|10\d|11[01])\.\d+\.\d+\b/g, 'CLUSTERIP'],
  [/127\.0\.0\.1:\d+/g, 'SERVER'],
  [/\b(web-lb|web-np|kube-api-access)-[a-z0-9]{5}\b/g, '$1-SUFFIX'],
  [/(resourceVersion"?: ?\\*"?)\d+/g, '$1VERSION'],
  [/\b(80:)3\d{4}(\/TCP)/g, '$1PORT$2'],
  [/(NodePort: +http +)\d+/g, '$1PORT'],
  [/(?<=^|\s)(\d+[smhd])+(?=\s|$)/gm, 'AGE'],
  [/(<none>|<invalid>)(?= *$)/gm, '<none>'],
]

/** The recorded server was of a build that also gives pods a vendor's authority, as YAML, JSON and `kubectl describe` show it. */
const VENDOR = 'openshift-service-ca.crt'
const VENDORS_AUTHORITY: readonly RegExp[] = [
  / *- configMap:\n *items:\n *- key: service-ca\.crt\n *path: service-ca\.crt\n *name: openshift-service-ca\.crt\n/g,
  /,\s*\{\s*"configMap": \{\s*"items": \[\s*\{[^}]*\}\s*\],\s*"name": "openshift-service-ca\.crt"\s*\}\s*\}/g,
  / *ConfigMapName: +openshift-service-ca\.crt\n *Optional: +false\n/g,
]

/** Text of a terminal: volatile words replaced, columns two blanks apart. */
export function steadyText(text: string): string {
  const own = VENDORS_AUTHORITY.reduce((result, pattern) => result.replaceAll(pattern, ''), text)
  const replaced = TEXT.reduce((result, [pattern, word]) => result.replaceAll(pattern, word), own)
  return replaced.replaceAll(/ {2,}/g, '  ').replaceAll(/ +$/gm, '')
}

/** Fields whose values are of one run; whether they are there still counts. */
const VOLATILE = new Set(['uid', 'resourceVersion', 'clusterIP', 'clusterIPs', 'nodePort', 'hash', 'remainingItemCount'])

/** A JSON value with volatile scalars replaced. Ownership is left out. */
export function steadyJson(value: unknown, field = ''): unknown {
  if (VOLATILE.has(field) && value !== 30_018 && value !== 30_555) return field.toUpperCase()
  // Documentation comes from a package that lost its line breaks.
  if (field === 'description' && typeof value === 'string') return value.replaceAll(/\s+/g, ' ')
  if (typeof value === 'string') return /^(\d+[smhd])+$/.test(value) ? 'AGE' : steadyText(value)
  if (Array.isArray(value)) return value.filter((item) => !isVendors(item)).map((item) => steadyJson(item, ''))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .filter(([name]) => name !== 'managedFields')
    .map(([name, inner]) => [name, steadyJson(inner, name)] as const)
    .filter(([name, inner]) => !(['volumes', 'volumeMounts'].includes(name) && Array.isArray(inner) && inner.length === 0))
  return Object.fromEntries(entries)
}

function isVendors(item: unknown): boolean {
  return (item as { readonly configMap?: { readonly name?: unknown } } | null)?.configMap?.name === VENDOR
}

/** Paths at which two values differ: `spec.ports.0.nodePort`. */
function pathsBetween(a: unknown, b: unknown, path = ''): readonly string[] {
  if (Object.is(a, b)) return []
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return [path]
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  const fields = new Set([...Object.keys(left), ...Object.keys(right)])
  return [...fields].flatMap((field) => pathsBetween(left[field], right[field], path === '' ? field : `${path}.${field}`))
}

/** What a replayed command did. */
export interface Replayed {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
  readonly requests: readonly Exchange[]
}

const LIMIT = 9_000
const QUERIES_OF_ONE_RUN = new Set(['timeoutSeconds', 'timeout', 'hash'])

const line = ({ method, path, query, type, status }: Exchange): string => {
  const pairs = Object.entries(query)
    .filter(([name]) => !QUERIES_OF_ONE_RUN.has(name))
    .map(([name, value]) => `${name}=${name === 'fieldSelector' ? value.split(',').toSorted().join(',') : value}`)
  return steadyText(`${method} ${path}?${pairs.toSorted().join('&')} ${type ?? '-'} ${status ?? '-'}`)
}

/** The places where a replay differs from its recording; none when they are the same. */
export function differencesOf(recorded: Recording, replayed: Replayed): readonly string[] {
  const places: string[] = []
  if (recorded.exit !== replayed.exit) places.push('exit')
  for (const stream of ['stdout', 'stderr'] as const) places.push(...textPlaces(stream, recorded[stream], replayed[stream]))
  const [theirs, ours] = [recorded.requests, replayed.requests].map((all) => all.filter((one) => !isDiscovery(one)))
  if (theirs === undefined || ours === undefined) return places
  if (theirs.map(line).toSorted().join('\n') !== ours.map(line).toSorted().join('\n')) places.push('requests')
  for (const exchange of theirs) {
    const twin = ours.find((one) => line(one) === line(exchange))
    if (twin !== undefined && exchange.body !== undefined)
      places.push(...pathsBetween(steadyJson(exchange.body), steadyJson(twin.body)).map((path) => `${exchange.method}: ${path}`))
  }
  return [...new Set(places)].toSorted()
}

/** `stdout`, or `stdout: rows` when only what stands below the first line differs. */
function textPlaces(stream: string, recorded: string, ours: string): readonly string[] {
  if (sameText(recorded, ours)) return []
  const [theirHead, ourHead] = [recorded, ours].map((text) => steadyText(text.split('\n')[0] ?? ''))
  return [theirHead === ourHead ? `${stream}: rows` : stream]
}

function sameText(recorded: string, ours: string): boolean {
  if (recorded.length < LIMIT) return steadyText(recorded) === steadyText(ours)
  const whole = steadyText(recorded).split('\n').slice(0, -1)
  return steadyText(ours).split('\n').slice(0, whole.length).join('\n') === whole.join('\n')
}
