/** Whether a topology can be laid out; says so field by field, in the words of the file. */
import { parseCidr, type Range } from '../kubelet/range.ts'
import { addressesOf, type LabHost, type LabNode, podRangesOf, type Topology } from '../topology.ts'
import { badField, show } from './fields.ts'
import { addressNumber, isHostOf, overlap } from './values.ts'

const MOST_NODES = 20
const MOST_OTHERS = 20

/** A host's name is that of its link in the switch, which the kernel limits, and of its namespace. */
const LONGEST_NAME = 15
/** Bridges, links and folders of the kernel's own in a namespace, and the switch. */
const RESERVED: readonly string[] = ['switch', 'br0', 'br1', 'br2', 'lo', 'all', 'default']

const QUALIFIED = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

/** What may not be used for hosts, pods or services. */
const SPECIAL = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', 'fe80::/10', 'ff00::/8'].map(parseCidr)

/** Prefix lengths that a range of services may have: kube-apiserver's limit, and room for a few. */
const SERVICE_PREFIX = { 32: { shortest: 12, longest: 28 }, 128: { shortest: 108, longest: 124 } } as const
/** A node's pods need their network, gateway and two more. */
const LONGEST_POD_PREFIX = { 32: 29, 128: 125 } as const

interface Named<T> {
  readonly path: string
  readonly value: T
}

/** @throws {FairwayError} LAB_TOPOLOGY_INVALID for the first problem that is found */
export function checkTopology(topology: Topology): void {
  checkNumbers(topology)
  const hosts = named(topology)
  checkNames(hosts)
  checkRanges(topology)
  checkAddresses(topology, hosts)
  checkPodRanges(topology)
  for (const [index, node] of topology.nodes.entries()) checkLabels(node, `nodes[${index}].labels`)
}

function named(topology: Topology): readonly Named<LabHost>[] {
  const groups = { nodes: topology.nodes, clients: topology.clients, routers: topology.routers }
  return Object.entries(groups).flatMap(([group, hosts]) =>
    hosts.map((value: LabHost, index: number) => ({ path: `${group}[${index}]`, value })),
  )
}

function checkNumbers({ nodes, clients, routers }: Topology): void {
  if (nodes.length === 0) throw badField('nodes', 'is empty', 'List at least one node: `nodes: [{ name: node-1 }]`.')
  if (nodes.length > MOST_NODES) throw badField('nodes', `has ${nodes.length} nodes`, `Use at most ${MOST_NODES}.`)
  if (routers.length === 0)
    throw badField('routers', 'is empty', 'Leave it away: a node without a default route cannot reach cluster addresses.')
  for (const [path, { length }] of Object.entries({ clients, routers }))
    if (length > MOST_OTHERS) throw badField(path, `has ${length} hosts`, `Use at most ${MOST_OTHERS}.`)
  const controlPlanes = nodes.filter(({ controlPlane }) => controlPlane).map(({ name }) => name)
  if (controlPlanes.length === 1) return
  const which = controlPlanes.length === 0 ? 'has no control plane' : `has ${controlPlanes.length}: ${controlPlanes.join(', ')}`
  throw badField('nodes', which, 'Write `controlPlane: true` at exactly one node, or nowhere to make it the first.')
}

function checkNames(hosts: readonly Named<LabHost>[]): void {
  const seen = new Map<string, string>()
  for (const { path, value } of hosts) {
    const { name } = value
    const at = `${path}.name`
    if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
      throw badField(at, `is ${show(name)}, which is no DNS label`, 'Use lower-case letters, digits, and dashes between them.')
    if (name.length > LONGEST_NAME)
      throw badField(
        at,
        `is ${show(name)}, which has ${name.length} letters`,
        `Use at most ${LONGEST_NAME}: it names a link, too.`,
      )
    const words = name.split('-')
    if (RESERVED.includes(name) || words.includes('pod') || words.at(-1) === 'switch')
      throw badField(at, `is ${show(name)}, which the lab itself uses`, 'Use another name, without the words pod and switch.')
    const other = seen.get(name)
    if (other !== undefined) throw badField(at, `is ${show(name)}, and so is ${other}.name`, 'Give every host a name of its own.')
    seen.set(name, path)
  }
}

