import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { CliCluster } from '../../../test/support/cli.ts'
import { BgpObjects } from '../../../test/support/cli-bgp.ts'

const GOLDEN = join(import.meta.dirname, '../../../test/golden/cli')
const NOW = Date.parse('2026-01-02T03:04:05Z')

let cluster: CliCluster
let there: BgpObjects
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW })
  cluster = new CliCluster()
  await cluster.open()
  there = new BgpObjects(cluster)
})
afterEach(async () => {
  vi.useRealTimers()
  await cluster.close()
})

/** One of everything that may come. */
function everything(): void {
  for (const name of ['node-1', 'node-2', 'node-10']) there.node(name)
  there.node('node-3', { ready: false })
  there.node('edge', { labels: { edge: 'yes' } })
  there.peer('tor')
  there.session('tor', 'node-1')
  there.session('tor', 'node-2', {
    state: 'Connect',
    bfd: 'Down',
    lastError: 'Connection refused',
    changedAt: '2026-01-02T03:03:55Z',
  })
  there.session('tor', 'node-10', { state: 'Connect', bfd: 'Down', lastError: 'Connection refused' })
  there.session('tor', 'node-3')
  there.peer('edge', {
    nodeSelectors: [{ matchLabels: { edge: 'yes' } }],
    peerAddress: 'fd00::1',
    dynamicASN: 'external',
    peerASN: 0,
  })
  there.peer('nobody', { nodeSelectors: [{ matchExpressions: [{ key: 'rack', operator: 'In', values: ['a'] }] }] })
  const condition = { type: 'Accepted', status: 'False', reason: 'BGP_PASSWORD_SUSPECT', message: 'the passwords differ.' }
  there.peer('secret', { peerAddress: '192.168.0.2', bfdProfile: 'missing', nodeSelectors: [{ matchLabels: { edge: 'yes' } }] })
  there.session('secret', 'edge', { state: 'Active', lastError: 'TCP', conditions: [condition] })
  there.session('old', 'edge')
  there.peer('wrong', { myASN: 0, peerAddress: 'tor' })
  there.peer('twin', { peerAddress: '192.168.0.3', nodeSelectors: [{ matchLabels: { edge: 'yes' } }] })
  there.peer('drained', { peerAddress: '192.168.0.3', nodeSelectors: [{ matchLabels: { edge: 'yes' } }] })
  there.session('drained', 'edge', { draining: true })
}

describe('fairway bgp peers', () => {
  test.each(['table', 'wide', 'json', 'yaml'])('-o %s', async (form) => {
    everything()
    const { stdout, stderr, exitCode } = await cluster.run('bgp', 'peers', '-o', form)
    expect(exitCode).toBe(1)
    await expect(`${stdout}--- standard error\n${stderr}`).toMatchFileSnapshot(join(GOLDEN, `bgp-peers.${form}.txt`))
  })

  test('all is well: exit code 0, nothing on standard error, and one list of each', async () => {
    there.node('node-1')
    there.peer('tor')
    there.session('tor', 'node-1')
    const { stdout, stderr, exitCode } = await cluster.run('bgp', 'peers')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toContain('tor    node-1   192.168.0.1   64512   ok Established   Up    3      1          5m\n')
    expect(cluster.api.requests).toHaveLength(4)
  })

  test('of one peer, of one namespace', async () => {
    everything()
    expect((await cluster.run('bgp', 'peers', 'secret')).stdout.split('\n')).toHaveLength(3)
    expect((await cluster.run('bgp', 'peers', '-n', 'metallb-system', 'edge')).stdout).toContain('edge')
    const none = await cluster.run('bgp', 'peers', '-n', 'other')
    expect(none).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringContaining('No BGP peers in the namespace other;'),
    })
    const unknown = await cluster.run('bgp', 'peers', 'tro')
    expect(unknown).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('FW0555 There is no BGPPeer "tro".'),
    })
    expect(unknown.stderr).toContain('Use one of: drained, edge, nobody, old, secret, tor, twin, wrong.')
  })

  test('nothing is there: said, and no finding', async () => {
    expect(await cluster.run('bgp', 'peers')).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringContaining('No BGP peers'),
    })
    expect(JSON.parse((await cluster.run('bgp', 'peers', '-o', 'json')).stdout)).toEqual({
      version: 1,
      sessions: [],
      findings: [],
    })
  })

  test('a cluster without the resources is a finding', async () => {
    cluster.api.fault = (_, url) => (url.pathname.includes('bgp') ? { kind: 'status', status: 404 } : undefined)
    const said = await cluster.run('bgp', 'peers')
    expect(said).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('FW0554 The API server does not know BGPPeer and'),
    })
  })

  test('the words of a router do not steer the terminal', async () => {
    there.node('node-1')
    there.peer('tor')
    there.session('tor', 'node-1', { state: 'Idle', lastError: 'bye\u001b[31m\u0007\nx FW0000' })
    const { stdout, stderr } = await cluster.run('bgp', 'peers', '-o', 'wide', '--color', 'never')
    expect(stdout).toContain('bye [31m x FW0000\n')
    expect(stderr).toContain('on node-1: "bye [31m x FW0000".')
  })

  test('colours stand beside signs, and columns stay in line', async () => {
    there.node('node-1')
    there.node('node-2')
    there.peer('tor')
    there.session('tor', 'node-1')
    const { stdout } = await cluster.run('bgp', 'peers', '--color', 'always')
    expect(stdout).toContain('\u001b[32mok Established\u001b[39m   Up ')
    expect(stdout).toContain('\u001b[31mx None\u001b[39m           - ')
  })

  test('warnings alone are no failure with --fail-on error', async () => {
    there.node('node-1', { ready: false })
    there.peer('tor')
    there.session('tor', 'node-1')
    expect((await cluster.run('bgp', 'peers')).exitCode).toBe(1)
    expect((await cluster.run('bgp', 'peers', '--fail-on', 'error')).exitCode).toBe(0)
  })
})

