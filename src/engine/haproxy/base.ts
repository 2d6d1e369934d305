/** What every configuration begins with: how HAProxy is talked to, its defaults, and the answers of the gateway itself. */
import { existsSync } from 'node:fs'
import { authSocket, directoryAt } from './directory.ts'
import { file, phrase, section, type Words } from './syntax.ts'

/** Of a configuration that nothing was planned for. */
export const NO_GENERATION = phrase`none`

/** In the place of a backend: nobody asked for such a request, or no server is there. */
export const UNKNOWN = phrase`be_unknown`
export const UNAVAILABLE = phrase`be_unavailable`

/** `generation` is what the running process is asked for, to know which configuration it has. @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function baseText(dir: string, generation: Words): string {
  const directory = directoryAt(dir)
  const { runtime, health, metrics, addresses, authProgram } = directory
  return [
    section(phrase`global`, [
      phrase`stats socket ${file(runtime)} mode 600 level admin expose-fd listeners`,
      phrase`set-var proc.generation str(${generation})`,
      phrase`log stdout format raw daemon`,
      // what a connection that stays keeps of a worker that was reloaded away
      phrase`hard-stop-after 24h`,
      phrase`server-state-file ${file(addresses)}`,
      // without Lua rules that need it are refused, each with a finding
      phrase`.if feature(LUA)`,
      phrase`lua-load-per-thread ${file(authProgram)}`,
      phrase`.endif`,
    ]),
    section(phrase`resolvers cluster`, resolverLines()),
    section(phrase`defaults`, [
      phrase`mode http`,
      phrase`timeout connect 5s`,
      phrase`timeout client 60s`,
      phrase`timeout server 60s`,
      phrase`timeout tunnel 1h`,
      phrase`timeout http-request 10s`,
      phrase`timeout http-keep-alive 60s`,
      phrase`option http-keep-alive`,
      // a reload ends idle connections only after an answer: no request is lost on its way
      phrase`option idle-close-on-response`,
      // another server at once, also where a cookie or a hash has chosen the first one
      phrase`option redispatch 1`,
      // of servers by name alone: nothing else is in it
      phrase`load-server-state-from-file global`,
      phrase`retries 3`,
    ]),
    section(phrase`frontend fe_health`, [
      phrase`bind ${file(`unix@${health}`)} mode 600`,
      phrase`http-request return status 200`,
    ]),
    section(phrase`frontend fe_metrics`, [
      phrase`bind ${file(`unix@${metrics}`)} mode 600`,
      phrase`http-request use-service prometheus-exporter`,
    ]),
    section(phrase`frontend fe_auth`, [
      phrase`bind ${file(authSocket(directory))} mode 600`,
      // names of sections that the program was given by statements
      phrase`use_backend %[req.hdr(x-fairway-section)]`,
      phrase`default_backend ${UNAVAILABLE}`,
    ]),
    section(phrase`backend ${UNKNOWN}`, [
      phrase`http-request return status 404 content-type text/plain string "404 page not found"`,
    ]),
    section(phrase`backend ${UNAVAILABLE}`, [
      phrase`http-request return status 503 content-type text/plain string "503 no server is there"`,
    ]),
  ].join('\n')
}

/**
 * Who is asked for addresses of servers by name: whoever the machine or the pod asks. HAProxy does not start where it is to read a file that is not there; then it is the machine
 * itself, as resolv.conf(5) has it.
 */
function resolverLines(): readonly Words[] {
  return [
    existsSync('/etc/resolv.conf') ? phrase`parse-resolv-conf` : phrase`nameserver local 127.0.0.1:53`,
    phrase`accepted_payload_size 8192`,
    phrase`timeout resolve 1s`,
    phrase`timeout retry 1s`,
    // how long an answer counts, also that there is no such name
    phrase`hold valid 2s`,
    phrase`hold nx 2s`,
    phrase`hold obsolete 2s`,
    // who cannot be asked takes no server away
    phrase`hold refused 1h`,
    phrase`hold timeout 1h`,
    phrase`hold other 1h`,
  ]
}
