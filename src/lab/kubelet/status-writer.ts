/** Reports a pod's status: the latest only, one request at a time, for as long as it takes. */
import { isDeepStrictEqual } from 'node:util'
import { isConflict, isNotFound } from '../../kube/api-error.ts'
import { Backoff, pause } from '../../kube/backoff.ts'
import type { KubeClient } from '../../kube/client.ts'
import { PODS } from '../../kube/resource.ts'
import type { Pod, PodStatus } from '../../kube/types.ts'
import { type Logger, logger } from '../../log/log.ts'

export class StatusWriter {
  readonly #client: KubeClient
  readonly #pod: Pod
  readonly #signal: AbortSignal
  readonly #log: Logger = logger('kubelet')
  #wanted: PodStatus | undefined
  #sent: PodStatus | undefined
  #writing: Promise<void> | undefined

  /** `signal` gives up what is not written yet. */
  constructor(client: KubeClient, pod: Pod, signal: AbortSignal) {
    this.#client = client
    this.#pod = pod
    this.#signal = signal
  }

  /** What was last asked to be reported. */
  get wanted(): PodStatus | undefined {
    return this.#wanted
  }

  write(status: PodStatus): void {
    this.#wanted = status
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined
    })
  }

  /** Someone else wrote over it: what was last reported is reported once more. */
  again(): void {
    if (this.#wanted === undefined) return
    this.#sent = undefined
    this.write(this.#wanted)
  }

  /** Resolves when the latest status is with the server, or the pod is gone there. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  async #drain(): Promise<void> {
    const backoff = new Backoff({ firstInMs: 100, maxInMs: 5_000 })
    while (!this.#signal.aborted && !isDeepStrictEqual(this.#wanted, this.#sent)) {
      const status = this.#wanted
      try {
        await this.#send(status)
        this.#sent = status
      } catch (err) {
        if (isNotFound(err) || isConflict(err)) return
        this.#log.warn({ err, pod: this.#pod.metadata.name }, 'a pod status could not be reported yet')
        await pause(backoff.next(), this.#signal)
      }
    }
  }

  /** The uid makes it fail for a pod that has taken the name since. */
  async #send(status: PodStatus | undefined): Promise<void> {
    const { namespace, name = '', uid } = this.#pod.metadata
    const body = { metadata: { uid }, status: { reason: null, message: null, ...status } }
    await this.#client.patch(PODS, { namespace, name }, body, { type: 'merge', subresource: 'status', signal: this.#signal })
  }
}
