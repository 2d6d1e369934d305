/** kubectl's verbs that reach into pods. */
import type { Deeds } from './desk.ts'

const ECHO = `apiVersion: v1
kind: Pod
metadata: { name: echo, labels: { app: echo } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: echo
    image: fairway/echo
    ports: [{ name: http, containerPort: 8080 }]
    readinessProbe: { httpGet: { port: http }, periodSeconds: 1 }
  - { name: side, image: nginx, command: [sh, -c, 'echo side says; exec sleep 1000'] }
---
apiVersion: v1
kind: Service
metadata: { name: echo }
spec:
  selector: { app: echo }
  ports: [{ port: 80, targetPort: http }]
`
const READY = 'kubectl wait pod/echo --for=condition=Ready --timeout=30s'

/** As many fields of a pod as kubectl sends in protobuf. */
const WHOLE = `apiVersion: v1
kind: Pod
metadata: { name: whole, labels: { a: b } }
spec:
  nodeName: optiplex-1
  terminationGracePeriodSeconds: 1
  hostAliases: [{ ip: 10.1.1.1, hostnames: [x.y] }]
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: kubernetes.io/os, operator: In, values: [linux] }] }] }
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, preference: { matchFields: [{ key: metadata.name, operator: In, values: [optiplex-1] }] } }]
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 7, podAffinityTerm: { topologyKey: kubernetes.io/hostname, labelSelector: { matchLabels: { q: r } } } }]
  dnsConfig: { nameservers: [10.1.1.2], options: [{ name: ndots, value: "2" }] }
  topologySpreadConstraints: [{ maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { a: b } } }]
  securityContext: { runAsUser: 0, sysctls: [{ name: net.ipv4.ip_local_port_range, value: "1024 65535" }] }
  initContainers: [{ name: init, image: nginx, command: [sh, -c, "true"] }]
  containers:
  - name: main
    image: fairway/echo
    securityContext: { privileged: false, capabilities: { add: [NET_ADMIN], drop: [MKNOD] }, readOnlyRootFilesystem: true }
    resources: { limits: { cpu: 100m, memory: 64Mi }, requests: { cpu: 10m } }
    env: [{ name: A, value: b }, { name: P, valueFrom: { fieldRef: { fieldPath: metadata.name } } }, { name: K, valueFrom: { configMapKeyRef: { name: none, key: a, optional: true } } }]
    envFrom: [{ prefix: X_, secretRef: { name: none, optional: true } }]
    lifecycle: { preStop: { sleep: { seconds: 1 } }, postStart: { exec: { command: ["true"] } } }
    readinessProbe: { httpGet: { path: /, port: 8080, httpHeaders: [{ name: a, value: b }] }, periodSeconds: 1 }
    livenessProbe: { tcpSocket: { port: 8080 }, initialDelaySeconds: 3 }
    volumeMounts: [{ name: empty, mountPath: /e }, { name: map, mountPath: /m, readOnly: true }, { name: all, mountPath: /a, subPath: "n" }]
  volumes:
  - { name: empty, emptyDir: { medium: Memory, sizeLimit: 1Mi } }
  - { name: map, configMap: { name: none, optional: true, items: [{ key: a, path: q, mode: 0400 }], defaultMode: 0640 } }
  - { name: secret, secret: { secretName: none, optional: true } }
  - { name: down, downwardAPI: { items: [{ path: labels, fieldRef: { fieldPath: metadata.labels } }] } }
  - { name: usr, hostPath: { path: /usr, type: Directory } }
  - name: all
    projected:
      sources:
      - { configMap: { name: none, optional: true } }
      - { secret: { name: none, optional: true, items: [{ key: a, path: z }] } }
      - { downwardAPI: { items: [{ path: "n", fieldRef: { fieldPath: metadata.name } }] } }
      - { serviceAccountToken: { path: token, expirationSeconds: 3600, audience: q } }
`

