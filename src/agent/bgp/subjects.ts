/** Subjects of findings about sessions, as objects that users know. */
import type { BgpSession } from '../../model/bgp.ts'
import type { Finding } from '../../model/code.ts'
import type { ObjectKey } from '../../model/world.ts'

const SESSION = 'session/'

/** The key of the BGPPeer that a session is of. */
export function peerOf(session: Pick<BgpSession, 'key'>): ObjectKey {
  return session.key.slice(SESSION.length)
}

/** A finding of this node about its sessions, or about its BIRD when it has no subject, as one about peers or about the node. */
export function onNode(node: string, finding: Finding): Finding {
  const subjects = finding.subjects.map((subject) =>
    subject.startsWith(SESSION) ? `bgppeer/${subject.slice(SESSION.length)}` : subject,
  )
  const isAboutNode = subjects.length === 0 || subjects.some((subject) => subject === 'speaker' || subject.startsWith('node/'))
  if (isAboutNode) return { ...finding, subjects: subjects.length === 0 ? [`node/${node}`] : subjects }
  return { ...finding, subjects: subjects.toSorted(), message: `Node ${node}: ${finding.message}` }
}
