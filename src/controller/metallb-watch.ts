/** Whether a controller of MetalLB is alive: it gives addresses of the same pools. */
import type { KubeClient } from '../kube/client.ts'
import { type Reflector, startReflector } from '../kube/reflector.ts'
import { keyOf, PODS } from '../kube/resource.ts'
import type { Pod } from '../kube/types.ts'
import type { Finding } from '../model/code.ts'
import { CONTROLLER_METALLB_ALIVE } from '../model/codes/controller.ts'

/** By its manifests, and by its chart. */
const SELECTORS = ['app=metallb', 'app.kubernetes.io/name=metallb']
const COMPONENTS = ['component', 'app.kubernetes.io/component']

export interface MetallbWatch {
  /** Resolves once it is known. */
  readonly synced: Promise<void>
  /** Undefined while none is alive. */
  readonly finding: Finding | undefined
}

/** `onChange` hears whenever the answer may be another. */
export function watchMetallb(client: KubeClient, signal: AbortSignal, onChange: () => void): MetallbWatch {
  const reflectors: readonly Reflector<string>[] = SELECTORS.map((labelSelector) =>
    startReflector<Pod, string>({
      ...{ client, signal, resource: PODS, labelSelector },
      keep: (pod) => (isLiveController(pod) ? keyOf(pod) : ''),
      onChanges: onChange,
    }),
  )
  return {
    synced: Promise.all(reflectors.map((one) => one.synced)).then(() => undefined),
    get finding() {
      const pod = reflectors.flatMap(({ store }) => [...store.values()]).find((key) => key !== '')
      return pod === undefined ? undefined : metallbAlive(pod)
    },
  }
}

function isLiveController({ metadata: { labels = {}, deletionTimestamp }, status }: Pod): boolean {
  const isReady = status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') ?? false
  return isReady && deletionTimestamp === undefined && COMPONENTS.some((name) => labels[name] === 'controller')
}

function metallbAlive(pod: string): Finding {
  const message = `The pod ${pod} is a MetalLB controller and is Ready; Fairway gives no addresses beside it.`
  return { code: CONTROLLER_METALLB_ALIVE, subjects: [`pod/${pod}`], message, fix: CONTROLLER_METALLB_ALIVE.fix }
}
