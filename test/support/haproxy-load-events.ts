/** What happens under load, for the short and the long test of it. */
import { expect } from 'vitest'
import type { HaproxyLoad } from './haproxy-load.ts'

type Reloads = Readonly<Record<string, number>>

export interface LoadEvent {
  readonly name: string
  happens(load: HaproxyLoad, changes: number): Promise<void>
  /** How many reloads there were afterwards, of those before. */
  reloads(before: Reloads): Reloads
}

const none = (before: Reloads): Reloads => before

async function times(count: number, act: (turn: number) => Promise<void>): Promise<void> {
  for (let turn = 0; turn < count; turn++) await act(turn)
}

export const LOAD_EVENTS: readonly LoadEvent[] = [
  { name: 'endpoints change', happens: (load, changes) => times(changes, (turn) => load.endpoints(turn)), reloads: none },
  { name: 'routes change', happens: (load, changes) => times(changes, (turn) => load.route(turn)), reloads: none },
  {
    name: 'a certificate is rotated',
    happens: (load, changes) =>
      times(Math.ceil(changes / 20), async (turn) => {
        await load.certificate(`turn-${turn}`)
        expect(await load.shown()).toBe(`turn-${turn}.test`)
      }),
    reloads: none,
  },
  {
    name: 'the server of the connection is none any more, and is again',
    async happens(load) {
      await load.endpointsOf('tunnel', [])
      await load.endpointsOf('tunnel', ['10.6.0.200'])
    },
    reloads: none,
  },
  {
    name: 'the controller is killed, amid changes',
    happens: (load, changes) =>
      times(Math.ceil(changes / 20), async (turn) => {
        await load.route(turn)
        await load.takeOver()
      }),
    reloads: () => ({}),
  },
  { name: 'HAProxy is reloaded', happens: (load) => load.reload(), reloads: () => ({ asked: 1 }) },
]
