/** The files of /etc that a kubelet writes for a pod: who it is, and where names lead. */
import { existsSync, readFileSync } from 'node:fs'
import type { Pod } from '../../kube/types.ts'
import type { PodPlace } from './container-env.ts'

const MANAGED = '# Kubernetes-managed hosts file'
const LOCAL = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
]

/** Path and text of each. A file that the machine does not have cannot be laid over its own. */
export function etcFiles(pod: Pod, place: PodPlace): Readonly<Record<string, string>> {
  const files = {
    '/etc/hosts': hostsFile(pod, place, () => readFileSync('/etc/hosts', 'utf8')),
    '/etc/hostname': `${place.hostname}\n`,
  }
  return Object.fromEntries(Object.entries(files).filter(([path]) => existsSync(path)))
}

/** `ofNode` is asked for the node's own file, for a pod on its network. Source: kubernetes pkg/kubelet/kubelet_pods.go, managedHostsFileContent and nodeHostsFileContent. */
export function hostsFile({ metadata, spec }: Pod, place: PodPlace, ofNode: () => string): string {
  const aliases = (spec?.hostAliases ?? []).map(({ hostnames = [], ip }) => `${ip}\t${hostnames.join('\t')}\n`)
  const added = aliases.length === 0 ? '' : `\n# Entries added by HostAliases.\n${aliases.join('')}`
  if (spec?.hostNetwork === true) return `${MANAGED} (host network).\n${ofNode()}${added}`
  const domain = spec?.subdomain ? `${place.hostname}.${spec.subdomain}.${metadata.namespace}.svc.cluster.local\t` : ''
  const own = place.podIPs.map((address) => `${address}\t${domain}${place.hostname}`)
  return `${[`${MANAGED}.`, ...LOCAL, ...own].join('\n')}\n${added}`
}
