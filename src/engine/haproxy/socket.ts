/** HAProxy's command line over a unix socket: one line a connection, which HAProxy closes after its answer. */
import { createConnection, type Socket } from 'node:net'
import { HAPROXY_AWAY, HAPROXY_REFUSED } from '../../model/codes/haproxy.ts'
import { EngineError } from '../../model/engine.ts'

/** A line longer than HAProxy's buffer (16 KiB) would be cut. */
const LINE_LENGTH = 8_000
const TIMEOUT_IN_MS = 5_000

/** What HAProxy says when all is well: nothing, or that a server came or went. */
const DONE =
  /^(\s|New server registered\.|Server deleted\.|New empty certificate store '[^']*'!|Transaction (created|updated) for certificate [^\n]*!|Committing [^\n]*|Inserting certificate [^\n]*|Success!|done)*$/

/** The whole answer to a line. @throws {EngineError} HAPROXY_AWAY */
export function ask(path: string, line: string): Promise<string> {
  return converse(path, (socket) => socket.write(`${line}\n`))
}

/** As `ask`, of a master, which waits for more lines until it hears that there are none. @throws {EngineError} HAPROXY_AWAY */
export function askMaster(path: string, line: string): Promise<string> {
  return converse(path, (socket) => socket.end(`${line}\n`))
}

function converse(path: string, say: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path)
    let text = ''
    const away = (why: string) =>
      reject(new EngineError(HAPROXY_AWAY, `HAProxy does not answer at ${path}: ${why}.`, { fix: HAPROXY_AWAY.fix }))
    socket.setEncoding('utf8').setTimeout(TIMEOUT_IN_MS, () => socket.destroy(new Error(`no answer in ${TIMEOUT_IN_MS} ms`)))
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', (error) => away(error.message))
    socket.on('end', () => resolve(text))
    socket.on('close', () => away('it closed the connection'))
    say(socket)
  })
}

/** Commands in their order, as few lines as will do. @throws {EngineError} HAPROXY_REFUSED when one did not do; those before it did */
export async function tell(path: string, commands: readonly string[]): Promise<void> {
  let line = ''
  for (const command of commands) {
    const isPayload = command.includes('\n')
    if (line !== '' && (isPayload || line.length + command.length > LINE_LENGTH)) {
      await tellLine(path, line)
      line = ''
    }
    if (isPayload) await tellLine(path, command)
    else line = line === '' ? command : `${line};${command}`
  }
  if (line !== '') await tellLine(path, line)
}

async function tellLine(path: string, line: string): Promise<void> {
  const answer = await ask(path, line)
  if (DONE.test(answer)) return
  const [first = ''] = line.split('\n')
  const message = `HAProxy did not do "${first.slice(0, 200)}": ${answer.trim().slice(0, 300)}`
  throw new EngineError(HAPROXY_REFUSED, message, { fix: HAPROXY_REFUSED.fix })
}