describe('what goes wrong on the way', () => {
  test.each([
    [['--context', 'elsewhere'], 3, 'error FW0804'],
    [['--context', 'nowhere'], 2, 'error FW0802'],
    [['--timeout', '0'], 2, 'It must be a time such as 30s or 2m.'],
    [['--timeout', '5q'], 2, 'It must be a time such as 30s or 2m.'],
    [['-n', ''], 2, 'It must be the name of a namespace.'],
    [['-o', 'xml'], 2, 'Allowed choices are table, wide, json, yaml.'],
    [['-w', '--wait'], 2, '--wait and --watch contradict each other.'],
    [['-A', '-n', 'x'], 2, '--namespace and --all-namespaces contradict each other.'],
    [['one', 'two'], 2, 'Too many arguments'],
    [['--wacht'], 2, 'Did you mean one of --wait, --watch?'],
  ])('%j', async (args, exitCode, sentence) => {
    const said = await cluster.run('bgp', 'peers', ...args)
    expect(said).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(sentence) })
  })

  test.each([
    [401, 'FW0806'],
    [403, 'FW0807'],
    [500, 'FW0808'],
  ])('the API server answers %i', async (status, code) => {
    cluster.api.fault = () => ({ kind: 'status', status })
    expect(await cluster.run('bgp', 'peers')).toMatchObject({ exitCode: 3, stdout: '', stderr: expect.stringContaining(code) })
    expect(await cluster.run('bgp', 'peers', '-w')).toMatchObject({
      exitCode: 3,
      stdout: '',
      stderr: expect.stringContaining(code),
    })
  })

  test('no kubeconfig where it was said to be', async () => {
    cluster.kubeconfig = '/does/not/exist'
    expect(await cluster.run('bgp', 'peers')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('FW0801') })
  })

  test('a server that does not answer in time: exit code 4', async () => {
    cluster.api.fault = () => ({ kind: 'silence' })
    const said = await cluster.run('bgp', 'peers', '--timeout', '50ms')
    expect(said).toMatchObject({
      exitCode: 4,
      stdout: '',
      stderr: expect.stringContaining('FW0004 The 0.05 s that --timeout allows'),
    })
    expect(await cluster.run('bgp', 'peers', '-w', '--timeout', '50ms')).toMatchObject({ exitCode: 4, stdout: '' })
  })
})

