import { type HostStatus, type LabStatus, labStatus } from '../../lab/status.ts'
import { age } from '../columns.ts'
import { EXIT, printFinding } from '../errors.ts'
import type { Output } from '../terminal.ts'
import { answerAs, table } from '../terminal.ts'

/** `fairway lab status`: tables or JSON; findings make the exit code 1, an API that does not answer 3. */
export async function labStatusCommand(options: { name: string; output: Output }): Promise<void> {
  const status = await labStatus(options.name)
  answerAs(options.output, status, () => statusTables(status, Date.now()))
  for (const finding of status.findings) if (options.output === 'table') printFinding(finding)
  if (status.findings.length > 0) process.exitCode = EXIT.findings
  if (status.findings.some(({ code }) => code.name === 'LAB_API_UNREACHABLE')) process.exitCode = EXIT.unreachable
}

/** The tables of a status; pure, so that ages are tested too. */
export function statusTables(status: LabStatus, nowInMs: number): string {
  const hosts = status.hosts.map((host) => [
    host.name,
    host.role,
    faultState(host),
    readiness(host.role, host.ready),
    host.ipv4 ?? '-',
    host.ipv6 ?? '-',
  ])
  const processes = status.processes.map((one) => [
    one.name,
    one.phase,
    one.identity === undefined ? '-' : String(one.identity.pid),
    String(one.restarts),
    one.identity === undefined ? '-' : age(nowInMs - one.startedAtInMs),
    one.lastExit === '' ? '-' : one.lastExit,
  ])
  return [
    `lab ${status.name}   API ${status.api}   KUBECONFIG=${status.kubeconfig}\n`,
    table([['HOST', 'ROLE', 'STATE', 'READY', 'IPV4', 'IPV6'], ...hosts]),
    table([['PROCESS', 'STATE', 'PID', 'RESTARTS', 'UP', 'LAST-EXIT'], ...processes]),
  ].join('\n')
}

/** `up`, `stopped`, `cut`, `up, cut from client`. */
function faultState({ state, cutFrom }: HostStatus): string {
  return cutFrom.length === 0 ? state : `${state}, cut from ${cutFrom.join(',')}`
}

function readiness(role: string, ready: boolean | undefined): string {
  if (role !== 'node') return '-'
  return ready === undefined ? 'unknown' : ready ? 'yes' : 'no'
}
