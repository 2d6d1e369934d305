import { parseDocument } from 'yaml'
import { withBgp } from '../bgp-topology.ts'
import { TIMES, type Times, type Topology, withTimes } from '../topology.ts'
import { checkTopology } from './check.ts'
import { DEFAULT_RANGES, type Family, type HostDraft, type PerFamily, type TopologyDraft } from './draft.ts'
import { badField, Fields, show } from './fields.ts'
import { fillTopology } from './fill.ts'
import { parseAddress, parseRange } from './values.ts'

const FAMILY_NAMES: Readonly<Record<string, Family>> = { IPv4: 'ipv4', IPv6: 'ipv6' }
const FAMILIES = ['ipv4', 'ipv6']

/** What the command line says beside the file. */
export interface ParseOptions {
  /** As if the file said so. */
  readonly bgp?: boolean
}

/**
 * Reads a topology file. Only `nodes` must be there; addresses, ranges, client, router and control plane are chosen where it says
 * nothing, always the same ones for the same file.
 *
 * Shape:  docs/feature/lab.md; what comes out can be laid out without any clash.
 * Errors: the first problem, in the order of the file's shape, with the field, its value and the fix.
 * @throws {FairwayError} LAB_TOPOLOGY_INVALID
 */
export function parseTopology(text: string, options: ParseOptions = {}): Topology {
  const document = parseDocument(text)
  const [error] = document.errors
  if (error !== undefined) throw badField('', `is no YAML: ${error.message.split('\n')[0]}`, 'Mend the file at that line.')
  const draft = readDraft(document.toJS())
  const filled = withTimes(fillTopology(draft), draft.times)
  const topology = draft.bgp || options.bgp ? withBgp(filled) : filled
  checkTopology(topology)
  return topology
}

function readDraft(value: unknown): TopologyDraft {
  const fields = new Fields(value, '', [
    'ipFamilies',
    'switch',
    'pods',
    'services',
    'nodes',
    'clients',
    'routers',
    'times',
    'bgp',
  ])
  const families = readFamilies(fields)
  const hosts = (name: string, role: HostDraft['role'], otherwise: readonly string[]): readonly HostDraft[] => {
    const entries = fields.list(name) ?? otherwise.map((each, index) => ({ value: { name: each }, path: `${name}[${index}]` }))
    return entries.map((entry) => readHost(entry.value, entry.path, { role, families }))
  }
  if (fields.raw('nodes') === undefined)
    throw badField('nodes', 'is missing', 'List the nodes: `nodes: [{ name: node-1 }, { name: node-2 }]`.')
  return {
    families,
    switch: readRanges(fields, 'switch', families),
    pods: readRanges(fields, 'pods', families),
    services: readRanges(fields, 'services', families),
    nodes: hosts('nodes', 'node', []),
    clients: hosts('clients', 'client', ['client']),
    routers: hosts('routers', 'router', ['tor']),
    times: readTimes(fields),
    bgp: fields.flag('bgp') ?? false,
  }
}

function readTimes(fields: Fields): Times {
  const text = fields.text('times') ?? 'quick'
  const times = TIMES.find((each) => each === text)
  if (times === undefined) throw badField('times', `is ${show(text)}`, 'Write quick or kubernetes; leave it away for quick.')
  return times
}

function readFamilies(fields: Fields): readonly Family[] {
  const entries = fields.list('ipFamilies')
  if (entries === undefined) return ['ipv4', 'ipv6']
  const fix = 'Write [IPv4], [IPv6] or [IPv4, IPv6]; leave it away for both.'
  const families = entries.map(({ value, path }) => {
    const family = typeof value === 'string' ? FAMILY_NAMES[value] : undefined
    if (family === undefined) throw badField(path, `is ${show(value)}, which is no family`, fix)
    return family
  })
  const order = families.join(' ')
  if (order === 'ipv4' || order === 'ipv6' || order === 'ipv4 ipv6') return families
  throw badField('ipFamilies', `is ${show(fields.raw('ipFamilies'))}`, fix)
}

function readRanges(fields: Fields, name: keyof typeof DEFAULT_RANGES, families: readonly Family[]): PerFamily {
  const given = readPerFamily(fields, name, families)
  return Object.fromEntries(families.map((family) => [family, given[family] ?? DEFAULT_RANGES[name][family]]))
}

/** `{ ipv4: RANGE, ipv6: RANGE }` */
function readPerFamily(fields: Fields, name: string, families: readonly Family[]): PerFamily {
  const value = fields.raw(name)
  if (value === undefined) return {}
  const inner = new Fields(value, fields.at(name), FAMILIES)
  return readValues(inner, families, parseRange)
}

function readValues(
  fields: Fields,
  families: readonly Family[],
  parse: (text: string, family: Family, path: string) => string,
): PerFamily {
  const pairs = (['ipv4', 'ipv6'] as const).flatMap((family): [Family, string][] => {
    const text = fields.text(family)
    if (text === undefined) return []
    if (!families.includes(family)) {
      const fix = 'Leave it away, or add the family to ipFamilies.'
      throw badField(fields.at(family), `is ${show(text)}, and the lab has no such family`, fix)
    }
    return [[family, parse(text, family, fields.at(family))]]
  })
  return Object.fromEntries(pairs)
}

function readHost(
  value: unknown,
  path: string,
  { role, families }: { readonly role: HostDraft['role']; readonly families: readonly Family[] },
): HostDraft {
  const known = ['name', 'ipv4', 'ipv6', ...(role === 'node' ? ['pods', 'controlPlane', 'labels'] : [])]
  const fields = new Fields(value, path, known)
  const name = fields.text('name')
  if (name === undefined) throw badField(fields.at('name'), 'is missing', 'Give every host a name.')
  const controlPlane = role === 'node' ? fields.flag('controlPlane') : undefined
  return {
    path,
    name,
    role,
    addresses: readValues(fields, families, parseAddress),
    pods: role === 'node' ? readPerFamily(fields, 'pods', families) : {},
    labels: role === 'node' ? (fields.texts('labels') ?? {}) : {},
    ...(controlPlane === undefined ? {} : { controlPlane }),
  }
}
