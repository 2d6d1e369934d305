/** Short ways to say what users ask of BGP, in tests. */
import type { BfdProfile, BgpConfig, BgpPeer, PodRouteAdvertisement } from '../../src/model/bgp-config.ts'

export function aPeer(name: string, part: Partial<BgpPeer> = {}): BgpPeer {
  return {
    key: `metallb-system/${name}`,
    name,
    localAs: 64513,
    peerAs: 64512,
    peerAddress: '192.168.0.1',
    interface: '',
    sourceAddress: '',
    peerPort: 179,
    holdTimeInS: 90,
    keepaliveInS: 30,
    connectInS: 5,
    routerId: '',
    nodes: [],
    bfdProfile: '',
    gracefulRestart: false,
    multihop: false,
    bothFamilies: false,
    ...part,
  }
}

export function aBfdProfile(name: string, part: Partial<BfdProfile> = {}): BfdProfile {
  return { name, receiveInMs: 50, transmitInMs: 50, detectMultiplier: 3, passive: false, echo: false, ...part }
}

export function anAdvertisement(name: string, part: Partial<PodRouteAdvertisement> = {}): PodRouteAdvertisement {
  return {
    name,
    nodeRanges: false,
    peers: [],
    nodes: [],
    communities: [],
    lengths: { ipv4: 32, ipv6: 128 },
    keepSourceTo: [],
    ...part,
  }
}

export interface BgpObjects {
  readonly peers?: readonly BgpPeer[]
  readonly bfdProfiles?: readonly BfdProfile[]
  readonly advertisements?: readonly PodRouteAdvertisement[]
}

/** Profiles are in the namespace of `aPeer`. */
export function aBgpConfig(objects: BgpObjects = {}, part: Partial<BgpConfig> = {}): BgpConfig {
  const { peers = [], bfdProfiles = [], advertisements = [] } = objects
  return {
    peers: new Map(peers.map((one) => [one.key, one])),
    bfdProfiles: new Map(bfdProfiles.map((one) => [`metallb-system/${one.name}`, one])),
    communities: new Map(),
    podRouteAdvertisements: new Map(advertisements.map((one) => [one.name, one])),
    routeImports: new Map(),
    namespaces: new Map(),
    secrets: new Map(),
    pools: new Map(),
    l2Advertisements: new Map(),
    bgpAdvertisements: new Map(),
    floatingAddresses: new Map(),
    ...part,
  }
}
