/** The end of a running container: its preStop hook, SIGTERM, SIGKILL, all within its grace. */
import type { ContainerRun } from './container-process.ts'

/** What a container still gets after a hook that used up its grace. Source: kubelet, minimumGracePeriodInSeconds. */
const AFTER_HOOK_IN_MS = 2_000

export class Termination {
  readonly #run: ContainerRun
  #deadlineInMs = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #phase: 'running' | 'hook' | 'asked' = 'running'

  constructor(run: ContainerRun) {
    this.#run = run
    void run.exited.then(() => clearTimeout(this.#timer))
  }

  /** Begins it, or brings its end forward; asked again, the earlier end counts, and the first `hook`. */
  begin(graceInMs: number, hook: (() => Promise<unknown>) | undefined): void {
    const endInMs = Date.now() + graceInMs
    if (endInMs >= this.#deadlineInMs) return
    this.#deadlineInMs = endInMs
    clearTimeout(this.#timer)
    if (this.#phase === 'asked') {
      this.#run.stop(graceInMs)
      return
    }
    this.#timer = setTimeout(() => this.#ask(Math.min(AFTER_HOOK_IN_MS, graceInMs)), graceInMs)
    if (this.#phase === 'hook') return
    this.#phase = 'hook'
    const remaining = (): number => Math.max(0, this.#deadlineInMs - Date.now())
    if (hook === undefined) this.#ask(remaining())
    else void hook().then(() => this.#ask(remaining()))
  }

  #ask(graceInMs: number): void {
    clearTimeout(this.#timer)
    if (this.#phase === 'asked') return
    this.#phase = 'asked'
    this.#run.stop(graceInMs)
  }
}
