/** What is known of one container, as its status lists it. */
import { createHash } from 'node:crypto'
import type { Container, ContainerStatus } from '../../kube/types.ts'
import { type Image, taggedReference } from '../images/image.ts'
import type { ContainerExit } from './container-process.ts'
import { apiTime } from './pod-status.ts'

export type ContainerState = NonNullable<ContainerStatus['state']>

/** Keeps the status of a container over all its runs; `changed` hears of every change. */
export class ContainerRecord {
  readonly #container: Container
  readonly #changed: () => void
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } }
  #lastState: ContainerState = {}
  #ready = false
  #started = false
  #restartCount = 0
  #imageID = ''
  #containerID = ''

  /** `before` is the status in an earlier life of this kubelet. */
  constructor(container: Container, before: ContainerStatus | undefined, changed: () => void) {
    this.#container = container
    this.#changed = changed
    if (before === undefined) return
    this.#restartCount = before.restartCount + (before.state?.running === undefined ? 0 : 1)
    this.#lastState = before.state?.running === undefined ? (before.lastState ?? {}) : lost(before)
  }

  get status(): ContainerStatus {
    return {
      name: this.#container.name,
      state: this.#state,
      lastState: this.#lastState,
      ready: this.#ready,
      started: this.#started,
      restartCount: this.#restartCount,
      image: taggedReference(this.#container.image ?? ''),
      imageID: this.#imageID,
      ...(this.#containerID === '' ? {} : { containerID: this.#containerID }),
    }
  }

  pulled(image: Image): void {
    this.#imageID = `fairway.local/${image.name}@sha256:${sha256(JSON.stringify(image))}`
  }

  waiting(reason: string, message?: string): void {
    this.#become({ waiting: { reason, ...(message === undefined ? {} : { message }) } })
  }

  /** A process was made for the pod with this uid. */
  created(uid: string, startedAtInMs: number): void {
    this.#containerID = `fairway://${sha256(`${uid}/${this.#container.name}/${this.#restartCount}/${startedAtInMs}`)}`
  }

  running(startedAtInMs: number): void {
    this.#become({ running: { startedAt: apiTime(startedAtInMs) } })
  }

  started(): void {
    this.#started = true
    this.#changed()
  }

  ready(ready: boolean): void {
    if (ready === this.#ready) return
    this.#ready = ready
    this.#changed()
  }

  ended(exit: ContainerExit, reason: string, message: string): void {
    this.#ready = false
    this.#started = false
    this.#become({
      terminated: {
        exitCode: exit.exitCode,
        reason,
        ...(message === '' ? {} : { message }),
        startedAt: apiTime(exit.startedAtInMs),
        finishedAt: apiTime(exit.finishedAtInMs),
        ...(this.#containerID === '' ? {} : { containerID: this.#containerID }),
      },
    })
  }

  /** The run that ended becomes the last one. */
  setAside(): void {
    this.#lastState = this.#state
  }

  restarted(): void {
    this.#restartCount++
  }

  #become(state: ContainerState): void {
    this.#state = state
    this.#changed()
  }
}

/** The end that a container met when its kubelet died, which nobody saw. Source: kubelet, status of containers after a reboot. */
function lost(before: ContainerStatus): ContainerState {
  const startedAt = before.state?.running?.startedAt
  return {
    terminated: {
      exitCode: 255,
      reason: 'Unknown',
      ...(startedAt === undefined ? {} : { startedAt }),
      finishedAt: apiTime(Date.now()),
    },
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
