import { CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { FairwayError } from '../model/code.ts'
import { LAB_API_UNREACHABLE, LAB_PROCESS_FAILED, LAB_START_TIMEOUT } from '../model/codes/lab.ts'
import { statusTables } from './commands/lab-status.ts'
import { coded, exitCodeOf } from './errors.ts'
import { formatLogLine } from './log-line.ts'
import { duration } from './options.ts'
import { buildProgram, pathOf } from './program.ts'
import { configureTerminal, table } from './terminal.ts'

/** What a command line that cannot be understood comes to. */
async function refused(...args: readonly string[]): Promise<FairwayError> {
  let command = 'fairway'
  const program = buildProgram('fairway', (next) => {
    command = pathOf(next)
  })
  const error = await program.parseAsync([...args], { from: 'user' }).then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (!(error instanceof CommanderError)) throw new Error(`${args.join(' ')} was understood`)
  return coded(error, command)
}

test.each([
  [['lab', 'upp'], "Unknown command 'upp'.", 'Did you mean up? `fairway lab --help` shows what there is.'],
  [['lab', 'up', '--nam', 'x'], "Unknown option '--nam'.", 'Did you mean --name? `fairway lab up --help` shows what there is.'],
  [['lab', 'exec'], "Missing required argument 'host'.", '`fairway lab exec --help` shows what there is.'],
  [['lab', 'logs', '--tail', '-1'], 'It must be a number of lines.', '--help'],
  [['lab', 'up', '--api-port', '70000'], 'It must be a port: 1 to 65535.', '--help'],
  [['lab', 'status', '-o', 'xml'], 'Allowed choices are table, json.', '--help'],
  [['nonsense'], "Unknown command 'nonsense'.", '`fairway --help`'],
])('%j is refused with a way on, as usage', async (args, sentence, fix) => {
  const error = await refused(...args)
  expect(error.message).toContain(sentence)
  expect(error.fix).toContain(fix)
  expect(error.code.code).toBe('FW0001')
  expect(exitCodeOf(error)).toBe(2)
})

test('exit codes tell failure, unreachable and time-out apart', () => {
  expect(
    [LAB_PROCESS_FAILED, LAB_API_UNREACHABLE, LAB_START_TIMEOUT].map((code) => exitCodeOf(new FairwayError(code, 'x'))),
  ).toEqual([1, 3, 4])
})

test.each([
  ['30', 30],
  ['1m30s', 90],
  ['500ms', 0.5],
  ['0.5h', 1800],
])('%s is a time', (text, seconds) => {
  expect(duration(text)).toBe(seconds)
})

test('what has no code is a bug of ours, and keeps its trace', () => {
  const error = coded(new TypeError('oops'), 'fairway')
  expect(error.code.code).toBe('FW0003')
  expect(error.message).toContain('oops')
})

test('columns are as wide as their widest cell, and no line ends in blanks', () => {
  expect(
    table([
      ['A', 'LONG', ''],
      ['wide', 'x', ''],
    ]),
  ).toBe('A      LONG\nwide   x\n')
})

test('a status shows what is not there as a dash', () => {
  const text = statusTables(
    {
      version: 1,
      name: 'lab',
      api: 'https://127.0.0.1:1',
      kubeconfig: '/k',
      hosts: [
        { name: 'client', role: 'client', ipv4: '192.168.0.10', ipv6: 'fd00::10', state: 'up', cutFrom: ['n'] },
        { name: 'n', role: 'node', ipv6: 'fd00::1', ready: false, state: 'stopped', cutFrom: ['client'] },
      ],
      processes: [
        {
          name: 'a',
          role: 'agent',
          host: 'n',
          phase: 'ready',
          identity: { pid: 7, startTime: '1' },
          startedAtInMs: 0,
          restarts: 2,
          lastExit: 'exit code 1',
        },
        { name: 'b', role: 'agent', host: 'n', phase: 'waiting', startedAtInMs: 0, restarts: 0, lastExit: '' },
      ],
      findings: [],
    },
    7_300_000,
  )
  expect(text).toContain('n        node     stopped, cut from client   no      -              fd00::1')
  expect(text).toContain('client   client   up, cut from n             -       192.168.0.10   fd00::10')
  expect(text).toContain('a         ready     7     2          2h   exit code 1')
  expect(text).toContain('b         waiting   -     0          -    -')
})

test('a log line reads as a sentence; what is no JSON stays as it is', () => {
  configureTerminal({ color: 'never' })
  const line = '{"level":"warn","time":"2026-01-02T03:04:05.678Z","area":"agent","node":"n","count":2,"msg":"it ended"}'
  expect(formatLogLine(line, 'agent-n', true)).toBe('agent-n 03:04:05.678 warn  agent: it ended node=n count=2')
  expect(formatLogLine('Segmentation fault', '', false)).toBe('Segmentation fault')
  expect(formatLogLine('{broken', 'x', true)).toBe('x {broken')
})
