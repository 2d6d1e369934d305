/**
 * One agent on a node: a unix socket in the abstract namespace, whose names belong to the network namespace, just as the rules
 * do. The kernel gives the name back when its holder dies, however it dies. Source: unix(7).
 */
import { createServer } from 'node:net'
import { FairwayError } from '../model/code.ts'
import { AGENT_ALREADY_RUNS } from '../model/codes/agent.ts'

const NAME = '\0fairway-agent'

/** Takes the lock of this process's network namespace, until the process ends. @throws {FairwayError} AGENT_ALREADY_RUNS */
export async function lockNode(): Promise<void> {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE'
      reject(
        taken ? new FairwayError(AGENT_ALREADY_RUNS, 'Another agent runs on this node; this one has touched nothing.') : cause,
      )
    })
    server.listen(NAME, resolve)
  })
  server.unref()
}
