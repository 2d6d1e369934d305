/** `fairway bgp peers` and `routes` on a lab that speaks BGP: what they say is what the router has. */
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Running } from '../support/cli.ts'
import { bringUpLab, FAIRWAY, type LiveLab } from '../support/live-lab.ts'

const LAB = 't-bgpcli'
const soon = { timeout: 20_000, interval: 200 }
const EXAMPLES = `${process.cwd()}/examples/bgp`

let lab: LiveLab
const running = new Set<Running>()
beforeAll(async () => {
  lab = await bringUpLab(LAB, '--with', 'bgp')
})
afterAll(async () => {
  for (const one of running) one.interrupt()
  await lab?.down()
})

function watch(...args: readonly string[]): Running {
  const command = ['lab', 'exec', '--name', LAB, 'client', '--', 'fairway', 'bgp', ...args, '-w']
  const child = new Running(spawn(FAIRWAY, command, { stdio: ['ignore', 'pipe', 'pipe'] }))
  running.add(child)
  return child
}

async function json<T>(...args: readonly string[]): Promise<T> {
  return JSON.parse((await lab.on('client', `fairway bgp ${args.join(' ')} -o json`)).stdout)
}

interface Peers {
  readonly sessions: readonly { readonly peer: string; readonly node: string; readonly state: string; readonly health: string }[]
}
interface Routes {
  readonly routes: readonly {
    readonly prefix: string
    readonly node: string
    readonly for: string
    readonly announcedTo: number
  }[]
}

/** The prefixes that the router has of nodes, with the addresses that they point to. */
async function heardByRouter(): Promise<readonly string[]> {
  const tables = await Promise.all(
    (['ipv4', 'ipv6'] as const).map((family) => lab.on('tor', `vtysh -c 'show bgp ${family} unicast json'`)),
  )
  return tables.flatMap(({ stdout }) => {
    const { routes } = JSON.parse(stdout) as { readonly routes: Readonly<Record<string, readonly { readonly path: string }[]>> }
    return Object.entries(routes).flatMap(([prefix, paths]) => paths.filter(({ path }) => path === '64513').map(() => prefix))
  })
}

test('before there are peers: nothing to show, and nothing wrong', async () => {
  for (const noun of ['peers', 'routes']) {
    const said = await lab.on('client', `fairway bgp ${noun}`)
    expect(said).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringMatching(/^No (BGP peers|routes)\./) })
  }
})

describe('with peers and advertisements', () => {
  beforeAll(async () => {
    await lab.client(`kubectl apply -f ${EXAMPLES}/peers.yaml -f ${EXAMPLES}/pod-routes.yaml`)
  })

  test('--wait answers when every session is up, and the plugin of kubectl says the same', async () => {
    const table = await lab.client('fairway bgp peers --wait --timeout 30s')
    expect(table.match(/ok Established/g)).toHaveLength(3)
    const { sessions } = await json<Peers>('peers')
    expect(sessions.map(({ peer, node, health }) => `${peer} ${node} ${health}`)).toEqual(
      ['optiplex-1', 'optiplex-2', 'ubuntu-1'].map((node) => `tor ${node} good`),
    )
    expect((await lab.client('kubectl fairway bgp peers')).match(/ok Established/g)).toHaveLength(3)
    expect(await lab.client('kubectl __complete fairway bgp peers to 2>/dev/null')).toBe('tor\n:4\n')
  })

  test('the routes that it shows are those that the router has', async () => {
    const shown = async () => (await json<Routes>('routes')).routes.filter(({ announcedTo }) => announcedTo > 0)
    expect((await shown()).map(({ for: what }) => what)).toEqual(Array.from({ length: 6 }, () => 'node range'))
    await expect
      .poll(async () => (await heardByRouter()).toSorted(), soon)
      .toEqual((await shown()).map(({ prefix }) => prefix).toSorted())
  })

  test('a pod that is announced alone comes and goes under the eyes of --watch', async () => {
    await lab.client(`kubectl apply -f ${EXAMPLES}/single-pods.yaml`)
    const routes = watch('routes')
    await routes.says(/node range/)
    await lab.client('kubectl run web --image=fairway/echo --labels=reachable=directly')
    await routes.says(/\/32 .*default\/web /)
    const { routes: found } = await json<Routes>('routes', 'default/web')
    expect(new Set(found.map(({ node }) => node)).size).toBe(1)
    await expect
      .poll(async () => (await heardByRouter()).filter((prefix) => /\/(32|128)$/.test(prefix)).toSorted(), soon)
      .toEqual(found.map(({ prefix }) => prefix).toSorted())
    await lab.client('kubectl delete pod web --wait=false')
    await routes.says(/default\/web .*\(gone\)/)
    await expect.poll(async () => (await heardByRouter()).filter((prefix) => /\/(32|128)$/.test(prefix)), soon).toEqual([])
    routes.interrupt()
  })

  test('a node that is cordoned is seen to drain, and no finding', async () => {
    const peers = watch('peers')
    await peers.says(/optiplex-1 .*ok Established/)
    await lab.client('kubectl cordon optiplex-1')
    await peers.says(/optiplex-1 .*- Established, draining/)
    expect((await lab.on('client', 'fairway bgp peers')).exitCode).toBe(0)
    await lab.client('kubectl uncordon optiplex-1')
    await lab.client('fairway bgp peers --wait --timeout 30s')
    peers.interrupt()
    expect((await peers.ended).stderr).toBe('')
  })

  test('a peer that nobody is: found with exit code 1, the other goes on', async () => {
    await lab.client(
      'kubectl apply -f -',
      'apiVersion: metallb.io/v1beta2\nkind: BGPPeer\nmetadata: {name: nobody}\nspec: {myASN: 64513, peerASN: 64999, peerAddress: 192.168.7.7}\n',
    )
    await expect
      .poll(async () => (await json<Peers>('peers', 'nobody')).sessions.map(({ health }) => health), soon)
      .toEqual(['bad', 'bad', 'bad'])
    const said = await lab.on('client', 'fairway bgp peers')
    expect(said).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('FW0507') })
    expect(said.stdout.match(/tor .*ok Established/g)).toHaveLength(3)
    expect((await lab.on('client', 'fairway bgp peers tor')).exitCode).toBe(0)
    expect((await lab.on('client', 'fairway bgp peers --wait --timeout 1s')).exitCode).toBe(4)
    await lab.client('kubectl delete bgppeer nobody')
    await lab.client('fairway bgp peers --wait --timeout 30s')
  })
})
