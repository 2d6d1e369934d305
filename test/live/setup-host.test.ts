/** Set-up leaves the machine's services as found. It runs in a mount namespace of its own, where /etc and /usr/sbin are overlays that vanish with it. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../../src/linux/run.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NODE24 = `toolchain/node_modules/node-linux-${process.arch}/bin`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairway-host-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A checkout that has everything but one Debian package, which a pretended apt-get installs as nginx is: started and enabled. */
function prepare(): { readonly checkout: string; readonly programs: string } {
  const [checkout, programs] = [join(folder, 'checkout'), join(folder, 'programs')]
  for (const path of [
    'scripts/setup.sh',
    'toolchain/package.json',
    'toolchain/package-lock.json',
    'toolchain/apt-packages.txt',
    'package-lock.json',
  ])
    cpSync(join(ROOT, path), join(checkout, path))
  mkdirSync(join(checkout, NODE24), { recursive: true })
  mkdirSync(join(checkout, 'node_modules'))
  mkdirSync(programs)
  symlinkSync(process.execPath, join(checkout, NODE24, 'node'))
  const program = (name: string, script: string): void => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(programs, name), 0o755)
  }
  program('npm', 'case "$*" in ci*) mkdir -p node_modules toolchain/node_modules ;; esac')
  program('unzip', 'exit 0')
  program('dpkg-query', 'case "$*" in *nginx*) exit 1 ;; *) echo installed ;; esac')
  program(
    'apt-get',
    `case "$*" in *download-only*|*update*) exit 0 ;; esac
     /usr/sbin/policy-rc.d; echo "policy $?" >>${folder}/seen
     ln -s /lib/systemd/system/fwtest.service /etc/systemd/system/multi-user.target.wants/fwtest.service
     mkdir -p /etc/rc3.d; ln -s ../init.d/fwtest /etc/rc3.d/S01fwtest
     [ -z "$DIE" ] || kill -9 $PPID`,
  )
  return { checkout, programs }
}

async function inOverlay(before: string, after: string): Promise<string> {
  const { checkout, programs } = prepare()
  const overlay = (dir: string): string =>
    `mkdir -p ${folder}/o${dir}/up ${folder}/o${dir}/work && mount -t tmpfs t ${folder}/o${dir} && mkdir ${folder}/o${dir}/up ${folder}/o${dir}/work && mount -t overlay o -o lowerdir=${dir},upperdir=${folder}/o${dir}/up,workdir=${folder}/o${dir}/work ${dir}`
  const links = 'find /etc/systemd/system /etc/rc?.d -name "S*" -o -type l | sort'
  const script = `set -e
    ${overlay('/etc')}; ${overlay('/usr/sbin')}
    mkdir -p /etc/systemd/system/multi-user.target.wants
    ${before}
    ${links} >${folder}/before
    cd ${checkout}; export PATH=${programs}:$PATH
    ${after}
    ${links} >${folder}/after; diff ${folder}/before ${folder}/after && echo same links
    cat ${folder}/seen; cat /usr/sbin/policy-rc.d 2>/dev/null || echo no policy; ls /usr/sbin | grep fairway || true`
  return run(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script])
}

const SET_UP = 'sh scripts/setup.sh 2>/dev/null'

test('with a policy of the machine: it stands again afterwards, and nothing is enabled', async () => {
  expect(
    await inOverlay('printf "#!/bin/sh\\n# mine\\nexit 0\\n" >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d', SET_UP),
  ).toBe('same links\npolicy 101\n#!/bin/sh\n# mine\nexit 0\n')
})

test('without a policy: there is none afterwards', async () => {
  expect(await inOverlay('rm -f /usr/sbin/policy-rc.d', SET_UP)).toBe('same links\npolicy 101\nno policy\n')
})

test('killed in the middle: the next run restores the policy', async () => {
  const text = await inOverlay(
    'printf "# mine\\n" >/usr/sbin/policy-rc.d',
    `DIE=1 ${SET_UP} || true; rm -f /etc/rc3.d/S01fwtest /etc/systemd/system/multi-user.target.wants/fwtest.service; ${SET_UP}`,
  )
  expect(text).toBe('same links\npolicy 101\npolicy 101\n# mine\n')
})
