/** Numbers of the protobuf fields of pods, in the form of `fields.ts`. Volumes are those that a kubelet of the lab can make. */

const PROBE_HANDLER = 'exec=1.1 httpGet=1.2 tcpSocket=1.3 grpc=1.4'
const ITEMS_OF_ONE = 'name=1.1 items=2 optional=4?'

export const POD_ROWS: Readonly<Record<string, string>> = {
  'core.v1.Pod': 'metadata=1 spec=2 status=3',
  'core.v1.PodTemplateSpec': 'metadata=1 spec=2',
  'core.v1.PodSpec':
    'volumes=1 containers=2 restartPolicy=3 terminationGracePeriodSeconds=4? activeDeadlineSeconds=5? dnsPolicy=6 nodeSelector=7 serviceAccountName=8 serviceAccount=9 nodeName=10 hostNetwork=11 hostPID=12 hostIPC=13 securityContext=14 imagePullSecrets=15 hostname=16 subdomain=17 affinity=18 schedulerName=19 initContainers=20 automountServiceAccountToken=21? tolerations=22 hostAliases=23 priorityClassName=24 priority=25? dnsConfig=26 shareProcessNamespace=27? readinessGates=28 runtimeClassName=29 enableServiceLinks=30? preemptionPolicy=31 overhead=32 topologySpreadConstraints=33 setHostnameAsFQDN=35? os=36 hostUsers=37? schedulingGates=38',
  'core.v1.PodStatus': 'phase=1 message=3 reason=4 qosClass=9',
  'core.v1.PodSecurityContext': 'runAsUser=2? runAsNonRoot=3? supplementalGroups=4 fsGroup=5? runAsGroup=6? sysctls=7',
  'core.v1.Sysctl': 'name=1 value=2',
  'core.v1.Toleration': 'key=1 operator=2 value=3 effect=4 tolerationSeconds=5?',
  'core.v1.HostAlias': 'ip=1 hostnames=2',
  'core.v1.PodDNSConfig': 'nameservers=1 searches=2 options=3',
  'core.v1.PodDNSConfigOption': 'name=1 value=2?',
  'core.v1.PodReadinessGate': 'conditionType=1',
  'core.v1.PodSchedulingGate': 'name=1',
  'core.v1.PodOS': 'name=1',
  'core.v1.TopologySpreadConstraint':
    'maxSkew=1 topologyKey=2 whenUnsatisfiable=3 labelSelector=4 minDomains=5? nodeAffinityPolicy=6 nodeTaintsPolicy=7 matchLabelKeys=8',

  'core.v1.Affinity': 'nodeAffinity=1 podAffinity=2 podAntiAffinity=3',
  'core.v1.NodeAffinity': 'requiredDuringSchedulingIgnoredDuringExecution=1 preferredDuringSchedulingIgnoredDuringExecution=2',
  'core.v1.NodeSelector': 'nodeSelectorTerms=1',
  'core.v1.NodeSelectorTerm': 'matchExpressions=1 matchFields=2',
  'core.v1.NodeSelectorRequirement': 'key=1 operator=2 values=3',
  'core.v1.PreferredSchedulingTerm': 'weight=1 preference=2',
  'core.v1.PodAffinity': 'requiredDuringSchedulingIgnoredDuringExecution=1 preferredDuringSchedulingIgnoredDuringExecution=2',
  'core.v1.PodAntiAffinity': 'requiredDuringSchedulingIgnoredDuringExecution=1 preferredDuringSchedulingIgnoredDuringExecution=2',
  'core.v1.PodAffinityTerm':
    'labelSelector=1 namespaces=2 topologyKey=3 namespaceSelector=4 matchLabelKeys=5 mismatchLabelKeys=6',
  'core.v1.WeightedPodAffinityTerm': 'weight=1 podAffinityTerm=2',

  'core.v1.Container':
    'name=1 image=2 command=3 args=4 workingDir=5 ports=6 env=7 resources=8 volumeMounts=9 livenessProbe=10 readinessProbe=11 lifecycle=12 terminationMessagePath=13 imagePullPolicy=14 securityContext=15 stdin=16 stdinOnce=17 tty=18 envFrom=19 terminationMessagePolicy=20 startupProbe=22 restartPolicy=24',
  'core.v1.SecurityContext':
    'capabilities=1 privileged=2? runAsUser=4? runAsNonRoot=5? readOnlyRootFilesystem=6? allowPrivilegeEscalation=7? runAsGroup=8? procMount=9',
  'core.v1.Capabilities': 'add=1 drop=2',
  'core.v1.ContainerPort': 'name=1 hostPort=2 containerPort=3 protocol=4 hostIP=5',
  'core.v1.EnvVar': 'name=1 value=2 valueFrom=3',
  'core.v1.EnvVarSource': 'fieldRef=1 resourceFieldRef=2 configMapKeyRef=3 secretKeyRef=4',
  'core.v1.ObjectFieldSelector': 'apiVersion=1 fieldPath=2',
  'core.v1.ResourceFieldSelector': 'containerName=1 resource=2 divisor=3',
  'core.v1.ConfigMapKeySelector': 'name=1.1 key=2 optional=3?',
  'core.v1.SecretKeySelector': 'name=1.1 key=2 optional=3?',
  'core.v1.EnvFromSource': 'prefix=1 configMapRef=2 secretRef=3',
  'core.v1.ConfigMapEnvSource': 'name=1.1 optional=2?',
  'core.v1.SecretEnvSource': 'name=1.1 optional=2?',
  'core.v1.ResourceRequirements': 'limits=1 requests=2',
  'core.v1.VolumeMount': 'name=1 readOnly=2 mountPath=3 subPath=4 mountPropagation=5 subPathExpr=6 recursiveReadOnly=7',
  'core.v1.Probe': `${PROBE_HANDLER} initialDelaySeconds=2 timeoutSeconds=3 periodSeconds=4 successThreshold=5 failureThreshold=6 terminationGracePeriodSeconds=7?`,
  'core.v1.Lifecycle': 'postStart=1 preStop=2 stopSignal=3',
  'core.v1.LifecycleHandler': 'exec=1 httpGet=2 tcpSocket=3 sleep=4',
  'core.v1.ExecAction': 'command=1',
  'core.v1.HTTPGetAction': 'path=1 port=2 host=3 scheme=4 httpHeaders=5',
  'core.v1.HTTPHeader': 'name=1 value=2',
  'core.v1.TCPSocketAction': 'port=1 host=2',
  'core.v1.GRPCAction': 'port=1 service=2',
  'core.v1.SleepAction': 'seconds=1',

  'core.v1.Volume':
    'name=1 hostPath=2.1 emptyDir=2.2 secret=2.6 persistentVolumeClaim=2.10 downwardAPI=2.16 configMap=2.19 projected=2.26',
  'core.v1.HostPathVolumeSource': 'path=1 type=2',
  'core.v1.EmptyDirVolumeSource': 'medium=1 sizeLimit=2',
  'core.v1.SecretVolumeSource': 'secretName=1 items=2 defaultMode=3? optional=4?',
  'core.v1.PersistentVolumeClaimVolumeSource': 'claimName=1 readOnly=2',
  'core.v1.ConfigMapVolumeSource': 'name=1.1 items=2 defaultMode=3? optional=4?',
  'core.v1.KeyToPath': 'key=1 path=2 mode=3?',
  'core.v1.DownwardAPIVolumeSource': 'items=1 defaultMode=2?',
  'core.v1.DownwardAPIVolumeFile': 'path=1 fieldRef=2 resourceFieldRef=3 mode=4?',
  'core.v1.ProjectedVolumeSource': 'sources=1 defaultMode=2?',
  'core.v1.VolumeProjection': 'secret=1 downwardAPI=2 configMap=3 serviceAccountToken=4',
  'core.v1.SecretProjection': ITEMS_OF_ONE,
  'core.v1.ConfigMapProjection': ITEMS_OF_ONE,
  'core.v1.DownwardAPIProjection': 'items=1',
  'core.v1.ServiceAccountTokenProjection': 'audience=1 expirationSeconds=2? path=3',
}
