/** Gateways of the shipped manifests behind a LoadBalancer address: who asks is known to servers, one bad object harms no other, and neither a death nor a rollout fails a request. */
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pod } from '../../src/kube/types.ts'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'
import { until } from '../support/until.ts'

const SYSTEM = '-n fairway-system'
const PODS = 'kubectl get pods -n fairway-system -l app.kubernetes.io/name=fairway-gateway -o json'

/** Pods that come one after the other, each with its time to drain. */
const ROLLOUT_IN_MS = 240_000

let lab: LiveLab

const APP = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  replicas: 2
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec:
      containers:
      - name: echo
        image: fairway/echo
        ports: [{ containerPort: 8080 }]
        readinessProbe: { httpGet: { port: 8080, path: / }, periodSeconds: 1 }
        # requests that are on their way when the pod is told to end find it alive
        lifecycle: { preStop: { sleep: { seconds: 3 } } }
---
apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { selector: { app: shop }, ports: [{ port: 80, targetPort: 8080 }] }
`

const ingress = (name: string, { service = 'shop', tls = '', className = 'fairway' } = {}): string => `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: ${name} }
spec:
  ingressClassName: ${className}
  ${tls === '' ? '' : `tls: [{ hosts: [${name}.example.com], secretName: ${tls} }]`}
  rules:
  - host: ${name}.example.com
    http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: ${service}, port: { number: 80 } } } }] }
`

beforeAll(async () => {
  lab = await bringUpLab('t-gateway')
  const { client } = lab
  await client('kubectl apply -f deploy/gateway/base.yaml -f deploy/gateway/load-balancer.yaml -f examples/load-balancer/l2.yaml')
  // the other one was there before, so that whoever wrote statuses of all would have written its own too
  await client(
    'kubectl apply -f -',
    `${APP}---${ingress('foreign', { className: 'some-invalid-class-name' })}---${ingress('shop')}`,
  )
  await client('kubectl rollout status deployment/shop --timeout=60s')
  await client(`kubectl rollout status deployment/fairway-gateway ${SYSTEM} --timeout=60s`)
  await client("kubectl wait --for=jsonpath='{.status.loadBalancer.ingress}' ingress/shop --timeout=60s")
  await until(
    () => lab.on('client', 'curl -fsS -m 2 http://shop.example.com/'),
    ({ exitCode }) => exitCode === 0,
    60_000,
  )
})
afterAll(() => lab?.down())

const gateways = async (): Promise<readonly Pod[]> => JSON.parse(await lab.client(PODS)).items

/** The status code that a client is answered with; `000` without an answer. */
const codeOf = async (url: string): Promise<string> =>
  (await lab.on('client', `curl -sk -o /dev/null -m 5 -w '%{http_code}' ${url}`)).stdout

const reasonsOf = (name: string): Promise<string> =>
  lab.client(
    `kubectl get events --field-selector involvedObject.kind=Ingress,involvedObject.name=${name} -o jsonpath='{.items[*].reason}'`,
  )

/** Asks again and again until told to stop; what the shell prints in the end is how many were answered, and how many not. */
async function underLoad(
  host: string,
  ask: string,
  work: () => Promise<void>,
): Promise<{ readonly answered: number; readonly failed: number }> {
  const flag = `/tmp/fwt-gateway-${process.pid}`
  const loop = `touch ${flag}; a=0; f=0; while [ -e ${flag} ]; do if ${ask}; then a=$((a+1)); else f=$((f+1)); fi; done; echo $a $f`
  const asking = lab.on(host, loop)
  try {
    await work()
  } finally {
    await lab.on(host, `rm -f ${flag}`)
  }
  const [answered = 0, failed = 0] = (await asking).stdout.trim().split(' ').map(Number)
  return { answered, failed }
}

test('servers are told who asks, whatever a client says of itself', async () => {
  const address = / inet ([0-9.]+)\//.exec(await lab.client('ip -4 -o address show scope global'))?.[1]
  const answer = JSON.parse(await lab.client("curl -4 -s -H 'X-Forwarded-For: 203.0.113.1' http://shop.example.com/"))
  expect(answer.headers['x-forwarded-for']).toBe(address)
  expect(await lab.client('kubectl get ingress shop -o jsonpath="{.status.loadBalancer.ingress[0].ip}"')).toMatch(
    /^192\.168\.9\.\d+$/,
  )
})

test('each gateway tells what its proxy has counted, by Service', async () => {
  for (const { status } of await gateways()) {
    const url = `http://${status?.podIP}:10264/metrics/haproxy`
    const ask = async (query: string) => (await lab.on('optiplex-1', `curl -fsS -m 5 '${url}${query}'`)).stdout
    expect(await ask('')).toMatch(/^haproxy_frontend_http_requests_total\{proxy="fe_[0-9a-f]+",listener="http"\} \d+$/m)
    expect(await ask('?scope=backend')).toMatch(
      /^haproxy_backend_http_requests_total\{proxy="b\d+",service="default\/shop",port="80"\} \d+$/m,
    )
  }
})

test('an Ingress of a class that nobody has is not touched', async () => {
  expect(await codeOf("-H 'Host: foreign.example.com' http://shop.example.com/")).toBe('404')
  expect(await lab.client("kubectl get ingress foreign -o jsonpath='{.status.loadBalancer}'")).toMatch(/^(\{\})?$/)
})

