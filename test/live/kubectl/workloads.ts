/** kubectl's verbs for workloads, and `create` in all its forms. */
import type { Deeds } from './desk.ts'

const STATUS = 'kubectl rollout status deployment/web --timeout=40s'

export const WORKLOADS: Deeds = {
  'create: each kind is what was asked for': async (desk, expect) => {
    const lines: readonly (readonly [string, string, string, string])[] = [
      [
        'deployment d --image=nginx --replicas=0 --port=80',
        'deployment/d',
        '{.spec.replicas} {.spec.template.spec.containers[0].ports[0].containerPort}',
        '0 80',
      ],
      ['service clusterip c --tcp=80:8080', 'service/c', '{.spec.type} {.spec.ports[0].targetPort}', 'ClusterIP 8080'],
      ['service nodeport n --tcp=80', 'service/n', '{.spec.type} {.spec.ports[0].port}', 'NodePort 80'],
      ['service loadbalancer l --tcp=80', 'service/l', '{.spec.type} {.status}', 'LoadBalancer {"loadBalancer":{}}'],
      ['service externalname e --external-name=a.example', 'service/e', '{.spec.externalName}', 'a.example'],
      ['configmap m --from-literal=a=b', 'configmap/m', '{.data.a}', 'b'],
      ['secret generic s --from-literal=a=b', 'secret/s', '{.data.a} {.type}', 'Yg== Opaque'],
      [
        'secret docker-registry r --docker-server=x --docker-username=u --docker-password=p',
        'secret/r',
        '{.type}',
        'kubernetes.io/dockerconfigjson',
      ],
      ['serviceaccount a', 'serviceaccount/a', '{.metadata.name}', 'a'],
      [
        'ingress i --class=x --rule=a.example/p*=c:80,tls=t',
        'ingress/i',
        '{.spec.rules[0].http.paths[0].pathType} {.spec.tls[0].secretName}',
        'Prefix t',
      ],
      ['job j --image=nginx -- sleep 1', 'job/j', '{.spec.template.spec.containers[0].command}', '["sleep","1"]'],
      ["cronjob k --image=nginx --schedule='*/5 * * * *'", 'cronjob/k', '{.spec.schedule}', '*/5 * * * *'],
      ['job o --from=cronjob/k', 'job/o', '{.metadata.ownerReferences[0].kind}', 'CronJob'],
      ['pdb p --selector=app=x --max-unavailable=50%', 'pdb/p', '{.spec.maxUnavailable}', '50%'],
      ['role r --verb=get,list --resource=pods,deployments.apps', 'role/r', '{.rules[*].resources[0]}', 'pods deployments'],
      ['rolebinding r --role=r --serviceaccount=x:y', 'rolebinding/r', '{.subjects[0].namespace}', 'x'],
      ['quota q --hard=pods=3 --dry-run=client', '', '', ''],
    ]
    for (const [line, what, path, wanted] of lines) {
      expect(await desk.sees(`kubectl create ${line}`)).toMatch(/ created( \(dry run\))?$/)
      if (what !== '') expect(await desk.does(`kubectl get ${what} -o jsonpath='${path}'`)).toBe(wanted)
    }
    expect(await desk.does('kubectl create token a --duration=10m')).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(await desk.sees('kubectl create serviceaccount a')).toBe(
      'error: failed to create serviceaccount: serviceaccounts "a" already exists\nexit 1',
    )
    expect(await desk.sees('kubectl create deployment x --image=nginx --dry-run=client -o yaml')).toMatch(/^kind: Deployment$/m)
    expect(await desk.sees('kubectl create service nodeport y --tcp=80 --node-port=80')).toContain(
      'The range of valid ports is 30000-32767',
    )
  },

  'expose: a service for a deployment': async (desk, expect) => {
    await desk.does('kubectl create deployment web --image=fairway/echo --port=8080')
    expect(await desk.sees('kubectl expose deployment web --port=80 --target-port=8080 --type=NodePort --name=out')).toBe(
      'service/out exposed',
    )
    expect(
      await desk.does("kubectl get service out -o jsonpath='{.spec.type} {.spec.selector} {.spec.ports[0].targetPort}'"),
    ).toBe('NodePort {"app":"web"} 8080')
    expect(await desk.sees('kubectl expose deployment nope --port=80')).toContain('deployments.apps "nope" not found')
  },

  'rollout: status, history, undo, pause, resume, restart; set image, env, resources': async (desk, expect) => {
    await desk.does('kubectl create deployment web --image=fairway/echo --replicas=2')
    expect(await desk.sees(STATUS)).toMatch(/deployment "web" successfully rolled out$/)
    const container = (path: string): string =>
      `kubectl get deployment web -o jsonpath='{.spec.template.spec.containers[0].${path}}'`
    expect(await desk.sees('kubectl set image deployment/web echo=nginx')).toBe('deployment.apps/web image updated')
    expect(await desk.sees('kubectl set image deployment/web nope=nginx')).toBe(
      'error: unable to find container named "nope"\nexit 1',
    )
    expect(await desk.sees(STATUS)).toMatch(/successfully rolled out$/)
    expect(await desk.does(container('image'))).toBe('nginx')
    expect(await desk.does('kubectl rollout history deployment/web')).toMatch(/^1 +<none>\n2 +<none>$/m)
    expect(await desk.does('kubectl rollout history deployment/web --revision=2')).toMatch(/^ {4}Image:\s+nginx$/m)
    expect(await desk.sees('kubectl rollout undo deployment/web --to-revision=9')).toBe(
      'error: unable to find specified revision 9 in history\nexit 1',
    )
    expect(await desk.sees('kubectl rollout undo deployment/web')).toBe('deployment.apps/web rolled back')
    await desk.does(STATUS)
    expect(await desk.does(container('image'))).toBe('fairway/echo')
    expect(await desk.sees('kubectl rollout pause deployment/web')).toBe('deployment.apps/web paused')
    expect(await desk.sees('kubectl rollout pause deployment/web')).toBe(
      'error: deployments.apps "web" is already paused\nexit 1',
    )
    expect(await desk.sees('kubectl rollout restart deployment/web')).toContain("can't restart paused deployment")
    await desk.does('kubectl set env deployment/web COLOUR=green && kubectl set resources deployment/web --limits=memory=64Mi')
    expect(await desk.does('kubectl set env deployment/web --list')).toBe('# Deployment web, container echo\nCOLOUR=green')
    expect(await desk.does('kubectl get rs -l app=web --no-headers | wc -l')).toBe('2')
    expect(await desk.sees('kubectl rollout resume deployment/web')).toBe('deployment.apps/web resumed')
    await desk.does(STATUS)
    expect(await desk.does('kubectl get rs -l app=web --no-headers | wc -l')).toBe('3')
    expect(await desk.does(container('resources.limits.memory'))).toBe('64Mi')
    const pods = "kubectl get pods -l app=web --sort-by=.metadata.name -o jsonpath='{.items[*].metadata.name}'"
    const before = await desk.does(pods)
    expect(await desk.sees('kubectl rollout restart deployment/web')).toBe('deployment.apps/web restarted')
    await desk.does(STATUS)
    expect(await desk.does(pods)).not.toBe(before)
    expect(await desk.sees('kubectl rollout status deployment/nope')).toContain('deployments.apps "nope" not found')
  },

  'scale: a number, only from another number, all; a pod of a ReplicaSet comes again': async (desk, expect) => {
    await desk.does('kubectl create deployment web --image=fairway/echo')
    expect(await desk.sees('kubectl scale deployment web --replicas=3')).toBe('deployment.apps/web scaled')
    await desk.does(STATUS)
    expect(await desk.does('kubectl get deployment web --no-headers')).toMatch(/^web +3\/3 +3 +3 /)
    expect(await desk.sees('kubectl scale deployment web --replicas=1 --current-replicas=9')).toBe(
      'error: Expected replicas to be 9, was 3\nexit 1',
    )
    const one = await desk.does("kubectl get pods -l app=web -o jsonpath='{.items[0].metadata.name}'")
    expect(await desk.sees(`kubectl delete pod ${one} --grace-period=0 --force`)).toMatch(/force deleted/)
    await desk.does(STATUS)
    expect(await desk.does('kubectl get pods -l app=web -o name | wc -l')).toBe('3')
    expect(await desk.sees('kubectl scale deployment --all --replicas=0')).toBe('deployment.apps/web scaled')
    await desk.does('kubectl wait pods -l app=web --for=delete --timeout=40s')
    expect(await desk.does("kubectl get deployment web -o jsonpath='{.status.replicas}'")).toBe('')
    await desk.does('kubectl delete deployment web --cascade=foreground --timeout=20s')
    expect(await desk.does('kubectl get all -l app=web -o name')).toBe('')
  },

  autoscale: async (desk, expect) => {
    await desk.does('kubectl create deployment web --image=fairway/echo --replicas=0')
    expect(await desk.sees('kubectl autoscale deployment web --min=1 --max=3')).toBe(
      'horizontalpodautoscaler.autoscaling/web autoscaled',
    )
    expect(
      await desk.does("kubectl get hpa web -o jsonpath='{.spec.scaleTargetRef.name} {.spec.minReplicas} {.spec.maxReplicas}'"),
    ).toBe('web 1 3')
  },
}
