/** As whom a container runs: a pure function of the securityContext of pod and container. The lab's images have no user but root. */
import type { Container, Pod } from '../../kube/types.ts'
import type { User } from './sandbox.ts'

/** The container's word counts before the pod's. Source: Kubernetes API, SecurityContext and PodSecurityContext. */
export function userOf({ spec }: Pod, { securityContext = {} }: Container): User {
  const { runAsUser, runAsGroup, supplementalGroups = [], fsGroup } = spec?.securityContext ?? {}
  return {
    uid: securityContext.runAsUser ?? runAsUser ?? 0,
    gid: securityContext.runAsGroup ?? runAsGroup ?? 0,
    groups: [...new Set([...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])])],
  }
}

/** Why a container that must not run as root would; '' when it does not. Source: kubelet, kuberuntime/security_context_others.go. */
export function rootProblem({ metadata, spec }: Pod, container: Container): string {
  const own = container.securityContext ?? {}
  if (!(own.runAsNonRoot ?? spec?.securityContext?.runAsNonRoot ?? false)) return ''
  const uid = own.runAsUser ?? spec?.securityContext?.runAsUser
  if (uid !== undefined && uid !== 0) return ''
  const where = `(pod: "${metadata.name}_${metadata.namespace}(${metadata.uid})", container: ${container.name})`
  return uid === 0
    ? `container's runAsUser breaks non-root policy ${where}`
    : `container has runAsNonRoot and image will run as root ${where}`
}
