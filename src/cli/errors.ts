/** Errors and findings in words, and the exit code that they mean. */
import { CommanderError } from 'commander'
import { FairwayError, type Finding } from '../model/code.ts'
import { BGP_NO_SUCH_PEER } from '../model/codes/bgp-report.ts'
import {
  KUBE_ANSWER_UNREADABLE,
  KUBE_API_FORBIDDEN,
  KUBE_API_REFUSED,
  KUBE_API_UNAUTHORIZED,
  KUBE_API_UNREACHABLE,
  KUBE_API_UNTRUSTED,
  KUBE_CONFIG_INVALID,
  KUBE_CONFIG_UNREADABLE,
  KUBE_CREDENTIALS_FAILED,
} from '../model/codes/kube.ts'
import {
  LAB_API_UNREACHABLE,
  LAB_HOST_UNKNOWN,
  LAB_IMAGE_INVALID,
  LAB_IMAGE_UNKNOWN,
  LAB_NAME_INVALID,
  LAB_PROCESS_UNKNOWN,
  LAB_START_TIMEOUT,
  LAB_TOPOLOGY_INVALID,
} from '../model/codes/lab.ts'
import { USAGE_BUG, USAGE_CODE_UNKNOWN, USAGE_FILE_INVALID, USAGE_TIMEOUT, USAGE_WRONG } from '../model/codes/usage.ts'
import { colorsFor, complain, printable } from './terminal.ts'

/** The same whatever `-o` is. */
export const EXIT = { healthy: 0, findings: 1, usage: 2, unreachable: 3, timeout: 4 } as const

const EXIT_CODES: ReadonlyMap<string, number> = new Map([
  ...[
    USAGE_WRONG,
    USAGE_CODE_UNKNOWN,
    USAGE_FILE_INVALID,
    LAB_NAME_INVALID,
    LAB_HOST_UNKNOWN,
    LAB_PROCESS_UNKNOWN,
    LAB_IMAGE_INVALID,
    LAB_IMAGE_UNKNOWN,
    LAB_TOPOLOGY_INVALID,
    BGP_NO_SUCH_PEER,
    KUBE_CONFIG_INVALID,
    KUBE_CONFIG_UNREADABLE,
  ].map(({ code }) => [code, EXIT.usage] as const),
  // whatever the reason, the cluster did not say how it is
  ...[
    LAB_API_UNREACHABLE,
    KUBE_API_UNREACHABLE,
    KUBE_API_UNTRUSTED,
    KUBE_API_UNAUTHORIZED,
    KUBE_API_FORBIDDEN,
    KUBE_API_REFUSED,
    KUBE_ANSWER_UNREADABLE,
    KUBE_CREDENTIALS_FAILED,
  ].map(({ code }) => [code, EXIT.unreachable] as const),
  ...[LAB_START_TIMEOUT, USAGE_TIMEOUT].map(({ code }) => [code, EXIT.timeout] as const),
])

/** Any error as one with a code: commander's are usage, and what has none is a bug of ours. */
export function coded(error: unknown, command: string): FairwayError {
  if (error instanceof FairwayError) return error
  if (error instanceof CommanderError) return usageError(error, command)
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new FairwayError(USAGE_BUG, message, { cause: error })
}

/** Commander says `error: unknown command 'x'\n(Did you mean y?)`. */
function usageError(error: CommanderError, command: string): FairwayError {
  const [said = '', suggestion = ''] = error.message.replace(/^error: /, '').split('\n')
  const sentence = `${said.charAt(0).toUpperCase()}${said.slice(1)}`.replace(/\.?$/, '.')
  const help = `\`${command} --help\` shows what there is.`
  const meant = suggestion.replace(/^\((.*)\)$/, '$1')
  return new FairwayError(USAGE_WRONG, sentence, { fix: meant === '' ? help : `${meant} ${help}` })
}

export function exitCodeOf(error: FairwayError): number {
  return EXIT_CODES.get(error.code.code) ?? EXIT.findings
}

/** `error FW0901 sentence`, then the field and the fix, on standard error. */
export function printError(error: FairwayError): void {
  const colors = colorsFor(process.stderr)
  complain(`${colors.red('error')} ${colors.bold(error.code.code)} ${error.message}`)
  if (error.field !== undefined) complain(`  field: ${error.field}`)
  complain(`  fix: ${error.fix}`)
}

/** `x FW0907 sentence`, then the fix: beside every colour stands a sign. */
export function printFinding(finding: Finding): void {
  const colors = colorsFor(process.stderr)
  const sign =
    finding.code.severity === 'error' ? colors.red('x') : finding.code.severity === 'warning' ? colors.yellow('!') : 'i'
  complain(`${sign} ${finding.code.code} ${printable(finding.message)}`)
  complain(`  fix: ${printable(finding.fix)}`)
}
