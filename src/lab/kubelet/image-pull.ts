/** Gets a container its image, however long that takes, in the words of a real pull. */
import { pause } from '../../kube/backoff.ts'
import type { EventType } from '../../kube/events.ts'
import type { Catalogue } from '../images/catalogue.ts'
import type { Image } from '../images/image.ts'

/** Short, as an image comes by a file that someone adds, and a pull costs nothing. */
const FIRST_DELAY_IN_MS = 4_000
const MAX_DELAY_IN_MS = 20_000
/** How long a failed pull shows as ErrImagePull before it shows as waiting for the next. */
const ERROR_SHOWN_IN_MS = 2_000

export interface ImagePull {
  readonly reference: string
  readonly catalogue: Catalogue
  readonly signal: AbortSignal
  tell(type: EventType, reason: string, message: string): void
  waiting(reason: string, message: string): void
}

/** Resolves with the image, or undefined when the signal came first. */
export async function pullImage(pull: ImagePull): Promise<Image | undefined> {
  const { reference, signal } = pull
  for (let delayInMs = FIRST_DELAY_IN_MS; !signal.aborted; delayInMs = Math.min(delayInMs * 2, MAX_DELAY_IN_MS)) {
    try {
      const image = await pull.catalogue.resolve(reference)
      const words = `Container image "${reference}" already present on machine and can be accessed by the pod`
      pull.tell('Normal', 'Pulled', words)
      return image
    } catch (error) {
      await failed(pull, error instanceof Error ? error.message : String(error), delayInMs)
    }
  }
  return undefined
}

async function failed({ reference, signal, tell, waiting }: ImagePull, message: string, delayInMs: number): Promise<void> {
  tell('Normal', 'Pulling', `Pulling image "${reference}"`)
  tell('Warning', 'Failed', `Failed to pull image "${reference}": ${message}`)
  tell('Warning', 'Failed', 'Error: ErrImagePull')
  waiting('ErrImagePull', message)
  if (!(await pause(ERROR_SHOWN_IN_MS, signal))) return
  tell('Normal', 'BackOff', `Back-off pulling image "${reference}"`)
  tell('Warning', 'Failed', 'Error: ImagePullBackOff')
  waiting('ImagePullBackOff', `Back-off pulling image "${reference}": ErrImagePull: ${message}`)
  await pause(delayInMs - ERROR_SHOWN_IN_MS, signal)
}
