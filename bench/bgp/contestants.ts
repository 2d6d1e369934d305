/** Those that announce the same prefixes to the same listener, each by the way in which it is fed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BirdControl } from '../../src/engine/bird/control.ts'
import { type BirdEngine, createBirdEngine } from '../../src/engine/bird/engine.ts'
import { inNetns, netnsPath } from '../../src/linux/netns.ts'
import { COLLECTOR_AS, SPEAKER_AS } from '../../test/support/bgp-collector.ts'
import { route, SPEAKER, session } from '../../test/support/bgp-entries.ts'
import { type FrrRouter, type GobgpRouter, startFrr, startGobgp } from '../../test/support/bgp-peers.ts'
import { PodRoutePath } from '../../test/support/pod-route-path.ts'
import { until } from '../../test/support/until.ts'
import { GobgpApi } from './gobgp-api.ts'

/** A namespace with a link to the listener. */
export interface Place {
  readonly namespace: string
  readonly folder: string
  readonly own: string
  readonly listener: string
}

/** IPv4 addresses, each to be announced alone. `all` is what is there afterwards. */
export interface Change {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly all: readonly string[]
}

export interface Contestant {
  /** Makes ready what is not to be timed, and returns what is: it resolves when the change has been handed over. */
  prepare(change: Change): () => Promise<void>
  end(): Promise<void>
}

const NEVER = new AbortController().signal
const ANSWER_WITHIN_MS = 60_000

/** BIRD with nothing around it: a file that is included, renamed into place, and `configure`. */
export async function byHand({ namespace, folder, own, listener }: Place): Promise<Contestant> {
  const [main, routes, socket] = [join(folder, 'bird.conf'), join(folder, 'routes.conf'), join(folder, 'bird.ctl')]
  const text = (all: readonly string[]) =>
    `protocol static {\nipv4;\n${all.map((at) => `route ${at}/32 blackhole;\n`).join('')}}\n`
  await writeFile(routes, text([]))
  await writeFile(
    main,
    `router id ${own};
protocol device { }
protocol bgp listener {
  local ${own} as ${SPEAKER_AS};
  neighbor ${listener} as ${COLLECTOR_AS};
  connect delay time 1;
  ipv4 { import none; export all; next hop self; };
}
include "routes.conf";
`,
  )
  const [program = '', ...args] = inNetns(namespace, ['bird', '-f', '-c', main, '-s', socket])
  const child = spawn(program, args, { stdio: 'ignore' })
  const control = await until(
    () => BirdControl.connect(socket, ANSWER_WITHIN_MS),
    () => true,
  )
  return {
    prepare: ({ all }) => {
      const next = text(all)
      return async () => {
        await writeFile(`${routes}.next`, next)
        await rename(`${routes}.next`, routes)
        await control.ask('configure', ANSWER_WITHIN_MS)
      }
    },
    end: async () => {
      control.close()
      await kill(child)
    },
  }
}

/** Fairway's engine: entries in, and BIRD's configuration checked, kept and loaded. */
export async function byEngine({ namespace, folder, own, listener }: Place): Promise<Contestant> {
  const engine = createBirdEngine({ directory: join(folder, 'node'), netns: netnsPath(namespace) })
  const ends = { sourceAddress: own, peerAddress: listener, localAs: SPEAKER_AS, peerAs: COLLECTOR_AS, nextHops: { ipv4: '' } }
  await engine.apply({ upserts: [{ ...SPEAKER, routerId: own }, session(ends)], removals: [] }, NEVER)
  return {
    prepare:
      ({ added, removed }) =>
      () =>
        engine.apply(
          { upserts: added.map((at) => route(`${at}/32`, TO_ALL)), removals: removed.map((at) => `route/${at}/32`) },
          NEVER,
        ),
    end: () => engine.cleanup(),
  }
}

/** As the planner has it: routes that are announced in the same way share one value. */
const TO_ALL = [{ sessions: [], communities: [] }]

/** The whole way of an agent: pods change, and it is planned, reconciled and loaded. */
export async function byAgent({ namespace, folder, own, listener }: Place): Promise<Contestant> {
  const engine: BirdEngine = createBirdEngine({ directory: join(folder, 'node'), netns: netnsPath(namespace) })
  const path = new PodRoutePath(engine, { own, peer: listener })
  await path.reconciler.settled()
  return {
    prepare: ({ added, removed }) => {
      const take = path.change(added, removed)
      return () => {
        take()
        return path.reconciler.settled()
      }
    },
    end: async () => {
      await path.reconciler.stop()
      await engine.cleanup()
    },
  }
}

/** FRR, fed as its own tools feed it: lines in a file that vtysh reads. */
export async function byFrr({ namespace, own, listener }: Place): Promise<Contestant> {
  const router: FrrRouter = await startFrr(namespace, [
    `router bgp ${SPEAKER_AS}`,
    ...[`bgp router-id ${own}`, 'no bgp ebgp-requires-policy', 'no bgp network import-check'],
    ...[`neighbor ${listener} remote-as ${COLLECTOR_AS}`, `neighbor ${listener} timers connect 1`],
  ])
  return {
    prepare: ({ added, removed }) => {
      const lines = [
        `router bgp ${SPEAKER_AS}`,
        'address-family ipv4 unicast',
        ...added.map((at) => `network ${at}/32`),
        ...removed.map((at) => `no network ${at}/32`),
      ]
      return () => router.configure(lines)
    },
    end: () => router.end(),
  }
}

/** GoBGP, fed by its gRPC interface. */
export async function byGobgp({ namespace, folder, own, listener }: Place): Promise<Contestant> {
  const router: GobgpRouter = await startGobgp(
    namespace,
    folder,
    `[global.config]
as = ${SPEAKER_AS}
router-id = "${own}"
[[neighbors]]
[neighbors.config]
neighbor-address = "${listener}"
peer-as = ${COLLECTOR_AS}
[neighbors.timers.config]
connect-retry = 1
`,
  )
  const api = new GobgpApi(router.socketFile)
  return {
    prepare: ({ added, removed }) => {
      const path = (withdrawn: boolean) => (address: string) => ({ address, length: 32, nextHop: own, withdrawn })
      return api.prepare([...added.map(path(false)), ...removed.map(path(true))])
    },
    end: async () => {
      api.close()
      await router.end()
    },
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
