/** The role `lab-apiserver`: flags of docs/design/lab.md, readiness on a descriptor, a clean end on SIGTERM. */
import { closeSync, readFileSync, writeSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { logger } from '../../log/log.ts'
import { FairwayError } from '../../model/code.ts'
import { APISERVER_FLAG_WRONG } from '../../model/codes/apiserver.ts'
import type { ListenAddress } from './listener.ts'
import { type ServerOptions, startServer } from './start.ts'

const TEXT = { type: 'string' } as const
const FLAGS = {
  dir: TEXT,
  'tls-cert': TEXT,
  'tls-key': TEXT,
  'client-ca': TEXT,
  'kubelet-client-cert': TEXT,
  'kubelet-client-key': TEXT,
  listen: { type: 'string', multiple: true },
  'service-ranges': TEXT,
  advertise: TEXT,
  'ready-fd': TEXT,
} as const

const KUBELET_PORT = 10_250

const wrong = (flag: string, message: string, cause?: unknown): FairwayError =>
  new FairwayError(APISERVER_FLAG_WRONG, message, { field: `--${flag}`, cause })

type Values = ReturnType<typeof parseArgs<{ options: typeof FLAGS }>>['values']

function required(values: Values, flag: Exclude<keyof typeof FLAGS, 'listen'>): string {
  const value = values[flag]
  if (value === undefined || value === '') throw wrong(flag, `--${flag} is missing`)
  return value
}

function file(values: Values, flag: Exclude<keyof typeof FLAGS, 'listen'>): string {
  const path = required(values, flag)
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw wrong(flag, `--${flag}: ${path} cannot be read: ${(cause as Error).message}`, cause)
  }
}

/** `ADDRESS:PORT` or `[ADDRESS]:PORT`. @throws {FairwayError} APISERVER_FLAG_WRONG */
export function parseAddress(flag: string, text: string): { readonly address: string; readonly port: number } {
  const match = /^(?:\[(?<six>[0-9a-fA-F:]+)\]|(?<four>[0-9.]+)):(?<port>\d{1,5})$/.exec(text)?.groups
  const port = Number(match?.port)
  if (match === undefined || port > 65_535)
    throw wrong(flag, `--${flag}: ${JSON.stringify(text)} is not ADDRESS:PORT with an IP address`)
  return { address: match.six ?? match.four ?? '', port }
}

/** `ADDRESS:PORT` and, after `@`, the file of a network namespace. @throws {FairwayError} APISERVER_FLAG_WRONG */
export function parseListen(text: string): ListenAddress {
  const at = text.indexOf('@')
  if (at === -1) return parseAddress('listen', text)
  return { ...parseAddress('listen', text.slice(0, at)), netns: text.slice(at + 1) }
}

/** Reads the flags and the files that they name. @throws {FairwayError} APISERVER_FLAG_WRONG */
export function parseFlags(args: readonly string[]): ServerOptions {
  const values = flagValues(args)
  const clientCa = file(values, 'client-ca')
  const addresses = (values.listen ?? []).map(parseListen)
  if (addresses.length === 0) throw wrong('listen', '--listen is missing')
  const kubelet = {
    cert: file(values, 'kubelet-client-cert'),
    key: file(values, 'kubelet-client-key'),
    ca: clientCa,
    port: KUBELET_PORT,
  }
  return {
    dir: required(values, 'dir'),
    tls: { cert: file(values, 'tls-cert'), key: file(values, 'tls-key'), clientCa },
    kubelet,
    listen: addresses,
    serviceRanges: required(values, 'service-ranges').split(','),
    advertise: parseAddress('advertise', required(values, 'advertise')),
  }
}

function flagValues(args: readonly string[]): Values {
  try {
    return parseArgs({ args: [...args], options: FLAGS, strict: true }).values
  } catch (cause) {
    throw wrong('', (cause as Error).message, cause)
  }
}

/** Says on the descriptor of --ready-fd that the server serves, or why it does not. */
function notify(args: readonly string[], line: string): void {
  const at = args.findIndex((arg) => arg === '--ready-fd' || arg.startsWith('--ready-fd='))
  const fd = Number(args[at]?.split('=')[1] ?? args[at + 1])
  if (at === -1 || !Number.isInteger(fd)) return
  writeSync(fd, `${line}\n`)
  closeSync(fd)
}

export async function main(args: readonly string[]): Promise<void> {
  const log = logger('apiserver')
  try {
    const server = await startServer(parseFlags(args))
    const end = (): void => {
      log.info('ending')
      server.stop().then(
        () => process.exit(0),
        () => process.exit(1),
      )
    }
    process.once('SIGTERM', end)
    process.once('SIGINT', end)
    log.info({ listen: server.addresses, version: server.store.version }, 'serving')
    notify(args, 'READY')
  } catch (err) {
    log.fatal({ err }, 'the API server cannot start')
    notify(args, `ERROR ${(err as Error).message}`)
    process.exitCode = 1
  }
}
