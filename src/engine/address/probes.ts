/** Questions to neighbours that wait for an answer. */
import type { AddressConflict } from '../../model/l2.ts'
import { placeOf } from './transport.ts'

export class Probes {
  private readonly send: (address: string, interfaceName: string) => Promise<boolean>
  private readonly waiting = new Map<string, Set<(answered: boolean) => void>>()

  constructor(send: (address: string, interfaceName: string) => Promise<boolean>) {
    this.send = send
  }

  /** Whatever the neighbour says of itself from now on counts as an answer. */
  ask(address: string, interfaceName: string, timeoutInMs: number): Promise<boolean> {
    const place = placeOf({ address, interface: interfaceName })
    return new Promise((resolve, reject) => {
      const waiters = this.waiting.get(place) ?? new Set()
      this.waiting.set(place, waiters)
      const done = (answered: boolean) => {
        clearTimeout(timer)
        waiters.delete(done)
        if (waiters.size === 0 && this.waiting.get(place) === waiters) this.waiting.delete(place)
        resolve(answered)
      }
      const timer = setTimeout(() => done(false), timeoutInMs)
      waiters.add(done)
      this.send(address, interfaceName).then((sent) => sent || done(false), reject)
    })
  }

  heard(claim: AddressConflict): void {
    for (const done of [...(this.waiting.get(placeOf(claim)) ?? [])]) done(true)
  }

  close(): void {
    for (const done of [...this.waiting.values()].flatMap((waiters) => [...waiters])) done(false)
  }
}
