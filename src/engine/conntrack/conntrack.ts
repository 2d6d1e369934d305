import { askNetlink, type NetlinkAnswer } from '../../linux/netlink-request.ts'
import { logger } from '../../log/log.ts'
import { CONNTRACK_FAILED } from '../../model/codes/datapath.ts'
import { EngineError } from '../../model/engine.ts'
import { type FlowMatch, matches, type RecordedFlow } from '../../model/flow.ts'
import type { Family } from '../../model/world.ts'
import { canFilter, deleteMessage, forgetMessage, listMessage, NETLINK_NETFILTER, readFlow } from './message.ts'

/** The recorded UDP flows of a node. */
export interface Conntrack {
  /** All of them. @throws {EngineError} */
  list(): Promise<readonly RecordedFlow[]>
  /** Deletes those that match; that there are none is no error. @throws {EngineError} */
  forget(stale: readonly FlowMatch[]): Promise<void>
}

export interface ConntrackOptions {
  /** A network namespace file to work in; the process's own by default. */
  readonly netns?: string
  /** Whether to list and delete by tuple even where the kernel has a filter. */
  readonly withoutFilter?: boolean
}

/** The kernel walks its whole table for each match: from here on one listing is less work. */
const MATCHES_AT_ONCE = 32
const DELETES_AT_ONCE = 1_000
const log = logger('conntrack')

export function createConntrack(options: ConntrackOptions = {}): Conntrack {
  return new KernelConntrack(options)
}

class KernelConntrack implements Conntrack {
  private readonly netns: string | undefined
  private filters: boolean

  constructor({ netns, withoutFilter = false }: ConntrackOptions) {
    this.netns = netns
    this.filters = !withoutFilter
  }

  async list(): Promise<readonly RecordedFlow[]> {
    const flows: RecordedFlow[] = []
    for (const family of ['ipv4', 'ipv6'] as const) flows.push(...(await this.listFamily(family)))
    return flows
  }

  async forget(stale: readonly FlowMatch[]): Promise<void> {
    const filtered = this.filters && stale.length <= MATCHES_AT_ONCE ? stale.filter(canFilter) : []
    const refused = filtered.length === 0 ? [] : await this.forgetFiltered(filtered)
    const listed = [...refused, ...stale.filter((match) => !filtered.includes(match))]
    for (const family of new Set(listed.map((match) => match.family))) {
      await this.forgetListed(
        family,
        listed.filter((match) => match.family === family),
      )
    }
  }

  /** One call; returns what the kernel does not take: before Linux 5.8 it knows no filter. */
  private async forgetFiltered(stale: readonly FlowMatch[]): Promise<readonly FlowMatch[]> {
    const { errors } = await this.ask(stale.map((match, index) => forgetMessage(match, index + 1)))
    if (errors.size === 0) return []
    log.info({ errors: [...errors.values()] }, 'this kernel deletes no flows by a filter: listing them instead')
    this.filters = false
    return stale
  }

  private async forgetListed(family: Family, stale: readonly FlowMatch[]): Promise<void> {
    const byPort = new Map<number, FlowMatch[]>()
    for (const match of stale) byPort.set(match.port, [...(byPort.get(match.port) ?? []), match])
    const flows = await this.listFamily(family)
    const gone = flows.filter((flow) => byPort.get(flow.destination.port)?.some((match) => matches(match, flow)))
    for (let at = 0; at < gone.length; at += DELETES_AT_ONCE) {
      const { errors } = await this.ask(gone.slice(at, at + DELETES_AT_ONCE).map((flow, index) => deleteMessage(flow, index + 1)))
      const failed = [...errors.values()].filter((error) => error !== 'ENOENT') // it ended by itself meanwhile
      if (failed.length > 0) throw new EngineError(CONNTRACK_FAILED, `The kernel refused to forget a UDP flow: ${failed[0]}.`)
    }
  }

  private async listFamily(family: Family): Promise<readonly RecordedFlow[]> {
    const { messages, errors } = await this.ask([listMessage(family, 1)])
    const [error] = errors.values()
    if (error !== undefined) throw new EngineError(CONNTRACK_FAILED, `The kernel refused to list UDP flows: ${error}.`)
    return messages.flatMap(({ type, body }) => readFlow(type, body) ?? [])
  }

  private async ask(messages: readonly Buffer[]): Promise<NetlinkAnswer> {
    try {
      return await askNetlink({ protocol: NETLINK_NETFILTER, messages, netns: this.netns })
    } catch (cause) {
      throw new EngineError(CONNTRACK_FAILED, `The kernel's flows cannot be reached: ${(cause as Error).message}.`, { cause })
    }
  }
}
