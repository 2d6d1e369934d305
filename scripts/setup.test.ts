import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A checkout as `git clone` leaves it, and a folder of programs that stand before the system's. */
let checkout: string
let programs: string

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'fairway-setup-'))
  checkout = join(folder, 'checkout')
  programs = join(folder, 'programs')
  mkdirSync(programs)
  for (const path of [
    'scripts/setup.sh',
    'toolchain/package.json',
    'toolchain/package-lock.json',
    'toolchain/apt-packages.txt',
    'package-lock.json',
  ])
    cpSync(join(ROOT, path), join(checkout, path))
  // The machine below is one on which everything is right; each test spoils one thing.
  pretend('uname', 'if [ "$1" = -m ]; then echo x86_64; else echo Linux; fi')
  pretend('id', 'if [ "$1" = -u ]; then echo 0; else echo root; fi')
  pretend('npm', 'exit 0')
  pretend('unshare', 'exit 0')
  pretend('grep', 'exit 0')
  pretend('modprobe', 'exit 1')
  pretend('dpkg-query', 'echo installed')
})
afterEach(() => rmSync(join(checkout, '..'), { recursive: true, force: true }))

function pretend(program: string, script: string): void {
  writeFileSync(join(programs, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}

function setUp(...args: string[]) {
  const files = () => readdirSync(checkout, { recursive: true }).toSorted()
  const before = files()
  const result = spawnSync('sh', ['scripts/setup.sh', ...args], {
    cwd: checkout,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${programs}:${process.env.PATH}` },
  })
  return { exitCode: result.status, stderr: result.stderr, changed: files().length !== before.length }
}

describe('a machine that cannot do it is told so before anything changes', () => {
  test.each<[string, string, string, string]>([
    ['not Linux', 'uname', 'echo Darwin', 'error FW0101 This is Darwin; Fairway needs Linux.'],
    [
      'a processor without packages',
      'uname',
      'if [ "$1" = -m ]; then echo riscv64; else echo Linux; fi',
      'error FW0104 There is no Node 24 package for riscv64.',
    ],
    [
      'not root',
      'id',
      'if [ "$1" = -u ]; then echo 1000; else echo ada; fi',
      'error FW0102 The lab and its tests need root, and this is ada.',
    ],
    [
      'no registry',
      'npm',
      'if [ "$1" = config ]; then echo https://registry.example/; else exit 1; fi',
      'error FW0106 The npm registry (https://registry.example/) does not answer.',
    ],
    [
      'a kernel without vxlan',
      'unshare',
      'case "$*" in *vxlan*) exit 2 ;; esac',
      'error FW0104 The kernel cannot make a vxlan interface.',
    ],
    ['a kernel without nf_tables', 'grep', 'exit 1', 'error FW0104 The kernel has no nf_tables.'],
  ])('%s', (_, program, script, sentence) => {
    pretend(program, script)
    const { exitCode, stderr, changed } = setUp()
    expect(stderr).toContain(sentence)
    expect(stderr).toMatch(/\n {2}fix: \S/)
    expect({ exitCode, changed }).toEqual({ exitCode: 1, changed: false })
  })

  test('packages that cannot be downloaded', () => {
    pretend('dpkg-query', 'case "$*" in *nginx*) exit 1 ;; *) echo installed ;; esac')
    pretend('apt-get', 'echo "E: Unable to fetch some archives"; exit 100')
    const { exitCode, stderr } = setUp()
    expect(stderr).toContain("error FW0106 Debian's packages cannot be had: nginx.")
    expect(stderr).toContain('E: Unable to fetch some archives')
    expect(exitCode).toBe(1)
    expect(existsSync(join(checkout, 'toolchain/node_modules'))).toBe(false)
  })
})

test('the quick part needs neither root nor Debian packages', () => {
  pretend('id', 'if [ "$1" = -u ]; then echo 1000; else echo ada; fi')
  pretend('dpkg-query', 'exit 1')
  pretend('npm', 'case "$1" in ci) mkdir -p toolchain/node_modules node_modules ;; esac')
  expect(setUp('--node-only')).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('npm packages: done') })
})
