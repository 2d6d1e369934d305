/** Options and their values that several commands have. */
import { InvalidArgumentError, Option } from 'commander'
import { TIMES } from '../lab/topology.ts'

export const output = () =>
  new Option('-o, --output <form>', 'how to print the answer').choices(['table', 'json']).default('table')
export const labName = () => new Option('--name <name>', 'which lab').default('lab').env('FAIRWAY_LAB')

export const times = () =>
  new Option('--times <times>', 'how long the cluster waits for silent nodes (default: as the file says, or quick)').choices(
    TIMES,
  )

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
