/** What runs in a lab, where, and with which flags: docs/design/lab.md has the same table. */
import { join } from 'node:path'
import { inNetns } from '../../linux/netns.ts'
import { API_PORT, controlPlane, controlPlaneAddress, endpoint } from '../kubeconfig.ts'
import { hostNamespace } from '../names.ts'
import { certificateFiles } from '../pki.ts'
import { kubeconfigPath, type LabState, labPaths } from '../state.ts'
import { addressesOf, type LabNode, podRangesOf, serviceRangesOf, timesOf } from '../topology.ts'

/** One process of the lab. `name` is `ROLE` or `ROLE-NODE`; `args` follow the role on the command line. */
export interface ProcessSpec {
  readonly name: string
  readonly role: string
  readonly host: string
  readonly args: readonly string[]
}

/** The descriptor that every role is told to write `READY\n` to. */
const READY_FD = 3

/**
 * Warnings of Node about itself (SQLite is `experimental`) are no business of the log's reader. A smaller room for young objects
 * takes a quarter off the API server's memory at 5,000 Pods and costs it nothing that can be measured.
 */
export const NODE_FLAGS: readonly string[] = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=8']

/** The API server, which is started first. `machineNetns` is the namespace that has the machine's own loopback. */
export function apiServerSpec(state: LabState, machineNetns: string): ProcessSpec {
  const { pki, store } = labPaths(state.name)
  const { topology } = state
  const node = controlPlane(state)
  const serving = certificateFiles(pki, 'apiserver')
  const client = certificateFiles(pki, 'apiserver-kubelet-client')
  return {
    name: 'lab-apiserver',
    role: 'lab-apiserver',
    host: node.name,
    args: [
      ...['--dir', store],
      ...['--tls-cert', serving.certificate, '--tls-key', serving.key, '--client-ca', certificateFiles(pki, 'ca').certificate],
      ...['--kubelet-client-cert', client.certificate, '--kubelet-client-key', client.key],
      ...addressesOf(node).flatMap((address) => ['--listen', endpoint(address, API_PORT)]),
      ...['--listen', `127.0.0.1:${state.apiPort}@${machineNetns}`],
      ...['--service-ranges', serviceRangesOf(topology).join(',')],
      ...['--advertise', endpoint(controlPlaneAddress(state), API_PORT)],
    ],
  }
}

/** What runs whether or not there is an API server: the routers that speak BGP. */
export function routerSpecs(state: LabState): readonly ProcessSpec[] {
  const routers = state.topology.routers.filter(({ asn }) => asn !== undefined)
  return routers.map(({ name }) => ({
    name: `lab-router-${name}`,
    role: 'lab-router',
    host: name,
    args: ['--lab', state.name, '--host', name],
  }))
}

/** Everything that talks to the API server, and is started once that serves. */
export function clientSpecs(state: LabState): readonly ProcessSpec[] {
  return [
    {
      name: 'lab-controllers',
      role: 'lab-controllers',
      host: controlPlane(state).name,
      args: [
        ...['--kubeconfig', kubeconfigPath(state.name, 'controllers'), '--times', timesOf(state.topology)],
        ...['--hosts', labPaths(state.name).hosts],
      ],
    },
    controllerSpec(state),
    ...state.topology.nodes.map((node) => kubeletSpec(state, node)),
    ...state.topology.nodes.map((node) => agentSpec(state, node)),
  ]
}

/** A process that comes again is the one that it was: its Lease need not run out first. */
function controllerSpec(state: LabState): ProcessSpec {
  return {
    name: 'controller',
    role: 'controller',
    host: controlPlane(state).name,
    args: [
      ...['--kubeconfig', kubeconfigPath(state.name, 'controller'), '--dir', labPaths(state.name).controller],
      ...['--identity', 'controller'],
    ],
  }
}

function kubeletSpec(state: LabState, node: LabNode): ProcessSpec {
  const { pki, pods } = labPaths(state.name)
  const serving = certificateFiles(pki, `kubelet-${node.name}-serving`)
  return {
    name: `lab-kubelet-${node.name}`,
    role: 'lab-kubelet',
    host: node.name,
    args: [
      ...['--node', node.name, '--kubeconfig', kubeconfigPath(state.name, `kubelet-${node.name}`)],
      ...['--lab', state.name, '--dir', pods],
      ...['--node-addresses', addressesOf(node).join(','), '--pod-ranges', podRangesOf(node).join(',')],
      ...['--tls-cert', serving.certificate, '--tls-key', serving.key, '--client-ca', certificateFiles(pki, 'ca').certificate],
      ...['--times', timesOf(state.topology)],
      ...(node.controlPlane ? ['--control-plane'] : []),
      ...(node.labels === undefined ? [] : ['--node-labels', labelList(node.labels)]),
    ],
  }
}

/** `a=b,c=d`, as the kubelet's own flag has it. */
function labelList(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

function agentSpec(state: LabState, node: LabNode): ProcessSpec {
  return {
    name: `agent-${node.name}`,
    role: 'agent',
    host: node.name,
    args: [
      ...['--node', node.name, '--kubeconfig', kubeconfigPath(state.name, `agent-${node.name}`)],
      ...['--dir', join(labPaths(state.name).agent, node.name)],
    ],
  }
}

/** The names of all processes of a lab, the supervisor first: each has a log. */
export function processNames(state: LabState): readonly string[] {
  const specs = [apiServerSpec(state, ''), ...routerSpecs(state), ...clientSpecs(state)]
  return ['lab-supervisor', ...specs.map((spec) => spec.name)]
}

/** The whole command of a process: in its namespace, killed by the kernel when the supervisor dies. */
export function commandOf(state: LabState, spec: ProcessSpec): readonly string[] {
  const role = [process.execPath, ...NODE_FLAGS, state.entry, spec.role, ...spec.args, '--ready-fd', String(READY_FD)]
  return inNetns(hostNamespace(state.name, spec.host), ['setpriv', '--pdeathsig', 'KILL', '--', ...role])
}
