/** What users get wrong: each a clear answer, at once, and everything else goes on. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tryRun } from '../../src/linux/run.ts'
import { bringUpLab, type LiveLab, labOf } from '../support/live-lab.ts'

let lab: LiveLab

beforeAll(async () => {
  lab = await bringUpLab('t-mistake')
  await lab.client('kubectl apply -f -', POD('web', 'labels: { app: web }', 'image: nginx'))
  await lab.client(
    'kubectl create service nodeport web --tcp=80:80 --node-port=30080 --dry-run=client -o yaml | kubectl apply -f -',
  )
  await lab.client('kubectl wait --for=condition=Ready pod/web --timeout=20s')
})
afterAll(() => lab?.down())

const POD = (name: string, metadata: string, container: string, spec = ''): string =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n  ${metadata}\nspec:\n  ${spec}\n  containers:\n  - name: ${name}\n    ${container}\n`
const SERVICE = (name: string, spec: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: ${spec}\n`

const apply = (manifest: string) => lab.on('client', 'kubectl apply -f -', manifest)
const stillWorks = () => lab.client('curl -s -m 3 http://192.168.0.240:30080')

test('bad YAML', async () => {
  const { exitCode, stderr } = await apply('apiVersion: v1\nkind: Pod\n metadata: x\n')
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/error parsing STDIN: .*yaml: line \d/) })
})

test('an unknown field', async () => {
  const { exitCode, stderr } = await apply(POD('typo', 'labels: {}', 'image: nginx', 'hostNetwrok: true'))
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('unknown field "spec.hostNetwrok"') })
})

test('a wrong port', async () => {
  const { exitCode, stderr } = await apply(SERVICE('wrong', '{ ports: [{ port: 70000 }] }'))
  expect(stderr).toContain('* spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive')
  expect(exitCode).toBe(1)
})

test('a nodePort that is taken, and one out of range', async () => {
  const taken = await apply(SERVICE('taken', '{ type: NodePort, ports: [{ port: 80, nodePort: 30080 }] }'))
  expect(taken.stderr).toContain('spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated')
  const outside = await apply(SERVICE('outside', '{ type: NodePort, ports: [{ port: 80, nodePort: 80 }] }'))
  expect(outside.stderr).toContain('provided port is not in the valid range. The range of valid ports is 30000-32767')
})

test('an automatic nodePort answers', async () => {
  await lab.client('kubectl apply -f -', SERVICE('auto', '{ type: NodePort, selector: { app: web }, ports: [{ port: 80 }] }'))
  const port = Number(await lab.client("kubectl get service auto -o jsonpath='{.spec.ports[0].nodePort}'"))
  expect(port).toBeGreaterThanOrEqual(30000)
  expect(port).toBeLessThanOrEqual(32767)
  await expect
    .poll(async () => (await lab.on('client', `curl -s -m 2 http://192.168.0.161:${port}`)).stdout, { timeout: 5000 })
    .toContain('Welcome to nginx!')
})

test('a Service without endpoints refuses at once', async () => {
  await lab.client(
    'kubectl apply -f -',
    SERVICE('empty', '{ type: NodePort, selector: { app: nobody }, ports: [{ port: 80, nodePort: 30081 }] }'),
  )
  await expect
    .poll(async () => (await lab.on('client', 'curl -sv -m 5 http://192.168.0.240:30081')).stderr, {
      timeout: 5000,
    })
    .toContain('Connection refused')
  const address = await lab.client("kubectl get service empty -o jsonpath='{.spec.clusterIP}'")
  expect((await lab.on('optiplex-2', `curl -s -m 5 http://${address}`)).exitCode).toBe(7)
})

test('an image that is not there', async () => {
  await lab.client('kubectl apply -f -', POD('lost', 'labels: {}', 'image: ngnix:1.27'))
  await lab.client("kubectl wait pod/lost --for=jsonpath='{.status.containerStatuses[0].state.waiting.reason}' --timeout=10s")
  const waiting = JSON.parse(await lab.client("kubectl get pod lost -o jsonpath='{.status.containerStatuses[0].state.waiting}'"))
  expect(waiting).toEqual({
    reason: expect.stringMatching(/^(ErrImagePull|ImagePullBackOff)$/),
    message: expect.stringMatching(/ngnix.*nginx/s),
  })
  await lab.client('kubectl delete pod lost')
})

test('a second hostNetwork pod on the same node stays Pending and says why', async () => {
  const manifest = (name: string): string =>
    POD(
      name,
      'labels: {}',
      'image: nginx\n    ports: [{ containerPort: 80 }]',
      'hostNetwork: true\n  nodeSelector: { kubernetes.io/hostname: optiplex-2 }',
    )
  await lab.client('kubectl apply -f -', manifest('first'))
  await lab.client('kubectl wait --for=condition=Ready pod/first --timeout=20s')
  await lab.client('kubectl apply -f -', manifest('second'))
  await lab.client(
    'kubectl wait pod/second --for=jsonpath=\'{.status.conditions[?(@.type=="PodScheduled")].reason}\'=Unschedulable --timeout=10s',
  )
  expect(await lab.client('kubectl get pod second')).toMatch(/second +0\/1 +Pending/)
  await expect
    .poll(() => lab.client('kubectl events --for pod/second'), { timeout: 5000 })
    .toMatch(/FailedScheduling.*0\/3 nodes are available: 1 node\(s\) didn't have free ports for the requested pod ports/)
  await lab.client('kubectl delete pod first')
  await lab.client('kubectl wait --for=condition=Ready pod/second --timeout=20s')
  await lab.client('kubectl delete pod second')
})

test('an API port that is taken: the other lab is not begun, this one goes on', async () => {
  const status = JSON.parse((await lab.lab(['status', '-o', 'json'])).stdout)
  const taken = new URL(status.api).port
  const other = labOf('t-taken')
  const { exitCode, stderr } = await other.lab(['up', '--api-port', taken])
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringMatching(new RegExp(`FW09\\d\\d .*${taken}[^]*fix: `)),
  })
  expect(await tryRun(['ip', 'netns', 'list'])).toMatchObject({ stdout: expect.not.stringContaining('t-taken') })
})

test('through all of it, the first Service answered', async () => {
  expect(await stillWorks()).toContain('Welcome to nginx!')
})
