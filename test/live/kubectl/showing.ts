/** kubectl's verbs that show. */
import type { Deeds } from './desk.ts'

const POD = (name: string, more = ''): string => `apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: ${name}, all: "yes" } }
spec:
  terminationGracePeriodSeconds: 0
  containers: [{ name: echo, image: fairway/echo, ports: [{ containerPort: 8080 }] }]
${more}---
`
const columns = (text: string): readonly string[] => text.split('\n').map((line) => line.trim().split(/ {2,}/).join('|'))

export const SHOWING: Deeds = {
  'get in every form': async (desk, expect) => {
    await desk.apply(POD('b') + POD('a'))
    await desk.does('kubectl wait pods --all --for=condition=Ready --timeout=30s')
    expect(columns(await desk.does('kubectl get pods'))).toEqual([
      'NAME|READY|STATUS|RESTARTS|AGE',
      expect.stringMatching(/^a\|1\/1\|Running\|0\|\d+s$/),
      expect.stringMatching(/^b\|1\/1\|Running\|0\|\d+s$/),
    ])
    expect(columns(await desk.does('kubectl get pods -o wide a'))[1]).toMatch(/\|10\.244\.\d+\.\d+\|\S+\|<none>\|<none>$/)
    expect(await desk.does('kubectl get pods -o name')).toBe('pod/a\npod/b')
    expect(JSON.parse(await desk.does('kubectl get pods -o json'))).toMatchObject({
      kind: 'List',
      items: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
    })
    expect(await desk.does('kubectl get pod a -o yaml')).toMatch(
      /^apiVersion: v1\nkind: Pod\nmetadata:\n[\s\S]*\n {2}phase: Running\n/m,
    )
    expect(await desk.does("kubectl get pods -o jsonpath='{range .items[*]}{.metadata.name}={.status.phase};{end}'")).toBe(
      'a=Running;b=Running;',
    )
    expect(columns(await desk.does('kubectl get pods -o custom-columns=N:.metadata.name,I:.spec.containers[0].image'))).toEqual([
      'N|I',
      'a|fairway/echo',
      'b|fairway/echo',
    ])
    expect(await desk.does("kubectl get pods -o go-template='{{len .items}}'")).toBe('2')
    expect(await desk.does('kubectl get pods --sort-by={.metadata.creationTimestamp} -o name')).toContain('pod/a')
    expect(columns(await desk.does('kubectl get pods --sort-by=.metadata.labels.app --no-headers -L app'))[1]).toMatch(/\|b$/)
    expect(await desk.does('kubectl get pods -l "app in (a,c)" --field-selector status.phase=Running -o name')).toBe('pod/a')
    expect(await desk.does('kubectl get pods --chunk-size=1 -o name')).toBe('pod/a\npod/b')
    expect(await desk.sees('kubectl get pod a nope')).toMatch(
      /^NAME[\s\S]*Error from server \(NotFound\): pods "nope" not found\nexit 1$/,
    )
    expect(await desk.sees('kubectl get pods --field-selector=spec.foo=bar')).toContain('field label not supported: spec.foo')
  },

  'get -w: a row for each change, in order': async (desk, expect) => {
    await using watching = desk.starts('kubectl get pods -w')
    await desk.apply(POD('w'))
    await watching.says(/^w +1\/1 +Running /)
    await desk.does('kubectl delete pod w')
    await watching.says(/^w +1\/1 +Terminating /)
    const seen = watching.lines.map((line) => line.split(/ +/).slice(0, 3).join(' '))
    expect(seen[0]).toBe('NAME READY STATUS')
    expect(seen[1]).toBe('w 0/1 Pending')
    expect(seen.indexOf('w 1/1 Running')).toBeGreaterThan(1)
    expect(seen.indexOf('w 1/1 Terminating')).toBeGreaterThan(seen.indexOf('w 1/1 Running'))
  },

  'get -w --output-watch-events, of one name': async (desk, expect) => {
    await desk.does('kubectl create configmap one --from-literal=a=1')
    await using watching = desk.starts('kubectl get configmap one -w --output-watch-events -L n')
    await watching.says(/^ADDED +one +1 +\d+s *$/)
    await desk.does('kubectl create configmap two --from-literal=a=9 && kubectl label configmap one n=2')
    await watching.says(/^MODIFIED +one +1 +\d+s +2$/)
    await desk.does('kubectl delete configmap one')
    await watching.says(/^DELETED +one +1 +\d+s +2$/)
    expect(watching.lines.join('\n')).not.toContain('two')
  },

  'wait: conditions, paths, what is there already, what is not, and time that runs out': async (desk, expect) => {
    await using coming = desk.starts('kubectl wait pod/late --for=create --timeout=20s')
    await desk.apply(POD('late'))
    expect(await coming.ends()).toBe(0)
    expect(await desk.sees('kubectl wait pod/late --for=condition=Ready --timeout=20s')).toBe('pod/late condition met')
    expect(await desk.sees("kubectl wait pod/late --for=jsonpath='{.status.phase}'=Running --timeout=5s")).toBe(
      'pod/late condition met',
    )
    expect(await desk.sees('kubectl wait pod/late --for=condition=Nope --timeout=1s')).toBe(
      'error: timed out waiting for the condition on pods/late\nexit 1',
    )
    expect(await desk.sees('kubectl wait pod -l app=nope --for=condition=Ready --timeout=1s')).toBe(
      'error: no matching resources found\nexit 1',
    )
    expect(await desk.sees('kubectl wait pod/nope --for=condition=Ready --timeout=1s')).toContain('pods "nope" not found')
    expect(await desk.sees('kubectl wait pod/nope --for=delete --timeout=1s')).toBe('')
  },

  'describe: pod, service, deployment, ingress, secret, namespace, node': async (desk, expect) => {
    await desk.does('kubectl create deployment web --image=fairway/echo --port=8080')
    await desk.does('kubectl expose deployment web --port=80 --target-port=8080 --type=NodePort')
    await desk.does('kubectl create ingress web --class=x --rule=a.example/shop*=web:80')
    await desk.does('kubectl create secret generic web --from-literal=a=secret')
    await desk.does('kubectl rollout status deployment/web --timeout=30s')
    const ip = await desk.does("kubectl get pods -l app=web -o jsonpath='{.items[0].status.podIP}'")
    const pod = await desk.does('kubectl describe pod -l app=web')
    expect(pod).toMatch(/^Controlled By: {2}ReplicaSet\/web-\w+$/m)
    expect(pod).toMatch(/^ {4}Image: +fairway\/echo$/m)
    expect(pod.slice(pod.indexOf('Events:'))).toMatch(/Scheduled[\s\S]*Pulled[\s\S]*Created[\s\S]*Started/)
    expect(await desk.does('kubectl describe service web')).toMatch(new RegExp(`^Endpoints: +${ip}:8080$`, 'm'))
    const deployment = await desk.does('kubectl describe deployment web')
    expect(deployment).toMatch(/^Replicas: +1 desired \| 1 updated \| 1 total \| 1 available \| 0 unavailable$/m)
    expect(deployment).toMatch(/^NewReplicaSet: +web-\w+ \(1\/1 replicas created\)$/m)
    expect(await desk.does('kubectl describe ingress web')).toMatch(new RegExp(`/shop {3}web:80 \\(${ip}:8080\\)`))
    const secret = await desk.does('kubectl describe secret web')
    expect(secret).toMatch(/^a: {2}6 bytes$/m)
    expect(secret).not.toContain('secret\n')
    expect(await desk.does(`kubectl describe namespace ${desk.namespace}`)).toMatch(/^Status: +Active$/m)
    const node = await desk.does('kubectl describe node optiplex-1')
    expect(node).toMatch(/^ {2}InternalIP: +192\.168\.0\.240$/m)
    expect(node).toMatch(/^ {2}Ready +True .* KubeletReady /m)
  },

  'events, by object and by kind of event': async (desk, expect) => {
    await desk.apply(POD('e') + POD('bad').replace('fairway/echo', 'no/such'))
    await desk.does('kubectl wait pod/e --for=condition=Ready --timeout=30s')
    await using watching = desk.starts('kubectl events --for pod/bad --types=Warning --watch')
    expect(await watching.says(/ErrImagePull/)).toMatch(/Warning +Failed +Pod\/bad +Error: ErrImagePull/)
    expect(await desk.does('kubectl events --for pod/e')).toMatch(/Normal +Started +Pod\/e /)
    const rows = await desk.does('kubectl get events --field-selector involvedObject.name=e,reason=Scheduled --no-headers')
    expect(rows).toMatch(new RegExp(`^\\S+ +Normal +Scheduled +pod/e +Successfully assigned ${desk.namespace}/e to \\S+$`))
  },

  'explain: a field, all fields, none': async (desk, expect) => {
    expect(await desk.does('kubectl explain pods.spec.containers.livenessProbe.httpGet.port')).toMatch(
      /^KIND: {7}Pod\nVERSION: {4}v1\n\nFIELD: port <IntOrString>/,
    )
    const all = await desk.does('kubectl explain deployment --recursive')
    expect(all).toMatch(/^ {2}spec\t<DeploymentSpec>$/m)
    expect(all).toMatch(/^ {6}spec\t<PodSpec>$/m)
    expect(await desk.sees('kubectl explain pod.spec.nope')).toContain('field "nope" does not exist')
    expect(await desk.sees('kubectl explain nopes')).toContain('the server doesn\'t have a resource type "nopes"')
  },

  'what the server is and has: version, cluster-info, api-resources, api-versions, auth, top, raw, proxy': async (
    desk,
    expect,
  ) => {
    expect(await desk.does('kubectl version')).toMatch(/^Server Version: v1\.36\.\d+$/m)
    expect(await desk.does('kubectl cluster-info')).toContain('is running at')
    expect(columns(await desk.does('kubectl api-resources --api-group=apps'))).toContain(
      'deployments|deploy|apps/v1|true|Deployment',
    )
    expect((await desk.does('kubectl api-versions')).split('\n')).toEqual(
      expect.arrayContaining(['apps/v1', 'networking.k8s.io/v1', 'v1']),
    )
    expect(await desk.does('kubectl auth can-i create deployments')).toBe('yes')
    expect(await desk.does('kubectl auth whoami -o jsonpath={.status.userInfo.username}')).toBe('kubernetes-admin')
    expect(await desk.does("kubectl auth whoami --as=joe --as-group=dev -o jsonpath='{.status.userInfo}'")).toBe(
      '{"groups":["dev","system:authenticated"],"username":"joe"}',
    )
    expect(await desk.sees('kubectl top pods')).toBe('error: Metrics API not available\nexit 1')
    expect(await desk.sees('kubectl top nodes')).toBe('error: Metrics API not available\nexit 1')
    expect(await desk.does('kubectl get --raw /readyz')).toBe('ok')
    await using proxy = desk.starts('kubectl proxy --port=0')
    const port = (await proxy.says(/^Starting to serve on /)).split(':').at(-1)
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/namespaces/${desk.namespace}`)
    expect(await answer.json()).toMatchObject({ kind: 'Namespace', metadata: { name: desk.namespace } })
  },
}
