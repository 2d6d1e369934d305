/** `fairway agent`: the role that runs on every node. */
import { mkdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type AgentConfig, readAgentConfig } from '../config/agent.ts'
import { createConntrack } from '../engine/conntrack/conntrack.ts'
import { createNftablesEngine, type NftablesEngine } from '../engine/nftables/engine.ts'
import { serveUnix } from '../http/unix-server.ts'
import { createClient } from '../kube/client.ts'
import { loadKubeConfig } from '../kube/config.ts'
import { giveMemoryBack } from '../linux/memory.ts'
import { notifyReady } from '../linux/ready-fd.ts'
import { logger } from '../log/log.ts'
import { Agent } from './agent.ts'
import { bgpRole, removeBird } from './bgp/role.ts'
import { ForeignWatch } from './foreign-watch.ts'
import { l2Role, removeAddresses } from './l2/role.ts'
import { lockNode } from './node-lock.ts'

const log = logger('agent')

/** The agent's socket in its folder. */
export const AGENT_SOCKET = 'agent.sock'

/**
 * Runs the agent until SIGTERM or SIGINT, which end it at once: what is in the kernel stays, and forwards.
 *
 * Exit code: 0 after a signal or a clean-up, 1 when it cannot run at all; the last log line then has the code and the fix.
 */
export async function main(args: readonly string[]): Promise<void> {
  try {
    const config = readAgentConfig(args, process.env)
    const engine = createNftablesEngine()
    await lockNode()
    await (config.cleanup ? cleanup(config, engine) : run(config, engine))
  } catch (err) {
    log.fatal({ err }, 'the agent cannot run')
    process.exit(1)
  }
}

/** Recorded flows stay: they are the kernel's, and connections that are open go on to their end. */
async function cleanup(config: AgentConfig, engine: NftablesEngine): Promise<void> {
  await engine.cleanup(new AbortController().signal)
  await engine.close()
  await removeBird(config.birdDir)
  await removeAddresses(config.dir)
  rmSync(join(config.dir, AGENT_SOCKET), { force: true })
  try {
    rmdirSync(config.dir)
  } catch {
    // it was never made, or somebody keeps something else in it
  }
  log.info('nothing of Fairway is left on this node')
}

async function run(config: AgentConfig, engine: NftablesEngine): Promise<void> {
  const client = createClient(loadKubeConfig({ path: config.kubeconfig }))
  mkdirSync(config.dir, { recursive: true, mode: 0o700 })
  const socket = join(config.dir, AGENT_SOCKET)
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      log.info({ signal: name }, 'ending; the rules and BGP sessions stay')
      rmSync(socket, { force: true })
      process.exit(0)
    })
  }
  log.info({ node: config.node, server: client.server }, 'starting')
  const { node, serviceProxy, nodePortAddresses, externalIPs, health } = config
  const agent = new Agent({
    node,
    client,
    engine,
    conntrack: createConntrack(),
    planner: { nodePortAddresses, externalIPs },
    serviceProxy,
    foreign: serviceProxy === 'fairway' ? undefined : await ForeignWatch.start({ signal: stop.signal }),
    health,
    bgp: await bgpRole(config, client, stop.signal),
    l2: await l2Role(config),
    signal: stop.signal,
  })
  await serveUnix(socket, agent.pages)
  await agent.ready
  if (config.readyFd !== undefined) tellReady(config.readyFd)
  giveMemoryBack() // the first load of a large cluster takes twice of what is needed from then on
}

function tellReady(fd: number): void {
  const err = notifyReady(fd)
  if (err !== undefined) log.warn({ err }, 'nobody listens for READY')
}
