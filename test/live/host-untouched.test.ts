/** The machine's own network namespace, this very one, before, during and after a lab that carries traffic. */
import { expect, test } from 'vitest'
import { run } from '../../src/linux/run.ts'
import { bringUpLab } from '../support/live-lab.ts'

/** Everything a lab could have touched; counters, timers and keys of the kernel's own are left out. */
const LOOKS: readonly (readonly [string, string])[] = [
  ['links', 'ip -o link'],
  ['addresses', 'ip -o addr | sed "s/valid_lft.*//"'],
  ['routes', 'ip route show table all; ip -6 route show table all | sed "s/ expires [^ ]*//"'],
  ['rules', 'ip rule; ip -6 rule'],
  ['firewall', 'nft list ruleset | sed "s/counter packets .*//"'],
  ['sysctls', 'sysctl -a 2>/dev/null | grep ^net | grep -v "netfilter.nf_conntrack_count\\|stable_secret\\|tcp_fastopen_key"'],
]

const look = async (): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(await Promise.all(LOOKS.map(async ([name, line]) => [name, await run(['sh', '-c', line])] as const)))

const POD = `apiVersion: v1
kind: Pod
metadata: { name: web, labels: { app: web } }
spec:
  containers: [{ name: web, image: nginx, ports: [{ containerPort: 80, hostPort: 80 }] }]
`

test('links, addresses, routes, rules, firewall and sysctls stay as they were', async () => {
  const before = await look()
  expect(before.links).toContain('lo:')
  const lab = await bringUpLab('t-host')
  try {
    await lab.client('kubectl apply -f -', POD)
    await lab.client('kubectl expose pod web --type=NodePort --port=80')
    await lab.client('kubectl wait --for=condition=Ready pod/web --timeout=20s')
    expect(await look()).toEqual(before)
  } finally {
    await lab.down()
  }
  expect(await look()).toEqual(before)
})
