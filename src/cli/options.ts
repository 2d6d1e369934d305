/** Options and their values that several commands have. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { TIMES } from '../lab/topology.ts'

/** What `-o` may be where the answer is rows of a cluster. */
export const FORMS = ['table', 'wide', 'json', 'yaml'] as const
export type Form = (typeof FORMS)[number]

export const output = () =>
  new Option('-o, --output <form>', 'how to print the answer').choices(['table', 'json']).default('table')
export const labName = () => new Option('--name <name>', 'which lab').default('lab').env('FAIRWAY_LAB')

export const failOn = () =>
  new Option('--fail-on <severity>', 'the least severe finding that makes the exit code 1')
    .choices(['warning', 'error'])
    .default('warning')

export const times = () =>
  new Option('--times <times>', 'how long the cluster waits for silent nodes (default: as the file says, or quick)').choices(
    TIMES,
  )

export const features = () =>
  new Option('--with <feature>', 'bgp: routers that speak BGP (FRR), and far-client behind them').choices(['bgp'])

export function portNumber(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw new InvalidArgumentError('It must be a port: 1 to 65535.')
  return port
}

export function positiveNumber(text: string): number {
  const number = Number(text)
  if (!(number > 0 && number < 1_000_000)) throw new InvalidArgumentError('It must be a number of seconds.')
  return number
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a number of lines.')
  return Number(text)
}

/** For options that may be given several times. */
export function collected(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

const UNITS_IN_S: Readonly<Record<string, number>> = { '': 1, ms: 0.001, s: 1, m: 60, h: 3_600 }

/** Seconds, written as a number or as kubectl has it: 30, 30s, 1m30s. */
export function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|)/g)]
  const seconds = parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNITS_IN_S[unit] ?? 0), 0)
  const whole = /^(?:\d+(?:\.\d+)?|(?:\d+(?:\.\d+)?(?:h|ms|m|s))+)$/.test(text)
  if (!whole || seconds <= 0 || seconds > 1_000_000) throw new InvalidArgumentError('It must be a time such as 30s or 2m.')
  return seconds
}

function namespaceName(text: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) throw new InvalidArgumentError('It must be the name of a namespace.')
  return text
}

/** The options of every command that shows rows of a cluster, by kubectl's names where kubectl has them. */
export function clusterOptions(command: Command): Command {
  return command
    .option('--context <name>', 'which context of the kubeconfig (default: its current one)')
    .option('--kubeconfig <file>', 'which kubeconfig (default: KUBECONFIG, or ~/.kube/config)')
    .option('-n, --namespace <name>', 'of this namespace only', namespaceName)
    .option('-A, --all-namespaces', 'of all namespaces, as without -n')
    .addOption(new Option('-o, --output <form>', 'how to print the answer').choices(FORMS).default('table'))
    .option('-w, --watch', 'go on, and print what changes')
    .option('--wait', 'answer once nothing is wrong')
    .option('--timeout <time>', 'how long to wait for the answer (10s), or with --wait (1m)', duration)
    .addOption(failOn())
}
