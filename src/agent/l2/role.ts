/** The agent's part in announcing addresses by ARP and NDP, from its configuration. */
import { existsSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AgentConfig } from '../../config/agent.ts'
import { createAddressEngine } from '../../engine/address/engine.ts'
import { logger } from '../../log/log.ts'
import type { AnnouncerOptions } from './announcer.ts'
import { NO_LINKS, watchLinks } from './link-watch.ts'

const log = logger('l2')

/**
 * What the agent needs to announce addresses; undefined when it is not to, or cannot: what an agent before it announced is then taken back.
 * With BGP alone it holds the floating addresses that BGP brings packets for, and answers for none.
 */
export async function l2Role({
  dir,
  l2,
  bgp,
  loadBalancerClass,
}: Pick<AgentConfig, 'dir' | 'l2' | 'bgp' | 'loadBalancerClass'>): Promise<
  Pick<AnnouncerOptions, 'engine' | 'links' | 'loadBalancerClass'> | undefined
> {
  if (l2 === 'none' && bgp === 'none') {
    await removeAddresses(dir).catch((err: unknown) => log.warn({ err }, 'addresses of before could not be removed'))
    return undefined
  }
  try {
    const links = l2 === 'none' ? NO_LINKS : await watchLinks()
    return { engine: createAddressEngine({ directory: stateIn(dir) }), links, loadBalancerClass }
  } catch (err) {
    log.error({ err }, 'no address is announced by ARP and NDP: the agent needs NET_ADMIN and NET_RAW for it')
    return undefined
  }
}

/** Takes all announced addresses off the node; nothing to do where there are none. @throws {FairwayError} */
export async function removeAddresses(dir: string): Promise<void> {
  if (!existsSync(stateIn(dir))) return
  const engine = createAddressEngine({ directory: stateIn(dir) })
  await engine.cleanup()
  await engine.close()
  try {
    rmdirSync(stateIn(dir))
  } catch {
    // somebody keeps something else in it
  }
}

function stateIn(dir: string): string {
  return join(dir, 'l2')
}
