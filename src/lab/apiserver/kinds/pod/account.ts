/**
 * What the ServiceAccount admission plugin does for a new pod: the account must be there, and its token is mounted in every container.
 * Source: kubernetes plugin/pkg/admission/serviceaccount/admission.go.
 */
import type { RawObject } from '../../kind.ts'
import { generatedName } from '../../metadata.ts'
import type { View } from '../view.ts'
import { containersOf, type PodSpec, specOf, type Volume } from './types.ts'

const DEFAULT_ACCOUNT = 'default'
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount'
/** An hour, and a little more, by which such tokens are told from those that users asked for. */
const TOKEN_LIFE_IN_SECONDS = 3607
const FILE_MODE = 0o644

interface ServiceAccount extends RawObject {
  automountServiceAccountToken?: boolean
  imagePullSecrets?: { name?: string }[]
}

/**
 * Fills in what follows from the pod's account, in place; says why the pod may not be made, if so.
 *
 * A namespace is given its `default` account a moment after it was made. A real server waits for it up to a second; here the pod is
 * made, and its kubelet waits for the token.
 */
export function admitAccount(pod: RawObject, view: View): string | undefined {
  const spec = specOf(pod)
  const name = spec.serviceAccountName || DEFAULT_ACCOUNT
  const { namespace } = pod.metadata
  const account = view('serviceaccounts', namespace).find(({ metadata }) => metadata.name === name) as ServiceAccount | undefined
  if (account === undefined && name !== DEFAULT_ACCOUNT)
    return `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`
  const secrets = account?.imagePullSecrets ?? []
  if (secrets.length > 0 && ((spec.imagePullSecrets ?? []) as unknown[]).length === 0)
    spec.imagePullSecrets = structuredClone(secrets)
  if (spec.automountServiceAccountToken ?? account?.automountServiceAccountToken ?? true) mountToken(spec)
  return undefined
}

function mountToken(spec: PodSpec): void {
  const bare = containersOf(spec).filter(
    ([, { volumeMounts }]) => !(volumeMounts ?? []).some(({ mountPath }) => mountPath === TOKEN_PATH),
  )
  if (bare.length === 0) return
  const name = generatedName('kube-api-access-')
  for (const [, container] of bare)
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: TOKEN_PATH }]
  spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)]
}

function tokenVolume(name: string): Volume {
  const namespace = { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }
  const sources = [
    { serviceAccountToken: { expirationSeconds: TOKEN_LIFE_IN_SECONDS, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    { downwardAPI: { items: [namespace] } },
  ]
  return { name, projected: { defaultMode: FILE_MODE, sources } }
}
