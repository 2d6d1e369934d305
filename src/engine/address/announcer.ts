/** Tells segments who has an address: at once, and three times more within two seconds, as any one frame may be lost or come while a switch still learns. */
import { type AddressTransport, type Placed, placeOf } from './transport.ts'

const REPEATS_AFTER_IN_MS = [150, 700, 1900]

export class Announcer {
  private readonly transport: AddressTransport
  private readonly isHeld: (place: string) => boolean
  private readonly timers = new Set<NodeJS.Timeout>()

  /** `isHeld` tells of a place whether the node still announces it when a repeat is due. */
  constructor(transport: AddressTransport, isHeld: (place: string) => boolean) {
    this.transport = transport
    this.isHeld = isHeld
  }

  /** Resolves when the first round is out. */
  async announce(placed: readonly Placed[]): Promise<void> {
    if (placed.length === 0) return
    for (const delay of REPEATS_AFTER_IN_MS) {
      const timer = setTimeout(() => {
        this.timers.delete(timer)
        void this.transport.announce(placed.filter((one) => this.isHeld(placeOf(one))))
      }, delay)
      timer.unref()
      this.timers.add(timer)
    }
    await this.transport.announce(placed)
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers.clear()
  }
}
