/** The agent's part in BGP, from its configuration. */
import { existsSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentConfig } from '../../config/agent.ts'
import { createBirdEngine } from '../../engine/bird/engine.ts'
import { KERNEL_TABLE } from '../../engine/bird/lookup.ts'
import type { KubeClient } from '../../kube/client.ts'
import { SERVICE_BGP_STATUSES } from '../../kube/service-status-object.ts'
import { logger } from '../../log/log.ts'
import { createBgpPlanner } from '../../plan/bgp.ts'
import { ServiceStatusWriter } from '../service-status-writer.ts'
import { ReportWriter } from './report-writer.ts'
import type { SpeakerOptions } from './speaker.ts'

const log = logger('bgp')

type BgpAgentConfig = Pick<AgentConfig, 'node' | 'bgp' | 'birdDir' | 'bgpDrainInS' | 'loadBalancerClass'>

/** What the agent needs to speak BGP; undefined when it is not to: what an agent before it said is then taken back. */
export async function bgpRole(
  config: BgpAgentConfig,
  client: KubeClient,
  signal: AbortSignal,
): Promise<Pick<SpeakerOptions, 'engine' | 'planner' | 'kernelTable' | 'drainInMs'> | undefined> {
  const { node, bgp, birdDir, bgpDrainInS, loadBalancerClass } = config
  if (bgp === 'auto') {
    const engine = createBirdEngine({ directory: birdDir })
    return {
      engine,
      planner: createBgpPlanner(node, { kernelTable: KERNEL_TABLE, loadBalancerClass }),
      kernelTable: KERNEL_TABLE,
      drainInMs: bgpDrainInS * 1_000,
    }
  }
  await removeBird(birdDir).catch((err: unknown) => log.warn({ err }, 'BIRD of before could not be removed'))
  new ReportWriter({ client, node, signal }).want([])
  new ServiceStatusWriter({ client, node, signal, resource: SERVICE_BGP_STATUSES }).want(new Map())
  return undefined
}

/** Closes all sessions, ends BIRD, and leaves nothing of it on the node; nothing to do where there is none. @throws {FairwayError} */
export async function removeBird(birdDir: string): Promise<void> {
  if (!existsSync(birdDir)) return
  const engine = createBirdEngine({ directory: birdDir })
  await engine.cleanup()
  await engine.close()
  rmSync(join(birdDir, 'bird.log'), { force: true })
  try {
    rmdirSync(birdDir)
  } catch {
    // somebody keeps something else in it
  }
}
