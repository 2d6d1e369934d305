import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LabStatus } from '../../src/lab/status.ts'
import { isAlive, type ProcessIdentity, processesInNetns, untilGone } from '../../src/linux/process.ts'
import { openSandbox, type Sandbox } from './lab/sandbox.ts'

let box: Sandbox
beforeEach(async () => {
  box = await openSandbox()
})
afterEach(async () => {
  await box.close()
})

async function up(...args: readonly string[]): Promise<void> {
  const result = await box.fairway('lab', 'up', ...args)
  expect(result, result.stderr).toMatchObject({ exitCode: 0 })
}

async function status(name = 'lab'): Promise<LabStatus> {
  return JSON.parse((await box.fairway('lab', 'status', '--name', name, '-o', 'json')).stdout)
}

/** Everything of "the machine" that a lab must leave alone, in words that can be compared. */
async function machine(): Promise<Record<string, string>> {
  const looks = {
    links: 'ip -o link',
    addresses: 'ip -o addr',
    routes: 'ip -4 route show table all; ip -6 route show table all',
    rules: 'ip -4 rule; ip -6 rule',
    neighbours: 'ip neigh',
    firewall: 'nft list ruleset',
    sysctls: 'sysctl -a --pattern "^net" 2>/dev/null | grep -v -e "\\.netfilter\\.nf_conntrack_count" -e dev_max_backlog',
    mounts: 'cat /proc/self/mounts',
    listeners: 'ss -Hlntu | awk "{print \\$5}"',
    run: 'find /run -not -path "/run/fairway*" -not -path "/run/netns*" | sort',
    namespaces: 'ls -la /run/netns 2>&1 | grep -v total',
    labs: 'ls -A /run/fairway 2>&1',
    temporary: 'ls -A /var/tmp',
  }
  const entries = Object.entries(looks).map(async ([name, look]) => [name, await box.sh(look)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

/** All processes of a lab, found from outside: by their namespaces, and by the record. */
async function processesOf(name: string): Promise<readonly ProcessIdentity[]> {
  const { processes } = await status(name)
  return processes.flatMap(({ identity }) => (identity === undefined ? [] : [identity]))
}

describe('the machine', () => {
  test('is untouched while the lab is up, but for loopback listeners, and as before when it is down', async () => {
    const before = await machine()
    await up()
    const during = await machine()
    const { labs: _labs, namespaces: _namespaces, listeners, mounts, ...still } = during
    expect(before).toMatchObject(still)
    expect(listeners).not.toBe('')
    for (const address of (listeners ?? '').trim().split('\n')) expect(address).toMatch(/^127\.0\.0\.1:\d+$/)
    const added = mounts?.split('\n').filter((line) => !before.mounts?.includes(line)) ?? []
    for (const mount of added) expect(mount).toMatch(/^\S+ \/run\/netns(\/fw-lab-[a-z0-9-]+)? /)
    const processes = await processesOf('lab')
    expect(processes).toHaveLength(10)
    expect((await box.fairway('lab', 'down')).stdout).toContain('nothing of it is left')
    expect(await machine()).toEqual(before)
    expect(processes.filter(isAlive)).toEqual([])
  })

  test('is as before when a lab with BGP is down, whose supervisor and routers were killed', async () => {
    const before = await machine()
    await up('--with', 'bgp')
    const inside = processesInNetns(
      (await box.sh('ls /run/netns'))
        .trim()
        .split('\n')
        .map((name) => `/proc/${box.pid}/root/run/netns/${name}`),
    )
    expect(inside.length).toBeGreaterThan(20) // three daemons of two routers, each in two processes of bwrap, and the roles
    const { processes } = await status()
    for (const { role, identity } of processes)
      if (role === 'lab-supervisor' || role === 'lab-router') process.kill(identity?.pid ?? 0, 'SIGKILL')
    await untilGone(inside, 5_000)
    expect(inside.filter(isAlive)).toEqual([])
    expect((await box.fairway('lab', 'down')).stdout).toContain('nothing of it is left')
    expect(await machine()).toEqual(before)
  })

  test("keeps other people's namespaces, and the folder that they are in", async () => {
    await box.sh('ip netns add theirs; ip -n theirs link set lo up')
    await up()
    await box.fairway('lab', 'down')
    expect((await box.sh('ls /run/netns; ip -n theirs -br link show lo')).trim()).toMatch(/^theirs\nlo +UNKNOWN/)
  })
})

describe('up', () => {
  test('a second time says so at once, and changes nothing', async () => {
    await up()
    const before = await processesOf('lab')
    const again = await box.fairway('lab', 'up', '-o', 'json')
    expect(JSON.parse(again.stdout)).toMatchObject({ how: 'already', nodes: 3 })
    const { exitCode, stderr } = await box.fairway('lab', 'up', '--with', 'bgp')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('error FW0915 The lab lab is up without BGP.')])
    expect(await processesOf('lab')).toEqual(before)
  })

  test('refuses a taken port before anything is changed, and says who has it', async () => {
    const listener = spawn(
      'nsenter',
      [
        `--net=/proc/${box.pid}/ns/net`,
        process.execPath,
        '-e',
        "require('net').createServer().listen(7443, '127.0.0.1', () => console.log('on'))",
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    try {
      await once(listener.stdout, 'data')
      const before = await machine()
      const result = await box.fairway('lab', 'up', '--api-port', '7443')
      expect(result.exitCode).toBe(1)
      expect(result.stderr).toContain('error FW0904 Port 7443')
      expect(result.stderr).toContain(`(pid ${listener.pid})`)
      expect(await machine()).toEqual(before)
    } finally {
      listener.kill('SIGKILL')
    }
  })

  test('takes the port that it is told', async () => {
    await up('--api-port', '7443')
    expect((await status()).api).toBe('https://127.0.0.1:7443')
    expect(await box.sh('ss -Hlnt sport = :7443')).toContain('127.0.0.1:7443')
  })

  test('says which process does not start, and why; down then leaves nothing', async () => {
    const before = await machine()
    const result = await box.run([...box.fairwayCommand.slice(4), 'lab', 'up'], { env: { FAIRWAY_STUB_BROKEN: 'lab-apiserver' } })
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toMatch(/error FW0905 lab-apiserver ends again and again \(exit code 5\).*no space left on device/)
    expect(result.stderr).toContain('fairway lab logs lab-apiserver')
    await box.fairway('lab', 'down')
    expect(await machine()).toEqual(before)
  })

  test('does not take namespaces that others live in', async () => {
    await box.sh('ip netns add fw-lab-client')
    const theirs = spawn(
      'nsenter',
      [`--net=/proc/${box.pid}/ns/net`, `--mount=/proc/${box.pid}/ns/mnt`, 'nsenter', '--net=/run/netns/fw-lab-client', 'cat'],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    theirs.stdin.write('in\n')
    await once(theirs.stdout, 'data')
    const result = await box.fairway('lab', 'up')
    expect(result.stderr).toContain(`error FW0912 The namespace fw-lab-client is in use by processes ${theirs.pid}`)
    theirs.stdin.end()
    await once(theirs, 'exit')
    await up()
  })
})

describe('after kill -9', () => {
  test('of any process, the supervisor starts it again', async () => {
    await up()
    for (const { name, identity } of (await status()).processes.filter(({ role }) => role !== 'lab-supervisor')) {
      process.kill(identity?.pid ?? 0, 'SIGKILL')
      expect(name).not.toBe('')
    }
    await up()
    const { processes, findings } = await status()
    expect(findings).toEqual([])
    expect(processes.filter(({ restarts }) => restarts === 1)).toHaveLength(9)
  })

  test('of the supervisor, nothing outlives it, status says so, and up recovers with the same port', async () => {
    await up()
    const before = await status()
    const processes = await processesOf('lab')
    process.kill(processes[0]?.pid ?? 0, 'SIGKILL')
    expect(await untilGone(processes, 5_000)).toEqual([])
    const dead = await box.fairway('lab', 'status')
    expect(dead.exitCode).toBe(3)
    expect(dead.stderr).toContain('FW0907 lab-supervisor does not run')
    const again = await box.fairway('lab', 'up', '-o', 'json')
    expect(JSON.parse(again.stdout)).toMatchObject({ how: 'recovered', api: before.api })
    expect((await status()).findings).toEqual([])
  })

  test('of the supervisor, down leaves nothing', async () => {
    const before = await machine()
    await up()
    process.kill((await processesOf('lab'))[0]?.pid ?? 0, 'SIGKILL')
    await box.fairway('lab', 'down')
    expect(await machine()).toEqual(before)
  })

  test.each([
    'laying the wires',
    'starting the processes',
    'waiting for the nodes',
  ])('of up itself while it is %s, the next one recovers', async (step) => {
    const [program = '', ...args] = box.fairwayCommand
    const child = spawn(program, [...args, 'lab', 'up'], { stdio: ['ignore', 'ignore', 'pipe'] })
    for await (const chunk of child.stderr) if (String(chunk).includes(step)) break
    child.kill('SIGKILL')
    await up()
    expect((await status()).findings).toEqual([])
    await box.fairway('lab', 'down')
    expect(await box.sh('ls /run')).toBe('')
  })

  test('of up, with its record gone too, down leaves nothing', async () => {
    await up()
    const processes = await processesOf('lab')
    await box.sh('rm -rf /run/fairway')
    process.kill(processes[0]?.pid ?? 0, 'SIGKILL')
    await box.fairway('lab', 'down')
    expect(processes.filter(isAlive)).toEqual([])
    expect(await box.sh('ls /run/netns 2>/dev/null')).toBe('')
  })
})

test('what is damaged is repaired: a namespace that was removed comes back', async () => {
  await up()
  await box.sh('ip netns del fw-lab-tor')
  const again = await box.fairway('lab', 'up', '-o', 'json')
  expect(JSON.parse(again.stdout)).toMatchObject({ how: 'recovered' })
  expect((await box.fairway('lab', 'exec', 'tor', '--', 'hostname')).stdout).toBe('tor\n')
})

test('two labs do not collide, and one goes down without the other', async () => {
  await Promise.all([up('--name', 'a'), up('--name', 'a-b')])
  const [a, b] = await Promise.all([status('a'), status('a-b')])
  expect(a.api).not.toBe(b.api)
  expect([...a.findings, ...b.findings]).toEqual([])
  await box.fairway('lab', 'down', '--name', 'a')
  expect((await status('a-b')).findings).toEqual([])
  expect(
    (await box.sh('ls /run/netns'))
      .split('\n')
      .filter(Boolean)
      .every((name) => name.startsWith('fw-a-b-')),
  ).toBe(true)
  const contradiction = await box.fairway('lab', 'down', '--all', '--name', 'other')
  expect(contradiction).toMatchObject({ exitCode: 2, stdout: '' })
  expect(contradiction.stderr).toContain('--all and --name contradict each other.')
  expect((await box.fairway('--version')).stdout).toMatch(/^fairway \d/)
  expect((await box.fairway('lab', 'down', '--all')).stdout).toContain('lab a-b is down')
  expect(await box.sh('ls -A /run')).toBe('')
})

test('a host whose namespace would be that of another lab is refused, and that lab goes on', async () => {
  const file = '{ nodes: [{ name: ubuntu-1 }], clients: [{ name: b-client }] }'
  const command = [...box.fairwayCommand.slice(4), 'lab', 'up', '--name', 'a', '-f', '-']
  expect(await box.run(command, { input: file })).toMatchObject({ exitCode: 0 })
  const clash = await box.fairway('lab', 'up', '--name', 'a-b')
  expect(clash.stderr).toContain('error FW0912 The namespace fw-a-b-client belongs to the lab a.')
  expect((await status('a')).findings).toEqual([])
})

describe('in the lab', () => {
  let lab: Sandbox
  beforeAll(async () => {
    lab = await openSandbox()
    expect(await lab.fairway('lab', 'up')).toMatchObject({ exitCode: 0 })
  })
  afterAll(async () => {
    await lab.close()
  })
  const exec = (host: string, ...command: readonly string[]) => lab.fairway('lab', 'exec', host, '--', ...command)

  test('exec passes input, output and the exit code, under the name of the host', async () => {
    const cat = await lab.run(
      [...lab.fairwayCommand.slice(4), 'lab', 'exec', 'optiplex-1', '--', 'sh', '-c', 'hostname; cat; echo oops >&2; exit 7'],
      {
        input: 'in\n',
      },
    )
    expect(cat).toEqual({ exitCode: 7, stdout: 'optiplex-1\nin\n', stderr: 'oops\n' })
    expect((await exec('nobody', 'true')).stderr).toContain('Use one of: client, ubuntu-1, optiplex-1, optiplex-2, tor.')
    expect((await exec('nobody', 'true')).exitCode).toBe(2)
    expect((await exec('client', 'getent', 'hosts', 'optiplex-2')).stdout).toMatch(/(192\.168\.0\.161|fd00:192:168::161)/)
    expect(await lab.sh('grep -c optiplex /etc/hosts')).toBe('0\n')
  })

  test('the command gets pipes that block, as programs expect', async () => {
    // Real pipes of a shell; Node would give sockets. 04000 is O_NONBLOCK.
    const words = [
      ...lab.fairwayCommand.slice(4),
      'lab',
      'exec',
      'client',
      '--',
      'cat',
      '/proc/self/fdinfo/0',
      '/proc/self/fdinfo/1',
    ]
    const flags = await lab.sh(`true | '${words.join("' '")}' | grep flags`)
    const opened = [...flags.matchAll(/flags:\s+([0-7]+)/g)].map(([, octal = '']) => Number.parseInt(octal, 8) & 0o4000)
    expect(opened).toEqual([0, 0])
  })

  test('a signal reaches the command, and its end is the command’s own', async () => {
    const [program = '', ...args] = lab.fairwayCommand
    const child = spawn(
      program,
      [...args, 'lab', 'exec', 'client', '--', 'sh', '-c', 'trap "exit 9" TERM; echo on; while :; do sleep 0.05; done'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([9, null])
  })

  test('shell has KUBECONFIG, a plain prompt and the name of the client', async () => {
    const { stdout } = await lab.run([...lab.fairwayCommand.slice(4), 'lab', 'shell'], {
      input: 'echo $KUBECONFIG $(hostname) "$PS1|"\nexit 3\n',
    })
    expect(stdout).toBe('/run/fairway/lab/kubeconfig/client client |\n')
  })

  test('hosts reach each other over both families, and a pod address from outside is refused at once', async () => {
    const connect = (address: string, port: number, times: number) => `
      const { connect } = require('node:net')
      const once = () => new Promise((resolve) => {
        const began = performance.now()
        const socket = connect({ host: '${address}', port: ${port} })
        socket.on('connect', () => resolve(socket.destroy() && 'open')).on('error', (e) => resolve(e.code + ' ' + Math.round(performance.now() - began)))
      })
      ;(async () => { for (let i = 0; i < ${times}; i++) console.log(await once()) })()`
    const from = async (host: string, address: string, port: number, times = 1) =>
      (await exec(host, process.execPath, '-e', connect(address, port, times))).stdout.trim()
    expect(await from('client', '192.168.0.154', 6443)).toBe('open')
    expect(await from('client', 'fd00:192:168::154', 6443)).toBe('open')
    expect(await from('optiplex-1', '192.168.0.154', 6443)).toBe('open')
    // Ten times: the kernel's own refusals would stop after five.
    const refusals = (await from('client', '10.244.0.5', 80, 10)).split('\n')
    expect(refusals).toHaveLength(10)
    for (const refusal of refusals) {
      expect(refusal).toMatch(/^E(HOST|NET)UNREACH \d+$/)
      expect(Number(refusal.split(' ')[1])).toBeLessThan(500)
    }
    const [code, time] = (await from('client', 'fd00:10:244::5', 80)).split(' ')
    expect(code).toMatch(/^E(HOST|NET)UNREACH$/)
    expect(Number(time)).toBeLessThan(2_500) // Linux heeds ICMPv6 at its first repetition, a second later
  })

  test('nodes reach the pod ranges of the others through the overlay, over both families', async () => {
    for (const [address, mine] of [
      ['10.244.4.0', '10.244.1.0'],
      ['fd00:10:244:4::', 'fd00:10:244:1::'],
    ] as const) {
      const serve = `const s = require('net').createServer((c) => c.end(c.remoteAddress)).listen(8080, '${address}', () => console.log('on'))`
      const [program = '', ...args] = lab.fairwayCommand
      const server = spawn(program, [...args, 'lab', 'exec', 'optiplex-2', '--', process.execPath, '-e', serve], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(server.stdout, 'data')
      const ask = `require('net').connect(8080, '${address}').on('data', (d) => console.log(String(d)))`
      expect((await exec('optiplex-1', process.execPath, '-e', ask)).stdout.trim()).toBe(mine)
      server.kill('SIGKILL')
    }
  })

  test('logs prints one process or all, and knows them', async () => {
    expect((await lab.fairway('lab', 'logs', 'lab-supervisor', '-o', 'json')).stdout.split('\n')[0]).toContain('"msg":"started"')
    expect((await lab.fairway('lab', 'logs', '--tail', '1')).stdout).toMatch(/^lab-supervisor +[\d:.]+ info/m)
    const unknown = await lab.fairway('lab', 'logs', 'nope')
    expect(unknown).toMatchObject({ exitCode: 2 })
    expect(unknown.stderr).toContain('error FW0910')
  })
})

test('a shell that is left open ends when the lab goes down', async () => {
  await up()
  const [program = '', ...args] = box.fairwayCommand
  const child = spawn(program, [...args, 'lab', 'exec', 'client', '--', 'sh', '-c', 'echo on; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const ended = once(child, 'exit')
  await box.fairway('lab', 'down')
  expect((await ended)[1]).toBe('SIGTERM')
})

test('without root, or with a program missing, nothing is changed', async () => {
  const command = box.fairwayCommand.slice(4)
  // Somebody who is not root but may read the checkout, wherever it lies (under /root, too).
  const reader = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search']
  const plain = await box.run(['setpriv', '--reuid=65534', '--clear-groups', ...reader, ...command, 'lab', 'up'])
  expect(plain).toMatchObject({ exitCode: 1 })
  expect(plain.stderr).toContain('error FW0102')
  expect(await box.sh('ls -A /run')).toBe('')
})
