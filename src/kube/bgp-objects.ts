/** The other settings of BGP in Fairway's words. Every function takes any JSON of the kind; see bgp-peer.ts for peers. */
import type * as config from '../model/bgp-config.ts'
import { BGP_ENTRY_INVALID } from '../model/codes/bgp.ts'
import type { Selector } from '../model/selector.ts'
import { canonicalCidr, familyOf } from './address.ts'
import type { Converted } from './converted.ts'
import { selectorOf, selectorsOf } from './label-selector.ts'
import { keyOf } from './resource.ts'
import { Fields, Notes, type SettingsObject, sorted } from './settings.ts'
import type { DataObject, KubeObject } from './types.ts'

/** Milliseconds. Source: MetalLB's BFDProfile. */
const INTERVAL = { least: 10, most: 60_000, unset: 300 }
export const LOCAL_PREFERENCES = { least: 0, most: 0xffff_ffff, unset: 0 }
const PASSWORD_OCTETS = 80

function about(kind: string, noun: string) {
  return { code: BGP_ENTRY_INVALID, kind, noun }
}

export function convertBfdProfile(raw: SettingsObject): Converted<config.BfdProfile> {
  const notes = new Notes(about('bfdprofile', 'profile'), raw)
  const spec = new Fields(notes, raw.spec, 'spec')
  // BIRD has neither; neighbours that send echoes get them back from the kernel all the same
  if (spec.flag('echoMode')) notes.ignore('spec.echoMode')
  if (spec.raw('minimumTtl') !== undefined) notes.ignore('spec.minimumTtl')
  return notes.result<config.BfdProfile>({
    name: raw.metadata.name ?? '',
    receiveInMs: spec.whole('receiveInterval', INTERVAL),
    transmitInMs: spec.whole('transmitInterval', INTERVAL),
    detectMultiplier: spec.whole('detectMultiplier', { least: 2, most: 255, unset: 3 }),
    passive: spec.flag('passiveMode'),
    echo: spec.flag('echoMode'),
  })
}

/** A name without a usable value is left out; announcements that use it find none. */
export function convertCommunityNames(raw: SettingsObject): Converted<config.CommunityNames> {
  const notes = new Notes(about('community', 'name'), raw)
  const names: [string, string][] = []
  for (const entry of new Fields(notes, raw.spec, 'spec').children('communities')) {
    const name = entry.text('name')
    const value = entry.text('value')
    const community = communityOf(value)
    if (name === '' || name.includes(':')) notes.skip(entry.name('name'), name, 'a name without colons')
    else if (community === undefined) notes.skip(entry.name('value'), value, COMMUNITY_FORM)
    else names.push([name, community])
  }
  // Object.fromEntries makes own properties of any name, `__proto__` too
  return { value: { key: keyOf(raw), names: Object.fromEntries(names) }, findings: notes.findings }
}

const COMMUNITY_FORM = 'a community: NUMBER:NUMBER up to 65535, or large:NUMBER:NUMBER:NUMBER up to 4294967295'

/** `A:B` or `A:B:C` without leading zeros; undefined for what is no value of a community. */
function communityOf(text: string): string | undefined {
  const [, large, rest = ''] = /^(large:)?([0-9:]+)$/.exec(text) ?? []
  const most = large === undefined ? 0xffff : 0xffff_ffff
  const numbers = rest.split(':').map((part) => (/^[0-9]{1,10}$/.test(part) ? Number(part) : Number.NaN))
  if (numbers.length !== (large === undefined ? 2 : 3)) return undefined
  return numbers.every((number) => number <= most) ? numbers.join(':') : undefined
}

export function convertPodRouteAdvertisement(raw: SettingsObject): Converted<config.PodRouteAdvertisement> {
  const notes = new Notes(about('podrouteadvertisement', 'advertisement'), raw)
  const spec = new Fields(notes, raw.spec, 'spec')
  const nodeRanges = spec.flag('nodePodCIDRs')
  const pods = spec.child('pods')
  if (!nodeRanges && pods === undefined) notes.forbid('spec', 'announces nothing: set nodePodCIDRs, or choose pods')
  const localPreference = spec.raw('localPref') === undefined ? undefined : spec.whole('localPref', LOCAL_PREFERENCES)
  return notes.result<config.PodRouteAdvertisement>({
    name: raw.metadata.name ?? '',
    nodeRanges,
    ...(pods === undefined ? {} : { pods: { selector: part(pods, 'selector'), namespaces: part(pods, 'namespaceSelector') } }),
    peers: spec.texts('peers'),
    nodes: selectorsOf(spec, 'nodeSelectors'),
    communities: communitiesOf(spec),
    ...(localPreference === undefined ? {} : { localPreference }),
    lengths: {
      ipv4: spec.whole('aggregationLength', { least: 1, most: 32, unset: 32 }),
      ipv6: spec.whole('aggregationLengthV6', { least: 1, most: 128, unset: 128 }),
    },
    keepSourceTo: spec.cidrs('keepSourceTo'),
  })
}

