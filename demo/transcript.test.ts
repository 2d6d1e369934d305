import { describe, expect, test } from 'vitest'
import { differences, parseTranscript } from './transcript.ts'

const POD = ['NAME    READY   STATUS    RESTARTS   AGE   IP             NODE       NOMINATED NODE   READINESS GATES']
const row = (ip: string, node = 'ubuntu-1', age = '3m50s') => [
  ...POD,
  `nginx   1/1     Running   0          ${age}   ${ip}   ${node}   <none>           <none>`,
]

describe('parseTranscript', () => {
  test('splits commands from output and passes over bare prompts', () => {
    expect(parseTranscript('$ kubectl get x\nA\nB\n$ \n$\n$ curl http://y\n<html>\n')).toEqual([
      { command: 'kubectl get x', output: ['A', 'B'] },
      { command: 'curl http://y', output: ['<html>'] },
    ])
  })
})

describe('differences', () => {
  test.each([
    ['another age and pod address of the same node', row('10.244.0.156'), row('10.244.0.9', 'ubuntu-1', '1s'), []],
    ['a pod address of another node', row('10.244.0.156'), row('10.244.1.9'), ['IP: expected 10.244.0.156, got 10.244.1.9']],
    [
      'a node address that is not the printed one',
      row('192.168.0.161'),
      row('192.168.0.154'),
      ['IP: expected 192.168.0.161, got 192.168.0.154'],
    ],
    ['another node', row('10.244.0.1'), row('10.244.0.1', 'optiplex-1'), ['NODE: expected ubuntu-1, got optiplex-1']],
    [
      'a missing column',
      row('10.244.0.1'),
      ['NAME    AGE', 'nginx   1s'],
      [expect.stringContaining('columns: expected NAME READY')],
    ],
    ['no row', row('10.244.0.1'), POD, ['rows: expected 1, got 0']],
    ['the page, longer than printed', ['<html>', '...'], ['<html>', '<body>'], []],
    ['another page', ['<title>Welcome to nginx!</title>'], ['<title>404</title>'], [expect.stringContaining('line 1')]],
    ['no page', ['<html>'], [], ['line 1: expected <html>, got nothing']],
  ])('%s', (_, expected, actual, result) => {
    expect(differences(expected, actual)).toEqual(result)
  })

  test('a node port is compared where the manifest gives it', () => {
    const table = (port: number) => ['NAME    PORT(S)', `nginx   80:${port}/TCP`]
    expect(differences(table(31009), table(31488), false)).toEqual([])
    expect(differences(table(31009), table(31488))).toEqual(['PORT(S): expected 80:31009/TCP, got 80:31488/TCP'])
    expect(differences(table(31009), ['NAME    PORT(S)', 'nginx   80/TCP'], false)).toHaveLength(1)
  })
})
