/**
 * Numbers of protobuf fields, by schema (its name after `io.k8s.api.` or `io.k8s.apimachinery.pkg.apis.`).
 *
 * Shape: `name=number`; `name=2.1` stands in message 2 at 1 (Go embeds the struct, JSON does not show it). `?` marks a pointer:
 * its zero was written by the user, where that of another field was written by the encoder. What no row names is not read.
 * Source: generated.proto of k8s.io/api and k8s.io/apimachinery; fields keep their numbers for good.
 */
import { POD_ROWS } from './pod-fields.ts'

const OBJECT = 'metadata=1 spec=2 status=3'

const ROWS: Readonly<Record<string, string>> = {
  'meta.v1.ObjectMeta':
    'name=1 generateName=2 namespace=3 selfLink=4 uid=5 resourceVersion=6 generation=7 creationTimestamp=8 deletionTimestamp=9 deletionGracePeriodSeconds=10? labels=11 annotations=12 ownerReferences=13 finalizers=14 managedFields=17',
  'meta.v1.OwnerReference': 'kind=1 name=3 uid=4 apiVersion=5 controller=6? blockOwnerDeletion=7?',
  'meta.v1.ManagedFieldsEntry': 'manager=1 operation=2 apiVersion=3 time=4 fieldsType=6 fieldsV1=7 subresource=8',
  'meta.v1.LabelSelector': 'matchLabels=1 matchExpressions=2',
  'meta.v1.LabelSelectorRequirement': 'key=1 operator=2 values=3',
  'meta.v1.Condition': 'type=1 status=2 observedGeneration=3 lastTransitionTime=4 reason=5 message=6',
  'meta.v1.DeleteOptions': 'gracePeriodSeconds=1? preconditions=2 orphanDependents=3? propagationPolicy=4 dryRun=5',
  'meta.v1.Preconditions': 'uid=1 resourceVersion=2',

  'core.v1.Namespace': OBJECT,
  'core.v1.NamespaceSpec': 'finalizers=1',
  'core.v1.NamespaceStatus': 'phase=1',
  'core.v1.ConfigMap': 'metadata=1 data=2 binaryData=3 immutable=4?',
  'core.v1.Secret': 'metadata=1 data=2 type=3 stringData=4 immutable=5?',
  'core.v1.ServiceAccount': 'metadata=1 secrets=2 imagePullSecrets=3 automountServiceAccountToken=4?',
  'core.v1.LocalObjectReference': 'name=1',
  'core.v1.TypedLocalObjectReference': 'apiGroup=1 kind=2 name=3',
  'core.v1.ObjectReference': 'kind=1 namespace=2 name=3 uid=4 apiVersion=5 resourceVersion=6 fieldPath=7',
  'core.v1.Binding': 'metadata=1 target=2',
  'core.v1.Service': OBJECT,
  'core.v1.ServiceSpec':
    'ports=1 selector=2 clusterIP=3 type=4 externalIPs=5 sessionAffinity=7 loadBalancerIP=8 loadBalancerSourceRanges=9 externalName=10 externalTrafficPolicy=11 healthCheckNodePort=12 publishNotReadyAddresses=13 sessionAffinityConfig=14 ipFamilyPolicy=17 clusterIPs=18 ipFamilies=19 allocateLoadBalancerNodePorts=20? loadBalancerClass=21 internalTrafficPolicy=22 trafficDistribution=23',
  'core.v1.ServicePort': 'name=1 protocol=2 port=3 targetPort=4 nodePort=5 appProtocol=6',
  'core.v1.SessionAffinityConfig': 'clientIP=1',
  'core.v1.ClientIPConfig': 'timeoutSeconds=1?',
  'core.v1.ServiceStatus': 'loadBalancer=1 conditions=2',
  'core.v1.LoadBalancerStatus': 'ingress=1',
  'core.v1.LoadBalancerIngress': 'ip=1 hostname=2 ipMode=3 ports=4',
  'core.v1.PortStatus': 'port=1 protocol=2 error=3',
  ...POD_ROWS,

  'apps.v1.Deployment': OBJECT,
  'apps.v1.DeploymentSpec':
    'replicas=1? selector=2 template=3 strategy=4 minReadySeconds=5 revisionHistoryLimit=6? paused=7 progressDeadlineSeconds=9?',
  'apps.v1.DeploymentStrategy': 'type=1 rollingUpdate=2',
  'apps.v1.RollingUpdateDeployment': 'maxUnavailable=1 maxSurge=2',
  'apps.v1.DeploymentStatus':
    'observedGeneration=1 replicas=2 updatedReplicas=3 availableReplicas=4 unavailableReplicas=5 readyReplicas=7 collisionCount=8? terminatingReplicas=9?',

  'batch.v1.Job': OBJECT,
  'batch.v1.JobSpec':
    'parallelism=1? completions=2? activeDeadlineSeconds=3? selector=4 manualSelector=5? template=6 backoffLimit=7? ttlSecondsAfterFinished=8? completionMode=9 suspend=10?',
  'batch.v1.JobStatus': 'startTime=2 completionTime=3 active=4 succeeded=5 failed=6 completedIndexes=7',
  'batch.v1.CronJob': OBJECT,
  'batch.v1.CronJobSpec':
    'schedule=1 startingDeadlineSeconds=2? concurrencyPolicy=3 suspend=4? jobTemplate=5 successfulJobsHistoryLimit=6? failedJobsHistoryLimit=7? timeZone=8',
  'batch.v1.JobTemplateSpec': 'metadata=1 spec=2',
  'batch.v1.CronJobStatus': 'active=1 lastScheduleTime=4 lastSuccessfulTime=5',

  'networking.v1.Ingress': OBJECT,
  'networking.v1.IngressSpec': 'defaultBackend=1 tls=2 rules=3 ingressClassName=4',
  'networking.v1.IngressRule': 'host=1 http=2.1',
  'networking.v1.HTTPIngressRuleValue': 'paths=1',
  'networking.v1.HTTPIngressPath': 'path=1 backend=2 pathType=3',
  'networking.v1.IngressBackend': 'resource=3 service=4',
  'networking.v1.IngressServiceBackend': 'name=1 port=2',
  'networking.v1.ServiceBackendPort': 'name=1 number=2',
  'networking.v1.IngressTLS': 'hosts=1 secretName=2',
  'networking.v1.IngressStatus': 'loadBalancer=1',
  'networking.v1.IngressLoadBalancerStatus': 'ingress=1',
  'networking.v1.IngressLoadBalancerIngress': 'ip=1 hostname=2 ports=4',

  'policy.v1.Eviction': 'metadata=1 deleteOptions=2',
  'policy.v1.PodDisruptionBudget': OBJECT,
  'policy.v1.PodDisruptionBudgetSpec': 'minAvailable=1 selector=2 maxUnavailable=3 unhealthyPodEvictionPolicy=4',
  'policy.v1.PodDisruptionBudgetStatus':
    'observedGeneration=1 disruptionsAllowed=3 currentHealthy=4 desiredHealthy=5 expectedPods=6',
  'autoscaling.v2.HorizontalPodAutoscaler': OBJECT,
  'autoscaling.v2.HorizontalPodAutoscalerSpec': 'scaleTargetRef=1 minReplicas=2? maxReplicas=3 metrics=4',
  'autoscaling.v2.CrossVersionObjectReference': 'kind=1 name=2 apiVersion=3',
  'autoscaling.v2.MetricSpec': 'type=1 resource=4',
  'autoscaling.v2.ResourceMetricSource': 'name=1 target=2',
  'autoscaling.v2.MetricTarget': 'type=1 value=2 averageValue=3 averageUtilization=4?',
  'autoscaling.v2.HorizontalPodAutoscalerStatus': 'desiredReplicas=4',
  'autoscaling.v1.HorizontalPodAutoscaler': OBJECT,
  'autoscaling.v1.HorizontalPodAutoscalerSpec': 'scaleTargetRef=1 minReplicas=2? maxReplicas=3 targetCPUUtilizationPercentage=4?',
  'autoscaling.v1.HorizontalPodAutoscalerStatus': 'currentReplicas=3 desiredReplicas=4',
  'autoscaling.v1.CrossVersionObjectReference': 'kind=1 name=2 apiVersion=3',
  'autoscaling.v1.Scale': OBJECT,
  'autoscaling.v1.ScaleSpec': 'replicas=1',
  'autoscaling.v1.ScaleStatus': 'replicas=1 selector=2',

  'rbac.v1.Role': 'metadata=1 rules=2',
  'rbac.v1.ClusterRole': 'metadata=1 rules=2 aggregationRule=3',
  'rbac.v1.AggregationRule': 'clusterRoleSelectors=1',
  'rbac.v1.PolicyRule': 'verbs=1 apiGroups=2 resources=3 resourceNames=4 nonResourceURLs=5',
  'rbac.v1.RoleBinding': 'metadata=1 subjects=2 roleRef=3',
  'rbac.v1.ClusterRoleBinding': 'metadata=1 subjects=2 roleRef=3',
  'rbac.v1.Subject': 'kind=1 apiGroup=2 name=3 namespace=4',
  'rbac.v1.RoleRef': 'apiGroup=1 kind=2 name=3',

  'scheduling.v1.PriorityClass': 'metadata=1 value=2 globalDefault=3 description=4 preemptionPolicy=5',

  'authentication.v1.SelfSubjectReview': 'metadata=1',
  'authentication.v1.TokenRequest': OBJECT,
  'authentication.v1.TokenRequestSpec': 'audiences=1 boundObjectRef=3 expirationSeconds=4?',
  'authentication.v1.TokenRequestStatus': '',
  'authentication.v1.BoundObjectReference': 'kind=1 apiVersion=2 name=3 uid=4',
  'authorization.v1.SelfSubjectAccessReview': 'metadata=1 spec=2',
  'authorization.v1.SelfSubjectAccessReviewSpec': 'resourceAttributes=1 nonResourceAttributes=2',
  'authorization.v1.ResourceAttributes': 'namespace=1 verb=2 group=3 version=4 resource=5 subresource=6 name=7',
  'authorization.v1.NonResourceAttributes': 'path=1 verb=2',
  'authorization.v1.SelfSubjectRulesReview': 'metadata=1 spec=2',
  'authorization.v1.SelfSubjectRulesReviewSpec': 'namespace=1',
}

