/** The kubeconfigs of a lab: one for each user, with its certificate inside, so that the file alone is enough. */
import { readFile } from 'node:fs/promises'
import { stringify } from 'yaml'
import { writeAtomically } from '../linux/atomic-file.ts'
import { certificateFiles, readCertificate } from './pki.ts'
import { kubeconfigPath, type LabState, labPaths } from './state.ts'
import { addressesOf } from './topology.ts'

/** The port of the API server on the control plane's addresses. */
export const API_PORT = 6443

/** One kubeconfig: the certificate of `certificate` (a file name in the PKI), and where the API server is seen from there. */
export interface KubeconfigUser {
  readonly user: string
  readonly certificate: string
  readonly server: string
}

/** Who has a kubeconfig: `admin` for the machine's own loopback, all others for hosts of the lab. */
export function kubeconfigUsers(state: LabState): readonly KubeconfigUser[] {
  const server = `https://${endpoint(controlPlaneAddress(state), API_PORT)}`
  return [
    { user: 'admin', certificate: 'admin', server: `https://127.0.0.1:${state.apiPort}` },
    { user: 'client', certificate: 'admin', server },
    { user: 'controllers', certificate: 'controllers', server },
    { user: 'controller', certificate: 'controller', server },
    ...state.topology.nodes.flatMap(({ name }) => [
      { user: `kubelet-${name}`, certificate: `kubelet-${name}`, server },
      { user: `agent-${name}`, certificate: `agent-${name}`, server },
    ]),
  ]
}

/** Writes all of them; they are the same whenever the state is. The certificates must be there. */
export async function writeKubeconfigs(state: LabState): Promise<void> {
  const { pki } = labPaths(state.name)
  const authority = await readFile(certificateFiles(pki, 'ca').certificate, 'utf8')
  await Promise.all(
    kubeconfigUsers(state).map(async (one) => {
      const text = stringify(kubeconfig(`fairway-${state.name}`, one, authority, readCertificate(pki, one.certificate)))
      await writeAtomically(kubeconfigPath(state.name, one.user), text)
    }),
  )
}

/** The control plane's first address (IPv4 where there is one): where every host of the lab finds the API server. */
export function controlPlaneAddress(state: Pick<LabState, 'topology'>): string {
  return addressesOf(controlPlane(state))[0] ?? ''
}

/** `192.168.0.154:6443`, `[fd00::1]:6443`. */
export function endpoint(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

export function controlPlane(state: Pick<LabState, 'topology'>): LabState['topology']['nodes'][number] {
  const node = state.topology.nodes.find((one) => one.controlPlane)
  if (node === undefined) throw new Error('the topology has no control plane')
  return node
}

function kubeconfig(cluster: string, one: KubeconfigUser, authority: string, own: { certificate: string; key: string }): unknown {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': cluster,
    clusters: [{ name: cluster, cluster: { server: one.server, 'certificate-authority-data': base64(authority) } }],
    users: [
      { name: one.certificate, user: { 'client-certificate-data': base64(own.certificate), 'client-key-data': base64(own.key) } },
    ],
    contexts: [{ name: cluster, context: { cluster, user: one.certificate } }],
  }
}
