/** What became of sessions, as Events on their BGPPeer. */
import { BGP_PEERS } from '../../kube/bgp-resources.ts'
import type { KubeClient } from '../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../kube/events.ts'
import { logger } from '../../log/log.ts'
import type { Transition } from './session-book.ts'
import { peerOf } from './subjects.ts'

const log = logger('bgp')

const REASONS = {
  established: ['Normal', 'SessionEstablished'],
  closed: ['Normal', 'SessionClosed'],
  down: ['Warning', 'SessionDown'],
} as const

export class SessionEvents {
  private readonly client: KubeClient
  private readonly node: string
  private readonly recorder: EventRecorder

  constructor(client: KubeClient, node: string) {
    this.client = client
    this.node = node
    this.recorder = createEventRecorder({ client, component: 'fairway-agent', host: node })
  }

  /** Returns at once. */
  tell(transition: Transition): void {
    const [type, reason] = REASONS[transition.to]
    const words = wordsOf(this.node, transition)
    log.info({ peer: transition.session.name, to: transition.to }, words)
    const [name = '', namespace] = peerOf(transition.session).split('/').toReversed()
    this.client.get(BGP_PEERS, { namespace, name }).then(
      (peer) => this.recorder.event(peer, type, reason, words),
      (err: unknown) => log.debug({ err, name }, 'no Event: the peer cannot be read'),
    )
  }
}

function wordsOf(node: string, { session, to, report }: Transition): string {
  const subject = `Node ${node}: the BGP session with ${session.peerAddress || session.interface}`
  if (to === 'established') return `${subject} is established.`
  if (to === 'closed') return `${subject} was closed, since the node is taken out of use.`
  return `${subject} went down${report.lastError === '' ? '' : `: ${report.lastError}`}.`
}
