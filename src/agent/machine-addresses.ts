import { networkInterfaces } from 'node:os'

/** The addresses of this machine's interfaces that are up, as it has them now. */
export function machineAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((some = []) => some.map(({ address }) => address))
}
