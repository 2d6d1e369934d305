/** Where the settings of BGP are in the API. Source: deploy/crds. */
import type { Resource } from './resource.ts'
import type { SettingsObject } from './settings.ts'
import type { KubeObject } from './types.ts'

const metallb = (version: string, plural: string, kind: string): Resource<SettingsObject> => ({
  ...{ group: 'metallb.io', version, plural, kind, namespaced: true },
})
const fairway = (plural: string, kind: string): Resource<SettingsObject> => ({
  ...{ group: 'fairway.dev', version: 'v1alpha1', plural, kind, namespaced: false },
})

export const BGP_PEERS = metallb('v1beta2', 'bgppeers', 'BGPPeer')
export const BFD_PROFILES = metallb('v1beta1', 'bfdprofiles', 'BFDProfile')
export const COMMUNITIES = metallb('v1beta1', 'communities', 'Community')
export const POD_ROUTE_ADVERTISEMENTS = fairway('podrouteadvertisements', 'PodRouteAdvertisement')
export const BGP_ROUTE_IMPORTS = fairway('bgprouteimports', 'BGPRouteImport')
export const NAMESPACES: Resource<KubeObject> = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
}
