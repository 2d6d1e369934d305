/** Real kubectl against the API server: what a user types, and what it prints. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificateFiles } from '../../src/lab/pki.ts'
import { type RunResult, tryRun } from '../../src/linux/run.ts'
import { freePort, Role, Site } from './apiserver/role.ts'

const POD = `apiVersion: v1
kind: Pod
metadata: {name: nginx, labels: {name: nginx}}
spec:
  containers:
    - {name: nginx, image: nginx, ports: [{containerPort: 80}]}
`
const SERVICE = `kind: Service
apiVersion: v1
metadata: {name: nginx}
spec:
  type: NodePort
  ports:
    - {name: nginx, port: 80, nodePort: 30018}
  selector: {name: nginx}
`

describe('kubectl', () => {
  let site: Site
  let role: Role
  let port = 0
  const kubectl = (args: readonly string[], input = ''): Promise<RunResult> => {
    const admin = certificateFiles(site.pki, 'admin')
    const connection = [`--server=https://127.0.0.1:${port}`, `--certificate-authority=${join(site.pki, 'ca.crt')}`]
    const user = [`--client-certificate=${admin.certificate}`, `--client-key=${admin.key}`]
    return tryRun(['.tools/kubectl', ...connection, ...user, ...args], {
      input,
      env: { HOME: site.dir, KUBECONFIG: '/dev/null' },
    })
  }
  /** What it printed, with its errors; the exit code when it failed. */
  const said = async (args: readonly string[], input = ''): Promise<string> => {
    const { stdout, stderr, exitCode } = await kubectl(args, input)
    return `${stdout}${stderr}${exitCode === 0 ? '' : `exit ${exitCode}`}`.trim()
  }
  beforeAll(async () => {
    site = await Site.make()
    port = await freePort()
    role = new Role(site.flags(join(site.dir, 'store'), [`127.0.0.1:${port}`]))
    expect(await role.said).toBe('READY\n')
  })
  afterAll(async () => {
    await role[Symbol.asyncDispose]()
    site[Symbol.dispose]()
  })

  test('apply, and apply again', async () => {
    const both = `${POD}---\n${SERVICE}`
    expect(await said(['apply', '-f', '-'], both)).toBe('pod/nginx created\nservice/nginx created')
    expect(await said(['apply', '-f', '-'], both)).toBe('pod/nginx unchanged\nservice/nginx unchanged')
  })

  test('a kind that nobody knows is named', async () => {
    expect(await said(['apply', '-f', '-'], 'apiVersion: v1\nkind: Widget\nmetadata: {name: w}\n')).toContain(
      'no matches for kind "Widget" in version "v1"',
    )
    expect(await said(['apply', '-f', '-'], 'apiVersion: wide/v2\nkind: Widget\nmetadata: {name: w}\n')).toContain(
      'no matches for kind "Widget" in version "wide/v2"',
    )
  })

  test('get -o wide prints the columns of a real server', async () => {
    const columns = (text: string): readonly string[] => text.split('\n').map((line) => line.trim().split(/ {2,}/).join('|'))
    expect(columns(await said(['get', 'pods', '-o', 'wide', 'nginx']))[0]).toBe(
      'NAME|READY|STATUS|RESTARTS|AGE|IP|NODE|NOMINATED NODE|READINESS GATES',
    )
    const [head, row] = columns(await said(['get', 'svc', '-o', 'wide', 'nginx']))
    expect(head).toBe('NAME|TYPE|CLUSTER-IP|EXTERNAL-IP|PORT(S)|AGE|SELECTOR')
    expect(row).toMatch(/^nginx\|NodePort\|10\.[0-9.]+\|<none>\|80:30018\/TCP\|\d+s\|name=nginx$/)
  })

  test('mistakes get the real words', async () => {
    const unknown = SERVICE.replace('name: nginx}', 'name: other}').replace('type: NodePort', 'typo: NodePort')
    expect(await said(['create', '-f', '-'], unknown)).toBe(
      'Error from server (BadRequest): error when creating "STDIN": Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.typo"\nexit 1',
    )
    expect(await said(['create', '-f', '-'], SERVICE.replace('name: nginx}', 'name: other}'))).toBe(
      'The Service "other" is invalid: spec.ports[0].nodePort: Invalid value: 30018: provided port is already allocated\nexit 1',
    )
    expect(await said(['apply', '-f', '-'], 'kind: [')).toMatch(/^error: .*yaml: .*\nexit 1$/s)
    expect(await said(['get', 'pod', 'nope'])).toBe('Error from server (NotFound): pods "nope" not found\nexit 1')
    expect(await said(['apply', '-n', 'nowhere', '-f', '-'], POD)).toContain('namespaces "nowhere" not found')
  })

  test('an Ingress as old manifests have it is applied, shown as v1, and found unchanged', async () => {
    const ingress = `apiVersion: extensions/v1beta1
kind: Ingress
metadata:
  name: nginx
spec:
  rules:
    - host: nginx.example.com
      http:
        paths:
          - backend:
              serviceName: nginx
              servicePort: 80
`
    const warning =
      'Warning: extensions/v1beta1 Ingress is deprecated in v1.14+, unavailable in v1.22+; use networking.k8s.io/v1 Ingress'
    expect(await said(['apply', '-f', '-'], ingress)).toBe(`ingress.extensions/nginx created\n${warning}`)
    expect(await said(['apply', '-f', '-'], ingress)).toBe(`ingress.extensions/nginx unchanged\n${warning}`)
    expect(await said(['get', 'ingress', 'nginx', '-o', 'jsonpath={.apiVersion} {.spec.rules[0].http.paths[0].backend}'])).toBe(
      'networking.k8s.io/v1 {"service":{"name":"nginx","port":{"number":80}}}',
    )
    expect(await said(['get', 'ing', '--no-headers'])).toMatch(/^nginx +<none> +nginx\.example\.com +80 +\d+s$/)
    expect(await said(['delete', '-f', '-'], ingress)).toBe(
      `ingress.extensions "nginx" deleted from default namespace\n${warning}`,
    )
  })

  test('every type of patch', async () => {
    const affinity = ['get', 'svc', 'nginx', '-o', 'jsonpath={.spec.sessionAffinity} {.spec.ports[*].nodePort}']
    const patches: readonly (readonly [string, string, string])[] = [
      ['merge', '{"spec":{"sessionAffinity":"ClientIP"}}', 'ClientIP 30018'],
      ['json', '[{"op":"replace","path":"/spec/sessionAffinity","value":"None"}]', 'None 30018'],
      ['strategic', '{"spec":{"ports":[{"port":80,"nodePort":30019}]}}', 'None 30019'],
    ]
    for (const [type, patch, result] of patches) {
      expect(await said(['patch', 'svc', 'nginx', `--type=${type}`, '-p', patch])).toBe('service/nginx patched')
      expect(await said(affinity)).toBe(result)
    }
    expect(await said(['label', 'pod', 'nginx', 'tier=front'])).toBe('pod/nginx labeled')
    expect(await said(['annotate', 'pod', 'nginx', 'a=b'])).toBe('pod/nginx annotated')
  })

  test('diff shows what apply would change', async () => {
    const { exitCode, stdout } = await kubectl(['diff', '-f', '-'], SERVICE)
    expect([exitCode, stdout.match(/^[-+] .*/gm)?.map((line) => line.replace(/\s+/, ' '))]).toEqual([
      1,
      ['- nodePort: 30019', '+ nodePort: 30018'],
    ])
  })

  test('server-side apply: conflicts name their owner, force takes over', async () => {
    const config =
      'apiVersion: v1\nkind: Service\nmetadata: {name: nginx}\nspec: {type: NodePort, ports: [{name: nginx, port: 80, nodePort: 30020}]}\n'
    const apply = ['apply', '--server-side', '--field-manager', 'other', '-f', '-']
    expect(await said(apply, config)).toContain(
      'Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .spec.ports[port=80,protocol="TCP"].nodePort',
    )
    expect(await said([...apply, '--force-conflicts'], config)).toBe('service/nginx serverside-applied')
    expect(await said(['get', 'svc', 'nginx', '-o', 'jsonpath={.spec.ports[0].nodePort} {.spec.ports[0].name}'])).toBe(
      '30020 nginx',
    )
  })

  test('explain, api-resources, wait, events, describe', async () => {
    expect(await said(['explain', 'service.spec.ports'])).toMatch(
      /^KIND: {7}Service\nVERSION: {4}v1\n\nFIELD: ports <\[\]ServicePort>/,
    )
    expect(await said(['api-resources', '--no-headers'])).toMatch(/^endpointslices .* EndpointSlice$/m)
    expect(await said(['wait', '--for=jsonpath={.status.phase}=Pending', 'pod/nginx', '--timeout=5s'])).toBe(
      'pod/nginx condition met',
    )
    expect(await said(['get', 'events'])).toBe('No resources found in default namespace.')
    expect(await said(['describe', 'svc', 'nginx'])).toMatch(/^NodePort: +nginx {2}30020\/TCP$/m)
  })

  test('delete waits until objects are gone; a namespace takes its contents along', async () => {
    expect(await said(['apply', '-f', '-'], 'apiVersion: v1\nkind: Namespace\nmetadata: {name: n1}\n')).toBe(
      'namespace/n1 created',
    )
    expect(await said(['apply', '-n', 'n1', '-f', '-'], POD)).toBe('pod/nginx created')
    expect(await said(['delete', 'ns', 'n1', '--timeout=20s'])).toBe('namespace "n1" deleted')
    expect(await said(['get', 'pods', '-A', '--no-headers', '-o', 'name'])).toBe('pod/nginx')
    expect(await said(['delete', 'pod', 'nginx'])).toBe('pod "nginx" deleted from default namespace')
    expect(await said(['delete', 'svc', 'nginx'])).toBe('service "nginx" deleted from default namespace')
    expect(await said(['wait', '--for=delete', 'pod/nginx', '--timeout=5s'])).toBe('')
  })
})
