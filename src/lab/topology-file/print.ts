import { stringify } from 'yaml'
import { withoutBgp } from '../bgp-topology.ts'
import type { LabHost, LabNode, Topology } from '../topology.ts'

/** A topology as a file that says everything: parsed again, it is the same topology. */
export function printTopology(whole: Topology): string {
  const topology = withoutBgp(whole)
  const families = [
    ...(topology.switchIPv4 === undefined ? [] : ['IPv4']),
    ...(topology.switchIPv6 === undefined ? [] : ['IPv6']),
  ]
  return stringify({
    ipFamilies: families,
    switch: perFamily(topology.switchIPv4, topology.switchIPv6),
    pods: perFamily(topology.podRangeIPv4, topology.podRangeIPv6),
    services: perFamily(topology.serviceRangeIPv4, topology.serviceRangeIPv6),
    nodes: topology.nodes.map((node) => ({ ...hostFields(node), ...nodeFields(node) })),
    clients: topology.clients.map(hostFields),
    routers: topology.routers.map(hostFields),
    ...(topology.times === undefined ? {} : { times: topology.times }),
    ...(whole.nodeAsn === undefined ? {} : { bgp: true }),
  })
}

function hostFields({ name, ipv4, ipv6 }: LabHost): Readonly<Record<string, string>> {
  return { name, ...perFamily(ipv4, ipv6) }
}

function nodeFields({ podIPv4, podIPv6, controlPlane, labels }: LabNode): Readonly<Record<string, unknown>> {
  return { pods: perFamily(podIPv4, podIPv6), controlPlane, ...(labels === undefined ? {} : { labels }) }
}

function perFamily(ipv4: string | undefined, ipv6: string | undefined): Readonly<Record<string, string>> {
  return { ...(ipv4 === undefined ? {} : { ipv4 }), ...(ipv6 === undefined ? {} : { ipv6 }) }
}