function checkRanges(topology: Topology): void {
  const links = (topology.links ?? []).flatMap(({ name, ipv4, ipv6 }) =>
    [ipv4, ipv6].map((text): readonly [string, string | undefined] => [`the link ${name}`, text]),
  )
  const own = Object.entries({
    'switch.ipv4': topology.switchIPv4,
    'switch.ipv6': topology.switchIPv6,
    'pods.ipv4': topology.podRangeIPv4,
    'pods.ipv6': topology.podRangeIPv6,
    'services.ipv4': topology.serviceRangeIPv4,
    'services.ipv6': topology.serviceRangeIPv6,
  })
  // What the file did not choose comes first, so that what it did is what is complained about.
  const ranges = [...links, ...own].flatMap(([path, text]): readonly Named<Range>[] =>
    text === undefined ? [] : [{ path, value: parseCidr(text) }],
  )
  for (const [index, { path, value }] of ranges.entries()) {
    const special = SPECIAL.find((range) => overlap(range, value))
    if (special !== undefined)
      throw badField(
        path,
        `is ${value.cidr}, which has addresses of ${special.cidr}`,
        'Use a private range, such as one of 10.0.0.0/8 or fd00::/8.',
      )
    const { shortest, longest } = SERVICE_PREFIX[value.bits]
    const length = prefixOf(value)
    if (path.startsWith('services') && (length < shortest || length > longest))
      throw badField(path, `is ${value.cidr}`, `Use a prefix length from ${shortest} to ${longest}.`)
    const other = ranges.slice(0, index).find((one) => overlap(one.value, value))
    if (other !== undefined)
      throw badField(
        path,
        `is ${value.cidr}, and overlaps ${other.path}, ${other.value.cidr}`,
        'Use ranges that share no address.',
      )
  }
}

function checkAddresses(topology: Topology, hosts: readonly Named<LabHost>[]): void {
  const networks = [topology.switchIPv4, topology.switchIPv6].flatMap((text) => (text === undefined ? [] : [parseCidr(text)]))
  const seen = new Map<bigint, string>()
  for (const { path, value } of hosts.filter(({ value: { link } }) => link === undefined)) {
    for (const address of addressesOf(value)) {
      const family = address.includes(':') ? 'ipv6' : 'ipv4'
      const at = `${path}.${family}`
      const network = networks.find(({ bits }) => (bits === 128) === (family === 'ipv6'))
      if (network === undefined || !isHostOf(network, address))
        throw badField(
          at,
          `is ${address}, and no host of ${network?.cidr} can have that`,
          `Use an address within switch.${family}, or leave it away to get one.`,
        )
      const other = seen.get(addressNumber(address))
      if (other !== undefined) throw badField(at, `is ${address}, and so is ${other}`, 'Give every host an address of its own.')
      seen.set(addressNumber(address), at)
    }
  }
}

function checkPodRanges(topology: Topology): void {
  const wholes = [topology.podRangeIPv4, topology.podRangeIPv6].flatMap((text) => (text === undefined ? [] : [parseCidr(text)]))
  const seen: Named<Range>[] = []
  for (const [index, node] of topology.nodes.entries()) {
    for (const value of podRangesOf(node).map(parseCidr)) {
      const family = value.bits === 32 ? 'ipv4' : 'ipv6'
      const path = `nodes[${index}].pods.${family}`
      const whole = wholes.find(({ bits }) => bits === value.bits)
      if (whole === undefined || value.base < whole.base || value.base + value.size > whole.base + whole.size)
        throw badField(
          path,
          `is ${value.cidr}, which is not within ${whole?.cidr}`,
          `Use a part of pods.${family}, or leave it away to get one.`,
        )
      if (prefixOf(value) > LONGEST_POD_PREFIX[value.bits])
        throw badField(
          path,
          `is ${value.cidr}, which is too small`,
          `Use a prefix length up to ${LONGEST_POD_PREFIX[value.bits]}.`,
        )
      const other = seen.find((one) => overlap(one.value, value))
      if (other !== undefined)
        throw badField(
          path,
          `is ${value.cidr}, and overlaps ${other.path}, ${other.value.cidr}`,
          'Give every node a range of its own.',
        )
      seen.push({ path, value })
    }
  }
}

function checkLabels({ labels = {} }: LabNode, path: string): void {
  for (const [key, value] of Object.entries(labels)) {
    if (!QUALIFIED.test(key))
      throw badField(path, `has the key ${show(key)}`, 'Keys are as Kubernetes has them: example.com/zone.')
    if (!LABEL_VALUE.test(value))
      throw badField(`${path}.${key}`, `is ${show(value)}`, 'Use up to 63 letters, digits, dashes, underscores and dots.')
  }
}

function prefixOf(range: Range): number {
  return Number(range.cidr.slice(range.cidr.indexOf('/') + 1))
}
