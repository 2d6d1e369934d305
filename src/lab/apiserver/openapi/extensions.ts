/**
 * What Kubernetes' types say of lists and maps beyond their shape, which client-node's declarations leave out.
 *
 * One row a field, `Schema.field` with the schema's name after `io.k8s.api.` or `...pkg.apis.`.
 * Lists without a row are atomic. Source: the struct tags and `+listType` markers of k8s.io/api.
 */

export interface ListRule {
  /** Keys that tell the elements apart (list-type map); empty for a set. */
  readonly keys?: readonly string[]
  /** Key of strategic merge; the empty string merges scalars. */
  readonly merge?: string
  readonly retainKeys?: true
}

const byName: ListRule = { keys: ['name'], merge: 'name' }
const byType: ListRule = { keys: ['type'], merge: 'type' }
const container = (name: string): Record<string, ListRule> => ({
  [`core.v1.${name}.env`]: byName,
  [`core.v1.${name}.ports`]: { keys: ['containerPort', 'protocol'], merge: 'containerPort' },
  [`core.v1.${name}.volumeMounts`]: { keys: ['mountPath'], merge: 'mountPath' },
  [`core.v1.${name}.volumeDevices`]: { keys: ['devicePath'], merge: 'devicePath' },
})
const conditions = (...schemas: readonly string[]): Record<string, ListRule> =>
  Object.fromEntries(schemas.map((schema) => [`${schema}.conditions`, byType]))

export const LIST_RULES: Readonly<Record<string, ListRule>> = {
  'meta.v1.ObjectMeta.finalizers': { keys: [], merge: '' },
  'meta.v1.ObjectMeta.ownerReferences': { keys: ['uid'], merge: 'uid' },
  ...container('Container'),
  ...container('EphemeralContainer'),
  'core.v1.ResourceRequirements.claims': { keys: ['name'] },
  'core.v1.PodSpec.containers': byName,
  'core.v1.PodSpec.initContainers': byName,
  'core.v1.PodSpec.ephemeralContainers': byName,
  'core.v1.PodSpec.volumes': { ...byName, retainKeys: true },
  'core.v1.PodSpec.resourceClaims': { ...byName, retainKeys: true },
  'core.v1.PodSpec.imagePullSecrets': byName,
  'core.v1.PodSpec.schedulingGates': byName,
  'core.v1.PodSpec.hostAliases': { keys: ['ip'], merge: 'ip' },
  'core.v1.PodSpec.topologySpreadConstraints': { keys: ['topologyKey', 'whenUnsatisfiable'], merge: 'topologyKey' },
  'core.v1.PodStatus.podIPs': { keys: ['ip'], merge: 'ip' },
  'core.v1.PodStatus.hostIPs': { merge: 'ip' },
  'core.v1.PodStatus.resourceClaimStatuses': { ...byName, retainKeys: true },
  'core.v1.ContainerStatus.allocatedResourcesStatus': byName,
  'core.v1.ContainerStatus.volumeMounts': { keys: ['mountPath'], merge: 'mountPath' },
  'core.v1.ServiceSpec.ports': { keys: ['port', 'protocol'], merge: 'port' },
  'core.v1.NodeSpec.podCIDRs': { keys: [], merge: '' },
  'core.v1.NodeStatus.addresses': byType,
  'core.v1.ServiceAccount.secrets': byName,
  'discovery.v1.Endpoint.addresses': { keys: [] },
  ...conditions('core.v1.PodStatus', 'core.v1.ServiceStatus', 'core.v1.NodeStatus', 'core.v1.NamespaceStatus'),
  ...conditions('core.v1.ReplicationControllerStatus', 'apps.v1.DeploymentStatus', 'apps.v1.ReplicaSetStatus'),
  ...conditions('apps.v1.DaemonSetStatus', 'apps.v1.StatefulSetStatus', 'autoscaling.v2.HorizontalPodAutoscalerStatus'),
  'batch.v1.JobStatus.conditions': { merge: 'type' },
  ...conditions('networking.v1.ServiceCIDRStatus', 'policy.v1.PodDisruptionBudgetStatus'),
  ...conditions('apiextensions.v1.CustomResourceDefinitionStatus'),
}