/** One field of a message. `path` has one number, or two for a field of an embedded struct. */
export interface WireField {
  readonly name: string
  readonly pointer: boolean
}

/** Fields of a message by number; an inner map stands for an embedded struct. */
export type WireFields = ReadonlyMap<number, WireField | ReadonlyMap<number, WireField>>

const read = new Map<string, WireFields>()

/** The numbered fields of a schema; undefined when it has no row. */
export function wireFields(schema: string): WireFields | undefined {
  const key = schema.replace(/^io\.k8s\.(api|apimachinery\.pkg\.apis)\./, '')
  const row = ROWS[key]
  if (row === undefined) return undefined
  const known = read.get(key)
  if (known !== undefined) return known
  const fields = new Map<number, WireField | Map<number, WireField>>()
  for (const entry of row.split(' ').filter((text) => text !== '')) {
    const [name = '', number = ''] = entry.replace('?', '').split('=')
    const field = { name, pointer: entry.endsWith('?') }
    const [outer = 0, inner] = number.split('.').map(Number)
    if (inner === undefined) fields.set(outer, field)
    else fields.set(outer, new Map(fields.get(outer) as Map<number, WireField> | undefined).set(inner, field))
  }
  read.set(key, fields)
  return fields
}

/** Schemas that have a row, as their short names. */
export const WIRE_SCHEMAS: readonly string[] = Object.keys(ROWS)