export const PODS: Deeds = {
  'logs: one container, all of them, tail, since, prefix, follow, previous': async (desk, expect) => {
    await desk.apply(ECHO)
    await desk.does(READY)
    expect(await desk.sees('kubectl logs echo -c echo')).toContain('listening: http 8080')
    expect(await desk.does('kubectl logs echo 2>/dev/null')).toContain('listening: http 8080')
    expect(await desk.does('kubectl logs echo --all-containers --prefix')).toMatch(/^\[pod\/echo\/side\] side says$/m)
    expect(await desk.does('kubectl logs -l app=echo -c side --tail=1')).toBe('side says')
    expect(await desk.does('kubectl logs echo -c side --since-time=2100-01-01T00:00:00Z')).toBe('')
    expect(await desk.does('kubectl logs echo -c side --timestamps')).toMatch(/^\d{4}-\d\d-\d\dT\S+Z side says$/)
    expect(await desk.sees('kubectl logs echo -c nope')).toContain('container nope is not valid for pod echo')
    expect(await desk.sees('kubectl logs nope')).toContain('pods "nope" not found')
    expect(await desk.sees('kubectl logs echo -c side --previous')).toContain(
      'previous terminated container "side" in pod "echo" not found',
    )
    await desk.does(
      "kubectl run again --image=nginx -- sh -c 'n=$(date +%N); echo first $n; while [ ! -e /tmp/end ]; do sleep 0.05; done; echo last; exit 3'",
    )
    await desk.does('kubectl wait pod/again --for=condition=Ready --timeout=30s')
    await using following = desk.starts('kubectl logs -f again')
    const first = await following.says(/^first /)
    // the container may be over before the command that ends it
    await desk.sees('kubectl exec again -- touch /tmp/end')
    await following.says(/^last$/)
    expect(await following.ends()).toBe(0)
    await desk.does("kubectl wait pod/again --for=jsonpath='{.status.containerStatuses[0].restartCount}'=1 --timeout=30s")
    expect(await desk.does('kubectl logs again --previous')).toBe(`${first}\nlast`)
  },

  'exec: output, exit code, input, a container, a deployment, and what cannot be': async (desk, expect) => {
    await desk.apply(ECHO)
    await desk.does(READY)
    expect(await desk.sees("kubectl exec echo -c side -- sh -c 'echo out; echo err >&2; exit 7'")).toBe(
      'out\nerr\ncommand terminated with exit code 7\nexit 7',
    )
    expect(await desk.does('echo hello | kubectl exec -i echo -c side -- tr a-z A-Z')).toBe('HELLO')
    expect(await desk.does('kubectl exec svc/echo -c side -- hostname')).toBe('echo')
    expect(await desk.sees('kubectl exec echo -c nope -- true')).toContain('container nope is not valid for pod echo')
    expect(await desk.sees('kubectl exec echo -c side -- nonsense')).toContain('executable file not found in $PATH')
    expect(await desk.sees('kubectl exec echo')).toMatch(/you must specify at least one command for the container[\s\S]*exit 1$/)
  },

  'a pod asks the API server with the token, the authority and the address that it was given': async (desk, expect) => {
    const pod = (name: string, spec: object): string =>
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
        spec: { terminationGracePeriodSeconds: 0, containers: [{ name, image: 'fairway/echo' }], ...spec },
      })
    await desk.does('kubectl create serviceaccount robot')
    await desk.apply(pod('asker', { serviceAccountName: 'robot' }))
    await desk.apply(pod('silent', { automountServiceAccountToken: false, enableServiceLinks: false }))
    await desk.does('kubectl wait pod --all --for=condition=Ready --timeout=30s')
    const ask = [
      'cd /var/run/secrets/kubernetes.io/serviceaccount',
      'curl -sS --max-time 5 --cacert ca.crt -H "Authorization: Bearer $(cat token)" -o /tmp/answer -w "%{http_code}"' +
        ' https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/namespaces/$(cat namespace)/pods/asker',
    ].join(' && ')
    expect(await desk.sees(`kubectl exec asker -- sh -c '${ask}'`)).toBe('200')
    const address = await desk.does("kubectl get pod asker -o jsonpath='{.status.podIP}'")
    expect(await desk.does("kubectl exec asker -- sh -c 'getent ahostsv4 $(cat /etc/hostname)'")).toContain(address)
    const token = await desk.does('kubectl exec asker -- cat /var/run/secrets/kubernetes.io/serviceaccount/token')
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims).toMatchObject({ sub: `system:serviceaccount:${desk.namespace}:robot` })
    expect(await desk.sees('kubectl exec silent -- ls /var/run/secrets')).toContain('No such file or directory')
    expect(await desk.sees(`kubectl get pod silent -o jsonpath='{.spec.volumes}{.spec.containers[0].volumeMounts}'`)).toBe('')
    desk.file('nobody.json', pod('nobodys', { serviceAccountName: 'nobody' }))
    expect(await desk.sees('kubectl apply -f nobody.json')).toBe(
      `Error from server (Forbidden): error when creating "nobody.json": pods "nobodys" is forbidden: error looking up service account ${desk.namespace}/nobody: serviceaccount "nobody" not found\nexit 1`,
    )
  },

  'cp: a file and a folder, both ways, and what is not there': async (desk, expect) => {
    await desk.apply(ECHO)
    await desk.does(READY)
    await desk.does('mkdir -p there/deep && echo one > there/a && echo two > there/deep/b && head -c 300000 /dev/urandom > big')
    await desk.does('kubectl cp there echo:/tmp/there -c side && kubectl cp big echo:/tmp/big -c side')
    expect(await desk.does("kubectl exec echo -c side -- sh -c 'cat /tmp/there/a /tmp/there/deep/b'")).toBe('one\ntwo')
    await desk.does('kubectl cp echo:/tmp/there back -c side && kubectl cp echo:/tmp/big back-big -c side')
    expect(await desk.sees('diff -r there back && cmp big back-big && echo the same')).toBe('the same')
    // kubectl ends at the end of tar's empty archive, which at times is before it shows what tar says
    await expect.poll(() => desk.sees('kubectl cp echo:/nope x -c side')).toContain('No such file or directory')
    expect(await desk.sees('kubectl cp nope echo:/tmp/x -c side')).toContain('exit 1')
  },

  'port-forward: to a pod, to a service by name and port, and what cannot be': async (desk, expect) => {
    await desk.apply(ECHO)
    await desk.does(READY)
    for (const [target, port] of [
      ['pod/echo', '8080'],
      ['svc/echo', '80'],
    ]) {
      await using forward = desk.starts(`kubectl port-forward ${target} :${port}`)
      const [, local] = /127\.0\.0\.1:(\d+) ->/.exec(await forward.says(/127\.0\.0\.1:/)) ?? []
      const answer = await fetch(`http://127.0.0.1:${local}/`)
      expect(await answer.json()).toMatchObject({ local: { address: '127.0.0.1', port: 8080 } })
    }
    expect(await desk.sees('kubectl port-forward svc/echo :81')).toContain('does not have a service port 81')
    expect(await desk.sees('kubectl port-forward pod/nope :80')).toContain('pods "nope" not found')
  },

  'run: to its end, with its exit code, with a service, and removed afterwards': async (desk, expect) => {
    await desk.does("kubectl run once --image=nginx --restart=Never -- sh -c 'echo done; exit 0'")
    await desk.does("kubectl wait pod/once --for=jsonpath='{.status.phase}'=Succeeded --timeout=30s")
    expect(await desk.does('kubectl logs once')).toBe('done')
    expect(await desk.does('kubectl get pod once --no-headers')).toMatch(/^once +0\/1 +Completed +0 /)
    expect(await desk.sees('kubectl run web --image=nginx --port=80 --expose --env=A=b --labels=x=y')).toBe(
      'service/web created\npod/web created',
    )
    expect(await desk.does("kubectl get service web -o jsonpath='{.spec.selector} {.spec.ports[0].port}'")).toBe('{"x":"y"} 80')
    const gone = await desk.sees("kubectl run gone --rm -i --image=nginx --restart=Never -- sh -c 'echo here; exit 3'")
    expect(gone).toContain('here')
    expect(gone).toMatch(/pod "gone" deleted/)
    expect(gone).toMatch(/exit 3$/)
    const asks =
      "kubectl run asks --stdin --attach=false --image=nginx --restart=Never -- sh -c 'echo early; read -r name; echo $name'"
    await desk.does(`${asks} && kubectl wait pod/asks --for=condition=Ready --timeout=20s`)
    expect(await desk.does('kubectl logs asks')).toBe('early')
    const talk = await desk.sees('kubectl attach -i asks', 'late\n')
    expect(talk).toMatch(/early\nlate/)
    expect(await desk.sees('kubectl run UPPER --image=nginx')).toContain('metadata.name: Invalid value: "UPPER"')
  },

  'debug: a copy of a pod is that pod, a pod on a node sees the node; into a pod is refused': async (desk, expect) => {
    await desk.apply(WHOLE)
    await desk.does(
      'kubectl debug whole --copy-to=copy --container=main --image=nginx --keep-labels --profile=general -- sleep 5',
    )
    const specOf = async (name: string) => JSON.parse(await desk.does(`kubectl get pod ${name} -o json`)).spec
    const [whole, copy] = [await specOf('whole'), await specOf('copy')]
    const { livenessProbe: _liveOfWhole, readinessProbe: _readyOfWhole, ...main } = whole.containers[0]
    const { livenessProbe: _live, readinessProbe: _ready, securityContext, ...rest } = copy.containers[0]
    expect(rest).toEqual({ ...main, securityContext: undefined, image: 'nginx', command: ['sleep', '5'] })
    expect(securityContext).toMatchObject({ privileged: false, readOnlyRootFilesystem: true })
    expect(securityContext.capabilities.add).toContain('NET_ADMIN')
    const { containers: _copied, initContainers: _init, nodeName: _node, shareProcessNamespace, ...spec } = copy
    expect(shareProcessNamespace).toBe(true)
    expect(whole).toMatchObject(spec)
    await desk.does('kubectl debug node/optiplex-2 --image=nginx --profile=general -- hostname')
    const debugger_ = "kubectl get pods -o jsonpath='{.items[?(@.spec.hostPID==true)]"
    expect(
      await desk.does(
        `${debugger_}.spec.nodeName} ${debugger_.slice("kubectl get pods -o jsonpath='".length)}.spec.volumes[0].hostPath.path}'`,
      ),
    ).toBe('optiplex-2 /')
    expect(await desk.sees('kubectl debug whole --image=nginx --profile=general -- true')).toContain(
      'ephemeral containers are disabled for this cluster',
    )
  },
}
