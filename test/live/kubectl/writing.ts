/** kubectl's verbs that write objects. */
import type { Deeds } from './desk.ts'

const SERVICE = `apiVersion: v1
kind: Service
metadata: { name: web, labels: { app: web } }
spec:
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
`
const map = (value: string): string => `apiVersion: v1
kind: ConfigMap
metadata: { name: map, labels: { tier: front } }
data: { a: "${value}" }
`
const value = (path: string, what = 'configmap/map'): string => `kubectl get ${what} -o jsonpath='{${path}}'`
/** Editors that change the file with sed, and keep what they were shown. */
const editor = (change: string): string => `cat "$1" >> shown; sed -i '${change}' "$1"`

export const WRITING: Deeds = {
  'apply, diff, apply again, apply what is gone from the file': async (desk, expect) => {
    desk.file('map.yaml', map('1'))
    expect(await desk.sees('kubectl diff -f map.yaml')).toMatch(/^\+ {2}a: "1"$[\s\S]*exit 1$/m)
    expect(await desk.sees('kubectl apply -f map.yaml')).toBe('configmap/map created')
    expect(await desk.sees('kubectl diff -f map.yaml')).toBe('')
    expect(await desk.sees('kubectl apply -f map.yaml')).toBe('configmap/map unchanged')
    desk.file('map.yaml', map('2'))
    expect((await desk.sees('kubectl diff -f map.yaml')).match(/^[-+] .*/gm)).toEqual(['-  a: "1"', '+  a: "2"'])
    expect(await desk.sees('kubectl apply -f map.yaml --dry-run=server')).toBe('configmap/map configured (server dry run)')
    expect(await desk.does(value('.data.a'))).toBe('1')
    expect(await desk.sees('kubectl apply -f map.yaml')).toBe('configmap/map configured')
    desk.file('map.yaml', map('2').replace('a: "2"', 'c: d'))
    await desk.does('kubectl apply -f map.yaml')
    expect(await desk.does(value('.data'))).toBe('{"c":"d"}')
  },

  'apply --server-side: conflicts are named, and taken over by force': async (desk, expect) => {
    await desk.does('kubectl apply --server-side -f -', map('1'))
    const other = 'kubectl apply --server-side --field-manager=other -f -'
    expect(await desk.sees(other, map('2'))).toContain('conflict with "kubectl": .data.a')
    expect(await desk.sees(`${other} --force-conflicts`, map('2'))).toBe('configmap/map serverside-applied')
    expect(await desk.does(value('.data.a'))).toBe('2')
  },

  'edit: a change, none, a wrong one that is shown again, and what is refused': async (desk, expect) => {
    await desk.apply(SERVICE)
    const edit = async (change: string, more = ''): Promise<string> =>
      desk.sees(`KUBE_EDITOR=${desk.script('editor', editor(change))} kubectl edit service web ${more}`)
    expect(await edit('s/port: 80$/port: 8000/')).toBe('service/web edited')
    expect(await desk.does(value('.spec.ports[0].port', 'svc/web'))).toBe('8000')
    expect(await edit('s/nothing/at all/')).toBe('Edit cancelled, no changes made.')
    expect(await edit('s/port: 8000$/port: 800000/')).toMatch(/^error: services "web" is invalid\n[\s\S]*exit 1$/)
    expect(await desk.does('cat shown')).toContain(
      '# * spec.ports[0].port: Invalid value: 800000: must be between 1 and 65535, inclusive',
    )
    // The second time that it is shown, the mistake is put right.
    const mend = `if grep -q 'port: x' "$1"; then sed -i 's/port: x/port: 81/' "$1"; else sed -i 's/port: 8000$/port: x/' "$1"; fi`
    expect(await desk.sees(`KUBE_EDITOR=${desk.script('editor', mend)} kubectl edit service web`)).toBe(
      'service/web edited\nerror: services "web" is invalid',
    )
    expect(await desk.does(value('.spec.ports[0].port', 'svc/web'))).toBe('81')
  },

  'edit --subresource=status': async (desk, expect) => {
    await desk.apply(SERVICE.replace('spec:', 'spec:\n  type: LoadBalancer'))
    const change = 's/loadBalancer: {}/loadBalancer: { ingress: [{ ip: 192.168.9.7 }] }/'
    const edit = `KUBE_EDITOR=${desk.script('editor', editor(change))} kubectl edit service web --subresource=status`
    expect(await desk.sees(edit)).toBe('service/web edited')
    expect(await desk.does('kubectl get service web --no-headers')).toMatch(/^web +LoadBalancer +\S+ +192\.168\.9\.7 /)
  },

  'label and annotate: overwrite, remove, by selector': async (desk, expect) => {
    await desk.apply(map('1'))
    expect(await desk.sees('kubectl label configmap map tier=back')).toBe(
      "error: 'tier' already has a value (front), and --overwrite is false\nexit 1",
    )
    expect(await desk.sees('kubectl label configmap map tier=back x=y --overwrite')).toBe('configmap/map labeled')
    expect(await desk.sees('kubectl label configmap map x- z-')).toBe('label "z" not found.\nconfigmap/map unlabeled')
    expect(await desk.does('kubectl get configmaps -l tier=back,!x -o name')).toBe('configmap/map')
    expect(await desk.sees('kubectl label configmap map "a b=c"')).toContain('metadata.labels: Invalid value: "a b"')
    expect(await desk.sees("kubectl annotate configmap map note='two words'")).toMatch(/^configmap\/map annotated?$/)
    expect(await desk.does(value('.metadata.annotations.note'))).toBe('two words')
    expect(await desk.sees('kubectl annotate configmap map note-')).toMatch(/^configmap\/map annotated?$/)
    expect(await desk.does(value('.metadata.annotations.note'))).toBe('')
  },

  'patch in three types, and patches that cannot be': async (desk, expect) => {
    await desk.apply(SERVICE)
    const ports = value('.spec.ports[*].port', 'svc/web')
    await desk.does(`kubectl patch svc web -p '{"spec":{"ports":[{"name":"alt","port":81}]}}'`)
    expect(await desk.does(ports)).toBe('81 80')
    await desk.does(`kubectl patch svc web --type=merge -p '{"spec":{"ports":[{"name":"alt","port":82}]}}'`)
    expect(await desk.does(ports)).toBe('82')
    await desk.does(`kubectl patch svc web --type=json -p '[{"op":"replace","path":"/spec/ports/0/port","value":83}]'`)
    expect(await desk.does(ports)).toBe('83')
    expect(await desk.sees(`kubectl patch svc web --type=json -p '[{"op":"test","path":"/spec/type","value":"X"}]'`)).toBe(
      'The request is invalid: the server rejected our request due to an error in our request\nexit 1',
    )
    expect(await desk.sees(`kubectl patch svc web -p '{"spec":{"type":"X"}}'`)).toContain(
      'spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    )
    expect(await desk.sees('kubectl patch svc web -p nonsense')).toBe(
      'Error from server (BadRequest): json: cannot unmarshal string into Go value of type map[string]interface {}\nexit 1',
    )
  },

  'replace: as it was read, after somebody else, and by force': async (desk, expect) => {
    await desk.apply(map('1'))
    await desk.does('kubectl get configmap map -o yaml > map.yaml')
    await desk.does(`sed -i 's/  a: "1"/  a: "3"/' map.yaml`)
    expect(await desk.sees('kubectl replace -f map.yaml')).toBe('configmap/map replaced')
    expect(await desk.sees('kubectl replace -f map.yaml')).toContain('the object has been modified')
    const uid = await desk.does(value('.metadata.uid'))
    expect(await desk.sees('kubectl replace --force -f map.yaml')).toMatch(/^configmap "map" deleted.*\nconfigmap\/map replaced$/)
    expect(await desk.does(value('.metadata.uid'))).not.toBe(uid)
    expect(await desk.does(value('.data.a'))).toBe('3')
  },

  'delete: by selector, by file, all, what is not there, and waiting for finalizers': async (desk, expect) => {
    await desk.apply(`${map('1')}---\n${SERVICE}`)
    expect(await desk.sees('kubectl delete configmap nope')).toBe(
      'Error from server (NotFound): configmaps "nope" not found\nexit 1',
    )
    expect(await desk.sees('kubectl delete configmap nope --ignore-not-found')).toBe('')
    expect(await desk.sees('kubectl delete configmaps,services -l tier=front')).toMatch(/^configmap "map" deleted[^\n]*$/)
    expect(await desk.sees('kubectl delete -f -', SERVICE)).toMatch(/^service "web" deleted[^\n]*$/)
    await desk.apply(map('1').replace('labels:', 'finalizers: [a.example/b], labels:'))
    expect(await desk.sees('kubectl delete configmap map --timeout=1s')).toMatch(
      /timed out waiting for the condition[\s\S]*exit 1$/,
    )
    await using waiting = desk.starts('kubectl wait --for=delete configmap/map --timeout=20s')
    await desk.does(`kubectl patch configmap map --type=merge -p '{"metadata":{"finalizers":null}}'`)
    expect(await waiting.ends()).toBe(0)
    await desk.apply(`${map('1')}---\n${SERVICE}`)
    expect((await desk.sees('kubectl delete svc,cm --all')).split('\n').map((line) => line.split(' deleted')[0])).toEqual(
      expect.arrayContaining(['service "web"', 'configmap "map"']),
    )
    expect(await desk.sees('kubectl get services')).toContain('No resources found')
  },

  'kustomize: shown, applied and deleted': async (desk, expect) => {
    await desk.does('mkdir site')
    desk.file('site/map.yaml', map('1'))
    desk.file(
      'site/kustomization.yaml',
      'namePrefix: k-\nresources: [map.yaml]\nconfigMapGenerator: [{ name: made, literals: [x=y] }]\n',
    )
    expect(await desk.does('kubectl kustomize site')).toMatch(/^ {2}name: k-made-\w+$[\s\S]*^ {2}name: k-map$/m)
    expect(await desk.sees('kubectl apply -k site')).toMatch(/^configmap\/k-made-\w+ created\nconfigmap\/k-map created$/)
    expect(await desk.sees('kubectl delete -k site')).toMatch(/^configmap "k-made-\w+" deleted[^\n]*\nconfigmap "k-map" deleted/)
  },

  'apply --prune takes away what is no longer in the files': async (desk, expect) => {
    const part = (name: string): string =>
      `${map('1').replace('name: map', `name: ${name}`).replace('tier: front', 'site: a')}---\n`
    desk.file('all.yaml', part('one') + part('two'))
    await desk.does('kubectl apply -f all.yaml')
    desk.file('all.yaml', part('one'))
    const pruned = await desk.sees('kubectl apply -f all.yaml --prune -l site=a')
    expect(pruned).toContain('configmap/one unchanged\nconfigmap/two pruned')
    expect(await desk.does('kubectl get configmaps -l site=a -o name')).toBe('configmap/one')
  },

  'mistakes of the hand': async (desk, expect) => {
    expect(await desk.sees('kubectl apply -f nope.yaml')).toBe('error: the path "nope.yaml" does not exist\nexit 1')
    expect(await desk.sees('kubectl apply -n nope -f -', map('1'))).toContain('namespaces "nope" not found')
    expect(await desk.sees('kubectl apply -f -', map('1').replace('"1"', '1'))).toContain('ConfigMap.data')
    expect(await desk.sees('kubectl apply -f -', map('1').replace('ConfigMap', 'ConfigMop'))).toContain(
      'no matches for kind "ConfigMop" in version "v1"',
    )
    expect(await desk.sees('kubectl create -f -', map('1').replace('\ndata:', '\ndada:'))).toContain('unknown field "dada"')
    expect(await desk.sees('kubectl delete namespace kube-public')).toBe(
      'Error from server (Forbidden): namespaces "kube-public" is forbidden: this namespace may not be deleted\nexit 1',
    )
    expect(await desk.sees('kubectl create cronjob tick --image=nginx --schedule="61 * * * *"')).toBe(
      'error: failed to create cronjob: CronJob.batch "tick" is invalid: spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61\nexit 1',
    )
    const memory = JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'big' } },
      spec: { containers: [{ name: 'c', image: 'nginx', resources: { limits: { memory: '1K' } } }] },
    })
    expect(await desk.sees('kubectl apply -f -', memory)).toContain("unable to parse quantity's suffix")
    expect(await desk.sees('kubectl get nope/x')).toBe('error: the server doesn\'t have a resource type "nope"\nexit 1')
  },
}
