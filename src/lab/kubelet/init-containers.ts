/** The containers of a pod that run before the others: one after the other, and sidecars that stay. */
import type { Container, ContainerStatus } from '../../kube/types.ts'
import type { ContainerRunner } from './container-runner.ts'

interface InitContainer {
  readonly container: Container
  readonly runner: ContainerRunner
}

/** Whether an init container that ended is started again: a sidecar always, others until they succeed unless the pod forbids it. */
export function initPolicy(container: Container, podPolicy: string | undefined): string {
  return container.restartPolicy === 'Always' ? 'Always' : podPolicy === 'Never' ? 'Never' : 'OnFailure'
}

/** Source: Kubernetes, "Init Containers" and "Sidecar Containers". */
export class InitContainers {
  readonly runners: readonly ContainerRunner[]
  readonly #all: readonly InitContainer[]
  readonly #sidecars = new Map<ContainerRunner, Promise<unknown>>()
  #stopped = false
  #failed = false
  #done: boolean

  constructor(all: readonly InitContainer[]) {
    this.#all = all
    this.runners = all.map(({ runner }) => runner)
    this.#done = all.length === 0
  }

  /** Each has succeeded, or for a sidecar has started. */
  get done(): boolean {
    return this.#done
  }

  /** One has failed and is not started again. */
  get failed(): boolean {
    return this.#failed
  }

  /** An init container that did its work counts as ready. */
  get statuses(): readonly ContainerStatus[] {
    return this.runners.map(({ status }) => (status.state?.terminated?.exitCode === 0 ? { ...status, ready: true } : status))
  }

  /** Runs them in their order; false when the pod goes no further. */
  async run(): Promise<boolean> {
    for (const { runner } of this.#all.slice(1)) runner.hold()
    for (const { container, runner } of this.#all) {
      if (this.#stopped) return false
      if (container.restartPolicy === 'Always') {
        this.#sidecars.set(runner, runner.run())
        await runner.firstStart
      } else if (!(await runner.run())) {
        this.#failed = !this.#stopped
        return false
      }
    }
    this.#done = !this.#stopped
    return this.#done
  }

  /** The pod ends: what is at work now is stopped; sidecars of a pod that got further wait for `finish`. */
  stop(graceInMs: number, withHooks: boolean): void {
    this.#stopped = true
    const all = this.#all.filter(({ container }) => !withHooks || !this.#done || container.restartPolicy !== 'Always')
    for (const { runner } of all) runner.stop(graceInMs, withHooks)
  }

  /** The other containers have ended: sidecars end, the last started first. */
  async finish(graceInMs: number): Promise<void> {
    for (const [runner, ended] of [...this.#sidecars].toReversed()) {
      runner.stop(graceInMs)
      await ended
    }
  }
}
