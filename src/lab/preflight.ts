/** What the lab needs of the machine, checked before anything is changed. */
import { accessSync, constants, existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { delimiter, join } from 'node:path'
import { tryRun } from '../linux/run.ts'
import { FairwayError } from '../model/code.ts'
import { LAB_PORT_TAKEN } from '../model/codes/lab.ts'
import { MACHINE_FEATURE_MISSING, MACHINE_NOT_LINUX, MACHINE_NOT_ROOT, MACHINE_PROGRAM_MISSING } from '../model/codes/machine.ts'

/** Every program that a lab runs, and the Debian package that it is in. */
const PROGRAMS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  bridge: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  flock: 'util-linux',
  mount: 'mount',
  umount: 'mount',
  bash: 'bash',
  bwrap: 'bubblewrap',
  nginx: 'nginx-light',
}

/** What the routers of a lab with BGP run. */
const ROUTER_PROGRAMS: Readonly<Record<string, string>> = { vtysh: 'frr' }

/** Where Debian has programs for root; `su` alone leaves them off the PATH. */
const ROOT_PATH = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** What each part of the probe proves; it runs in a namespace that ends with it. */
const FEATURES: readonly { readonly name: string; readonly module: string; readonly command: string }[] = [
  { name: 'virtual Ethernet pairs', module: 'veth', command: 'ip link add fwa type veth peer name fwb' },
  { name: 'bridges', module: 'bridge', command: 'ip link add fwc type bridge' },
  { name: 'VXLAN', module: 'vxlan', command: 'ip link add fwd type vxlan id 1 dstport 8472 dev fwa' },
  {
    name: 'nftables with address translation',
    module: 'nft_chain_nat',
    command:
      "nft 'add table inet fw; add chain inet fw c { type nat hook postrouting priority 100; }; add rule inet fw c masquerade'",
  },
  {
    name: 'nftables route lookups',
    module: 'nft_fib_inet',
    command:
      "nft 'add chain inet fw d { type filter hook prerouting priority 0; }; add rule inet fw d fib daddr oif missing reject'",
  },
  { name: 'IPv6', module: 'ipv6', command: 'test -e /proc/sys/net/ipv6/conf' },
]

/** Adds root's folders to this process's PATH, where they are missing. */
export function completePath(): void {
  const present = (process.env.PATH ?? '').split(delimiter).filter((dir) => dir !== '')
  process.env.PATH = [...present, ...ROOT_PATH.filter((dir) => !present.includes(dir))].join(delimiter)
}

/** @throws {FairwayError} MACHINE_NOT_LINUX, MACHINE_NOT_ROOT */
export function checkMachine(): void {
  if (process.platform !== 'linux') {
    throw new FairwayError(MACHINE_NOT_LINUX, `The lab needs Linux, and this is ${process.platform}.`)
  }
  if (process.geteuid?.() !== 0) {
    throw new FairwayError(MACHINE_NOT_ROOT, 'The lab needs root: it makes network namespaces and firewall rules in them.')
  }
  completePath()
}

/** @throws {FairwayError} MACHINE_PROGRAM_MISSING, naming all that are missing and their packages */
export function checkPrograms(programs: Readonly<Record<string, string>> = PROGRAMS): void {
  const missing = Object.keys(programs).filter((program) => !isOnPath(program))
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((program) => programs[program]))].join(' ')
  throw new FairwayError(MACHINE_PROGRAM_MISSING, `The lab needs programs that are not installed: ${missing.join(', ')}.`, {
    fix: `Run \`make setup\`, or \`apt-get install ${packages}\`.`,
  })
}

/** What a lab needs beyond that if its routers speak BGP. @throws {FairwayError} MACHINE_PROGRAM_MISSING */
export function checkRouterPrograms(): void {
  checkPrograms(ROUTER_PROGRAMS)
}

/** Tries every kernel feature in a throwaway namespace, in some 40 ms. @throws {FairwayError} MACHINE_FEATURE_MISSING */
export async function checkKernel(): Promise<void> {
  const script = FEATURES.map(({ command }, index) => `{ ${command}; } 2>&1 || exit ${index + 10}`).join('\n')
  const result = await tryRun(['unshare', '--net', 'sh', '-c', script])
  if (result.exitCode === 0) return
  const said = (result.stdout + result.stderr).trim().split('\n').at(-1) ?? ''
  const feature = FEATURES[result.exitCode - 10]
  if (feature === undefined) {
    throw new FairwayError(MACHINE_FEATURE_MISSING, `This system cannot make a network namespace: ${said}.`, {
      fix: 'Run it as real root, outside of containers that may not make namespaces (or in one that is --privileged).',
    })
  }
  throw new FairwayError(MACHINE_FEATURE_MISSING, `The kernel cannot do ${feature.name}: ${said}.`, {
    fix: `\`modprobe ${feature.module}\`, or use a kernel that has it (Debian 12's does).`,
  })
}

/** Returns the port if it is free on the machine's loopback, or a free one for 0. @throws {FairwayError} LAB_PORT_TAKEN */
export async function checkApiPort(port: number): Promise<number> {
  const free = await new Promise<number | undefined>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined))
    })
  })
  if (free !== undefined) return free
  const holder = await holderOf(port)
  throw new FairwayError(LAB_PORT_TAKEN, `Port ${port} of 127.0.0.1 cannot be had: ${holder}.`, { field: '--api-port' })
}

async function holderOf(port: number): Promise<string> {
  const { stdout } = await tryRun(['ss', '-Hltnp', `sport = :${port}`])
  const found = /\(\("([^"]+)",pid=(\d+)/.exec(stdout)
  return found === null ? 'another process has it, or it may not be used' : `${found[1]} (pid ${found[2]}) listens on it`
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((dir) => {
    const path = join(dir, program)
    try {
      if (!existsSync(path)) return false
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
