/** kubectl's commands that write in protobuf or in steps: create, auth, scale, get --watch. */
import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificateFiles } from '../../src/lab/pki.ts'
import { tryRun } from '../../src/linux/run.ts'
import { freePort, Role, Site } from './apiserver/role.ts'

describe('kubectl create', () => {
  let site: Site
  let role: Role
  let command: readonly string[]
  const options = () => ({ env: { HOME: site.dir, KUBECONFIG: '/dev/null' } })
  const said = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr, exitCode } = await tryRun([...command, ...args], options())
    return `${stdout}${stderr}${exitCode === 0 ? '' : `exit ${exitCode}`}`.trim()
  }
  const write = async (body: unknown): Promise<string> => {
    const path = join(site.dir, 'body.json')
    await writeFile(path, JSON.stringify(body))
    return path
  }
  beforeAll(async () => {
    site = await Site.make()
    const port = await freePort()
    role = new Role(site.flags(join(site.dir, 'store'), [`127.0.0.1:${port}`]))
    const admin = certificateFiles(site.pki, 'admin')
    command = [
      ...['.tools/kubectl', `--server=https://127.0.0.1:${port}`, `--certificate-authority=${join(site.pki, 'ca.crt')}`],
      ...[`--client-certificate=${admin.certificate}`, `--client-key=${admin.key}`],
    ]
    expect(await role.said).toBe('READY\n')
  })
  afterAll(async () => {
    await role[Symbol.asyncDispose]()
    site[Symbol.dispose]()
  })

  test.each([
    ['create ns n1', 'namespace/n1 created'],
    ['create service nodeport c1 --tcp=80:80 --node-port=30555', 'service/c1 created'],
    ['create service externalname c2 --external-name=a.example', 'service/c2 created'],
    ['create deployment c1 --image=nginx --replicas=0 --port=80', 'deployment.apps/c1 created'],
    ['create configmap c1 --from-literal=a=b', 'configmap/c1 created'],
    ['create secret generic c1 --from-literal=a=b', 'secret/c1 created'],
    ['create serviceaccount c1', 'serviceaccount/c1 created'],
    ['create ingress c1 --class=x --rule=a.example/p*=c1:http,tls=c1', 'ingress.networking.k8s.io/c1 created'],
    ['create job c1 --image=nginx -- sleep 1', 'job.batch/c1 created'],
    ['create pdb c1 --selector=app=c1 --min-available=50%', 'poddisruptionbudget.policy/c1 created'],
    ['create role c1 --verb=get --resource=pods', 'role.rbac.authorization.k8s.io/c1 created'],
    ['create rolebinding c1 --role=c1 --user=y', 'rolebinding.rbac.authorization.k8s.io/c1 created'],
    ['create clusterrole c1 --verb=get --non-resource-url=/version', 'clusterrole.rbac.authorization.k8s.io/c1 created'],
    ['create clusterrolebinding c1 --clusterrole=c1 --group=z', 'clusterrolebinding.rbac.authorization.k8s.io/c1 created'],
    ['create token c1 --duration=10m', 'eyJ'],
    ['create ns n1', 'Error from server (AlreadyExists): namespaces "n1" already exists\nexit 1'],
    ['auth can-i create services', 'yes'],
    ['auth whoami -o jsonpath={.status.userInfo.username}', 'kubernetes-admin'],
    [
      'auth can-i --list --no-headers',
      '*.*                                             []                  []               [*]',
    ],
  ])('%s', async (line, answer) => {
    expect((await said(...line.split(' '))).replaceAll(/\s+/g, ' ')).toContain(answer.replaceAll(/\s+/g, ' '))
  })

  test('kubectl scale', async () => {
    expect(await said('scale', 'deployment', 'c1', '--replicas=2', '--current-replicas=0')).toBe('deployment.apps/c1 scaled')
    expect(
      await said('get', 'deployment', 'c1', '--subresource=scale', '-o', 'jsonpath={.spec.replicas} {.status.selector}'),
    ).toBe('2 app=c1')
    expect(await said('scale', 'deployment', 'c1', '--replicas=1', '--current-replicas=7')).toContain(
      'Expected replicas to be 7, was 2',
    )
    expect(await said('scale', 'deployment', 'c1', '--replicas=0')).toBe('deployment.apps/c1 scaled')
  })

  test('what was created is what was asked for', async () => {
    const value = (kind: string, path: string) => said('get', kind, 'c1', '-o', `jsonpath=${path}`)
    expect(await value('svc', '{.spec.ports[0].nodePort} {.spec.selector.app} {.spec.type}')).toBe('30555 c1 NodePort')
    expect(await value('deploy', '{.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort}')).toBe('0 80')
    expect(await value('secret', '{.data.a} {.type}')).toBe('Yg== Opaque')
    expect(await value('ingress', '{.spec.rules[0].http.paths[0].backend.service.port.name} {.spec.tls[0].secretName}')).toBe(
      'http c1',
    )
    expect(await value('pdb', '{.spec.minAvailable} {.spec.selector.matchLabels.app}')).toBe('50% c1')
    expect(await value('job', '{.spec.template.spec.containers[0].command}')).toBe('["sleep","1"]')
  })

  test.each([
    ['orphan', ''],
    ['foreground', 'NotFound'],
    ['background', 'NotFound'],
  ])('delete deployment --cascade=%s', async (cascade, left) => {
    await said('create', 'deployment', cascade, '--image=nginx', '--replicas=0')
    const uid = await said('get', 'deployment', cascade, '-o', 'jsonpath={.metadata.uid}')
    const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: cascade, uid, controller: true, blockOwnerDeletion: true }
    const metadata = { name: `of-${cascade}`, ownerReferences: [owner] }
    await said('create', '--raw', '/api/v1/namespaces/default/configmaps', '-f', await write({ metadata }))
    expect(await said('delete', 'deployment', cascade, `--cascade=${cascade}`, '--timeout=20s')).toContain('deleted')
    if (left !== '') expect(await said('wait', '--for=delete', `configmap/of-${cascade}`, '--timeout=20s')).toBe('')
    const owners = await said('get', 'configmap', `of-${cascade}`, '-o', 'jsonpath={.metadata.ownerReferences}')
    expect(left === '' ? owners : owners.includes(left)).toBe(left === '' ? '' : true)
  })

  test('get --watch shows each change as it comes', async () => {
    const [program = '', ...args] = [...command, 'get', 'configmap', 'c1', '--watch', '-o', 'jsonpath={.data.a}{"\\n"}']
    const child = spawn(program, args, { ...options(), stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const seen: string[] = []
      for await (const line of createInterface({ input: child.stdout })) {
        seen.push(line)
        if (line === 'b') await said('patch', 'configmap', 'c1', '-p', '{"data":{"a":"c"}}')
        if (line === 'c') break
      }
      expect(seen).toEqual(['b', 'c'])
    } finally {
      child.kill()
    }
  })
})