describe('--watch', () => {
  const columns = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {3,}/).join('|'))

  test('prints the rows, then each that changes under them, and asks the server nothing more', async () => {
    there.node('node-1')
    there.peer('tor')
    there.session('tor', 'node-1')
    const watch = cluster.start('bgp', 'peers', '-w')
    await watch.says(/ok Established/)
    const asked = cluster.api.requests.length
    there.session('tor', 'node-1', { state: 'Active', bfd: 'Down', routesSent: 0, lastError: 'Hold timer expired' })
    await watch.says(/x Active/)
    await watch.says(/FW0507/, 'stderr')
    there.node('node-1', { labels: { any: 'thing' } })
    there.removeSession('tor', 'node-1')
    there.removePeer('tor')
    await watch.says(/\(gone\)/)
    expect(cluster.api.requests.slice(asked)).toEqual([])
    watch.interrupt()
    const { stdout } = await watch.ended
    expect(columns(stdout).map((line) => line.replace(/\|\d+[smhd]/, '|AGE'))).toMatchObject([
      'PEER|NODE|ADDRESS|ASN|STATE|BFD|SENT|ACCEPTED|SINCE',
      'tor|node-1|192.168.0.1|64512|ok Established|Up|3|1|AGE',
      'tor|node-1|192.168.0.1|64512|x Active|Down|0|1|AGE',
      expect.stringContaining('(gone)'),
    ])
    expect(
      new Set(
        stdout
          .split('\n')
          .slice(0, 3)
          .map((line) => line.search(/STATE|ok Est|x Act/)),
      ).size,
    ).toBe(1)
  })

  test('-o json is a line for each change, with its type', async () => {
    there.node('node-1')
    const watch = cluster.start('bgp', 'peers', '-w', '-o', 'json')
    there.peer('tor')
    await watch.says(/FINDING/)
    there.session('tor', 'node-1')
    await watch.says(/RESOLVED/)
    watch.interrupt()
    const events = (await watch.ended).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events).toMatchObject([
      { version: 1, type: 'ADDED', object: { peer: 'tor', node: 'node-1', state: 'None' } },
      { version: 1, type: 'FINDING', object: { code: 'FW0550' } },
      { version: 1, type: 'MODIFIED', object: { state: 'Established' } },
      { version: 1, type: 'RESOLVED', object: { code: 'FW0550' } },
    ])
  })

  test('a server that goes away is waited for, and said to be away', async () => {
    there.node('node-1')
    there.peer('tor')
    there.session('tor', 'node-1')
    const watch = cluster.start('bgp', 'peers', '-w')
    await watch.says(/ok Established/)
    await cluster.api.close()
    await watch.says(/the API server is silent/, 'stderr')
    there.session('tor', 'node-1', { state: 'Active' })
    await cluster.api.listen(cluster.api.port)
    await watch.says(/x Active/)
    await watch.says(/heard again/, 'stderr')
    expect(watch.stderr).not.toContain('"level"')
    watch.interrupt()
    await watch.ended
  })

  test('a kind that comes later is noticed', async () => {
    cluster.api.fault = (_, url) => (url.pathname.includes('bgppeers') ? { kind: 'status', status: 404 } : undefined)
    there.node('node-1')
    const watch = cluster.start('bgp', 'peers', '-w')
    await watch.says(/FW0554/, 'stderr')
    expect(watch.stdout).toBe('')
    watch.interrupt()
    await watch.ended
  })
})

describe('--wait', () => {
  test('answers once nothing is wrong', async () => {
    there.node('node-1')
    there.peer('tor')
    there.session('tor', 'node-1', { state: 'OpenSent' })
    const wait = cluster.start('bgp', 'peers', '--wait')
    await wait.says(/waiting: 1 finding, The session with tor/, 'stderr')
    there.session('tor', 'node-1')
    expect(await wait.ended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('ok Established') })
  })

  test('when the time is over: what is there, what is wrong, and exit code 4', async () => {
    there.node('node-1')
    there.peer('tor')
    there.session('tor', 'node-1', { state: 'OpenSent' })
    const said = await cluster.run('bgp', 'peers', '--wait', '--timeout', '0.5')
    expect(said).toMatchObject({ exitCode: 4, stdout: expect.stringContaining('x OpenSent') })
    expect(said.stderr).toMatch(/FW0507[\s\S]*FW0004/)
  })
})