function part(pods: Fields, field: string): Selector {
  const selector = pods.child(field)
  return selector === undefined ? [] : selectorOf(selector)
}

/** A community that is missing could let a route go where it must not: none is left out, the object is. */
export function communitiesOf(spec: Fields): readonly string[] {
  return sorted(
    spec.list('communities').flatMap(([value, name]) => {
      const text = typeof value === 'string' ? value : ''
      const community = text.includes(':') ? communityOf(text) : text
      if (community === undefined || community === '') spec.notes.refuse(name, value, `${COMMUNITY_FORM}, or the name of one`)
      return community ?? []
    }),
  )
}

export function convertRouteImport(raw: SettingsObject): Converted<config.BgpRouteImport> {
  const notes = new Notes(about('bgprouteimport', 'import'), raw)
  const spec = new Fields(notes, raw.spec, 'spec')
  const prefixes = spec.children('prefixes').flatMap((entry) => allowed(entry) ?? [])
  const byText = (a: Allowed, b: Allowed) => (a.cidr < b.cidr ? -1 : a.cidr > b.cidr ? 1 : a.maxLength - b.maxLength)
  return notes.result<config.BgpRouteImport>({
    name: raw.metadata.name ?? '',
    peers: spec.texts('peers'),
    nodes: selectorsOf(spec, 'nodeSelectors'),
    prefixes: prefixes.toSorted(byText),
  })
}

type Allowed = config.BgpRouteImport['prefixes'][number]

/** What is left out of an allow-list is not taken. */
function allowed(entry: Fields): Allowed | undefined {
  const text = entry.raw('cidr')
  const cidr = typeof text === 'string' ? canonicalCidr(text) : undefined
  if (cidr === undefined) {
    entry.notes.skip(entry.name('cidr'), text, 'a prefix')
    return undefined
  }
  const least = Number(cidr.split('/')[1])
  const most = familyOf(cidr) === 'ipv4' ? 32 : 128
  const maxLength = entry.raw('maxLength') ?? least
  if (typeof maxLength === 'number' && Number.isInteger(maxLength) && maxLength >= least && maxLength <= most)
    return { cidr, maxLength }
  entry.notes.skip(entry.name('maxLength'), maxLength, `a length from ${least} to ${most}`)
  return undefined
}

export function convertNamespace(raw: KubeObject): Converted<config.Namespace> {
  return { value: { name: raw.metadata.name ?? '', labels: raw.metadata.labels ?? {} }, findings: [] }
}

/** A Secret as its own kind; DataObject has no type. */
export interface Secret extends DataObject {
  readonly type?: string
}

/** Source: MetalLB takes passwords from Secrets of this type alone, so that no other Secret can be named. */
const PASSWORD_TYPE = 'kubernetes.io/basic-auth'

/** The password of a Secret, or why there is none. Nothing of its contents is repeated. */
export function convertPeerSecret(raw: Secret): config.PeerSecret {
  const key = keyOf(raw)
  const without = (problem: string): config.PeerSecret => ({ key, problem })
  if (raw.type !== PASSWORD_TYPE) return without(`the Secret ${key} is of type ${raw.type ?? 'Opaque'}, not ${PASSWORD_TYPE}`)
  const encoded: unknown = raw.data?.password
  if (typeof encoded !== 'string' || encoded === '') return without(`the Secret ${key} has no key "password"`)
  const octets = Buffer.from(encoded, 'base64')
  if (octets.length > PASSWORD_OCTETS)
    return without(`the password in the Secret ${key} is longer than ${PASSWORD_OCTETS} octets`)
  const text = octets.toString('utf8')
  if (!Buffer.from(text).equals(octets)) return without(`the password in the Secret ${key} is not UTF-8`)
  return { key, text, problem: '' }
}

/** What is true of a Secret until the server has answered. */
export function unreadPeerSecret(key: string): config.PeerSecret {
  return { key, problem: `the Secret ${key} was not read yet` }
}

/** What is true of a Secret that is not there, or not shown to us. */
export function missingPeerSecret(key: string): config.PeerSecret {
  return { key, problem: `the Secret ${key} does not exist, or may not be read` }
}