/** Objects that merge as one value (`x-kubernetes-map-type: atomic`), and maps that do. */
export const ATOMIC_SCHEMAS: ReadonlySet<string> = new Set([
  'meta.v1.LabelSelector',
  ...['ObjectReference', 'LocalObjectReference', 'TypedLocalObjectReference'].map((n) => `core.v1.${n}`),
  ...['ConfigMapKeySelector', 'SecretKeySelector', 'ObjectFieldSelector', 'ResourceFieldSelector'].map((n) => `core.v1.${n}`),
  ...['NodeSelector', 'NodeSelectorTerm', 'EndpointAddress', 'EndpointPort', 'FileKeySelector'].map((n) => `core.v1.${n}`),
  'discovery.v1.EndpointPort',
  'autoscaling.v2.CrossVersionObjectReference',
  'networking.v1.ServiceBackendPort',
  'rbac.v1.RoleRef',
  'rbac.v1.Subject',
])

export const ATOMIC_MAPS: ReadonlySet<string> = new Set([
  'core.v1.ServiceSpec.selector',
  'core.v1.PodSpec.nodeSelector',
  'core.v1.ReplicationControllerSpec.selector',
])

/** Objects whose strategic merge drops the keys that the patch does not name. */
export const RETAIN_KEYS: ReadonlySet<string> = new Set(['apps.v1.DeploymentSpec.strategy'])

/** Fields that hold quantities, which the declarations call strings. */
export const QUANTITIES: ReadonlySet<string> = new Set([
  'core.v1.ResourceRequirements.limits',
  'core.v1.ResourceRequirements.requests',
  'core.v1.VolumeResourceRequirements.limits',
  'core.v1.VolumeResourceRequirements.requests',
  'core.v1.PodSpec.overhead',
  'core.v1.NodeStatus.capacity',
  'core.v1.NodeStatus.allocatable',
  'core.v1.ContainerStatus.allocatedResources',
  'core.v1.PodStatus.allocatedResources',
  'core.v1.EmptyDirVolumeSource.sizeLimit',
  'core.v1.ResourceFieldSelector.divisor',
  'autoscaling.v2.MetricTarget.averageValue',
  'autoscaling.v2.MetricTarget.value',
  'autoscaling.v2.MetricValueStatus.averageValue',
  'autoscaling.v2.MetricValueStatus.value',
])

/** What the API itself fills in where it counts before any default of a kind is set: in the keys of list members. */
export const DEFAULTS: Readonly<Record<string, string>> = {
  'core.v1.ServicePort.protocol': 'TCP',
  'core.v1.ContainerPort.protocol': 'TCP',
}

/** Closed sets of values, as the server's documents list them (they are shown, not enforced: validation has the words). */
export const ENUMS: Readonly<Record<string, readonly string[]>> = {
  'core.v1.ServicePort.protocol': ['SCTP', 'TCP', 'UDP'],
  'core.v1.ContainerPort.protocol': ['SCTP', 'TCP', 'UDP'],
  'core.v1.ServiceSpec.type': ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'],
  'core.v1.ServiceSpec.externalTrafficPolicy': ['Cluster', 'Local'],
  'core.v1.ServiceSpec.internalTrafficPolicy': ['Cluster', 'Local'],
  'core.v1.ServiceSpec.sessionAffinity': ['ClientIP', 'None'],
  'core.v1.ServiceSpec.ipFamilyPolicy': ['PreferDualStack', 'RequireDualStack', 'SingleStack'],
  'core.v1.PodSpec.restartPolicy': ['Always', 'Never', 'OnFailure'],
  'core.v1.PodSpec.dnsPolicy': ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'],
  'core.v1.Container.imagePullPolicy': ['Always', 'IfNotPresent', 'Never'],
  'core.v1.Taint.effect': ['NoExecute', 'NoSchedule', 'PreferNoSchedule'],
  'core.v1.Toleration.effect': ['NoExecute', 'NoSchedule', 'PreferNoSchedule'],
  'discovery.v1.EndpointSlice.addressType': ['FQDN', 'IPv4', 'IPv6'],
}
