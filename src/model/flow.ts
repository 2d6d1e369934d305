/** Flows that the kernel has recorded (conntrack): what decides where the datagrams of a UDP client go on to. */
import type { Backend } from './datapath.ts'
import type { Family } from './world.ts'

/**
 * A recorded UDP flow: `destination` is where the client sends, `server` where its datagrams go: another place when they are
 * translated. `source` is the client, `reply` where the server's answers go: another place when the source was masqueraded.
 */
export interface RecordedFlow {
  readonly family: Family
  readonly source: Backend
  readonly destination: Backend
  readonly server: Backend
  readonly reply: Backend
}

/**
 * UDP flows that must be forgotten: all that match.
 *
 * Shape: `address` is what they were sent to, '' for any; `server` is where they go, or `untranslated` for those that nobody translates.
 */
export interface FlowMatch {
  readonly family: Family
  readonly address: string
  readonly port: number
  readonly server: Backend | 'untranslated'
  /** Who asks, as `service/KEY` or `pod/KEY`. */
  readonly owner: string
}

export function isTranslated({ destination, server }: RecordedFlow): boolean {
  return destination.address !== server.address || destination.port !== server.port
}

export function matches(match: FlowMatch, flow: RecordedFlow): boolean {
  const { family, address, port, server } = match
  if (flow.family !== family || flow.destination.port !== port) return false
  if (address !== '' && flow.destination.address !== address) return false
  // a flow that goes through this node to some other address, with its source replaced, is nobody's destination here
  if (server === 'untranslated') return !isTranslated(flow) && (address !== '' || flow.reply.address === flow.source.address)
  return flow.server.address === server.address && flow.server.port === server.port
}
