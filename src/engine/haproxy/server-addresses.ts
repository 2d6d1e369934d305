/** Addresses of servers by name, as they are handed from one worker to the next: a reload does not wait for names to be looked up again. */
import type { Directory } from './directory.ts'
import { writeText } from './files.ts'
import { ask } from './socket.ts'

/** HAProxy tells of a file without these. Source: management guide, `show servers state`. */
export const NO_ADDRESSES = '1\n# be_id be_name srv_id srv_name srv_addr\n'

/** Fields of a line, from 0. */
const [ADDRESS, NAME] = [4, 17]

/** @throws {EngineError} HAPROXY_AWAY */
export async function keepAddresses({ runtime, addresses }: Directory): Promise<void> {
  const [version = '', head = '', ...lines] = (await ask(runtime, 'show servers state')).split('\n')
  const known = lines.filter((line) => {
    const fields = line.split(' ')
    return ![undefined, '-'].includes(fields[NAME]) && fields[ADDRESS] !== '-'
  })
  await writeText(addresses, [version, head, ...known, ''].join('\n'))
}