test('an Ingress without its Service, and one without its Secret, harm no other', async () => {
  await lab.client('kubectl apply -f -', `${ingress('bad', { service: 'nobody' })}---${ingress('dark', { tls: 'dark-tls' })}`)
  await until(
    () => codeOf('http://bad.example.com/'),
    (code) => code === '503',
  )
  await until(
    () => codeOf('http://dark.example.com/'),
    (code) => code === '200',
  )
  expect([await codeOf('https://dark.example.com/'), await codeOf('http://shop.example.com/')]).toEqual(['000', '200'])
  await until(
    () => reasonsOf('bad'),
    (reasons) => reasons.includes('IngressServiceMissing'),
  )
  await until(
    () => reasonsOf('dark'),
    (reasons) => reasons.includes('IngressSecretUnusable'),
  )
})

test('a Secret that comes is served at once', async () => {
  const dir = `/tmp/fwt-gateway-tls-${process.pid}`
  const key = `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${dir}/key -out ${dir}/crt -subj /CN=dark.example.com`
  await lab.client(
    `mkdir -p ${dir} && ${key} 2>/dev/null && kubectl create secret tls dark-tls --cert=${dir}/crt --key=${dir}/key; rm -r ${dir}`,
  )
  await until(
    () => codeOf('https://dark.example.com/'),
    (code) => code === '200',
  )
  expect((await lab.on('client', 'curl -skv https://dark.example.com/ 2>&1 >/dev/null')).stdout).toContain('CN=dark.example.com')
})

test('while the gateway of a pod is dead, and when it comes again, its proxy serves', { timeout: ROLLOUT_IN_MS }, async () => {
  const [pod] = await gateways()
  const name = pod?.metadata.name ?? ''
  const ask = `curl -fs -o /dev/null -m 5 -H 'Host: shop.example.com' http://${pod?.status?.podIP}:8080/`
  const restarts = async () => {
    const { status } = (await gateways()).find(({ metadata }) => metadata.name === name) ?? {}
    return status?.containerStatuses?.map((one) => `${one.name} ${one.restartCount} ${one.ready}`).toSorted()
  }
  const { answered, failed } = await underLoad('optiplex-1', ask, async () => {
    process.kill(processOf('gateway', 2, `POD_NAME=${name}`), 'SIGKILL')
    await until(restarts, (all) => all?.join() === 'gateway 1 true,proxy 0 true', 60_000)
    await lab.client('kubectl rollout restart deployment/shop')
    await lab.client('kubectl rollout status deployment/shop --timeout=90s')
    await until(
      () => lab.client('kubectl get pods -l app=shop -o name'),
      (names) => names.trim().split('\n').length === 2,
      60_000,
    )
  })
  expect(failed).toBe(0)
  expect(answered).toBeGreaterThan(10)
})

test('a proxy that is killed comes again with all that it had, and is told of changes', { timeout: ROLLOUT_IN_MS }, async () => {
  const [pod] = await gateways()
  const name = pod?.metadata.name ?? ''
  const ask = () => lab.on('optiplex-1', `curl -fs -m 5 -H 'Host: shop.example.com' http://${pod?.status?.podIP}:8080/`)
  process.kill(processOf('haproxy', 0, `HOSTNAME=${name}`), 'SIGKILL')
  const isReady = ({ metadata, status }: Pod) =>
    metadata.name === name &&
    status?.containerStatuses?.every(({ ready }) => ready) === true &&
    status.containerStatuses.some((one) => one.name === 'proxy' && one.restartCount === 1)
  await until(gateways, (all) => all.some(isReady), 60_000)
  expect((await ask()).exitCode).toBe(0)
  await lab.client('kubectl rollout restart deployment/shop')
  await lab.client('kubectl rollout status deployment/shop --timeout=90s')
  const shops = await lab.client(
    "kubectl get pods -l app=shop --field-selector=status.phase=Running -o jsonpath='{.items[*].metadata.name}'",
  )
  const answer = await until(ask, ({ exitCode }) => exitCode === 0)
  expect(shops).toContain(JSON.parse(answer.stdout).pod)
})

test('a rolling update of the gateways fails no request', { timeout: ROLLOUT_IN_MS }, async () => {
  const before = (await gateways()).map(({ metadata }) => metadata.name)
  const { answered, failed } = await underLoad('client', 'curl -4 -fs -o /dev/null -m 5 http://shop.example.com/', async () => {
    await lab.client(`kubectl rollout restart deployment/fairway-gateway ${SYSTEM}`)
    await lab.client(`kubectl rollout status deployment/fairway-gateway ${SYSTEM} --timeout=120s`)
    await until(
      gateways,
      (all) => all.length === before.length && all.every(({ metadata }) => !before.includes(metadata.name)),
      90_000,
    )
  })
  expect(failed).toBe(0)
  expect(answered).toBeGreaterThan(50)
})

/** The process of a container is known by what it is told of its pod, and by a word of its command. @throws {Error} */
function processOf(word: string, at: number, variable: string): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const isIt = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[at] === word
      if (isIt && readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(variable)) return Number(pid)
    } catch {
      // it ended meanwhile
    }
  }
  throw new Error(`there is no ${word} with ${variable}`)
}
