/** kubectl's verbs for nodes: one at a time, as they move everybody's pods. */
import type { Deeds } from './desk.ts'

export const NODES: Deeds = {
  'drain: refuses, is held up by a budget, evicts; uncordon': async (desk, expect) => {
    await desk.does(
      'kubectl create deployment web --image=fairway/echo --replicas=2 && kubectl rollout status deployment/web --timeout=40s',
    )
    await desk.does('kubectl create pdb web --selector=app=web --min-available=2')
    const daemons = { matchLabels: { app: 'each' } }
    const containers = [{ name: 'echo', image: 'fairway/echo' }]
    const template = { metadata: { labels: { app: 'each' } }, spec: { terminationGracePeriodSeconds: 0, containers } }
    const each = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'each' }, spec: { selector: daemons, template } }
    await desk.apply(JSON.stringify(each))
    await desk.does('kubectl rollout status daemonset/each --timeout=40s')
    const node = await desk.does("kubectl get pods -l app=web -o jsonpath='{.items[0].spec.nodeName}'")
    await desk.does(`kubectl run lone --image=fairway/echo --overrides='{"spec":{"nodeName":"${node}"}}'`)
    try {
      const refused = await desk.sees(`kubectl drain ${node} --timeout=10s`)
      expect(refused).toContain(`node/${node} cordoned`)
      expect(refused).toContain(
        `cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): ${desk.namespace}/each-`,
      )
      expect(refused).toContain(`${desk.namespace}/lone`)
      expect(await desk.does(`kubectl get node ${node} --no-headers`)).toMatch(/ Ready,SchedulingDisabled /)
      const drain = `kubectl drain ${node} --ignore-daemonsets --force --grace-period=0`
      const held = await desk.sees(`${drain} --timeout=3s`)
      expect(held).toContain("Cannot evict pod as it would violate the pod's disruption budget.")
      expect(held).toContain('global timeout reached: 3s')
      await desk.does('kubectl delete pdb web')
      const drained = await desk.sees(`${drain} --timeout=40s`)
      expect(drained).toMatch(/pod\/web-\S+ evicted\nnode\/\S+ drained$/m)
      await desk.does('kubectl rollout status deployment/web --timeout=40s')
      expect(await desk.does("kubectl get pods -l app=web -o jsonpath='{.items[*].spec.nodeName}'")).not.toContain(node)
      expect(await desk.does(`kubectl get pods -l app=each --field-selector spec.nodeName=${node} -o name`)).toContain('each-')
    } finally {
      expect(await desk.sees(`kubectl uncordon ${node}`)).toBe(`node/${node} uncordoned`)
    }
    expect(await desk.sees(`kubectl uncordon ${node}`)).toBe(`node/${node} already uncordoned`)
    expect(await desk.sees('kubectl drain nope')).toContain('nodes "nope" not found')
  },

  'cordon and taint keep new pods away; NoExecute sends the others off': async (desk, expect) => {
    const pod = (name: string): string =>
      `kubectl run ${name} --image=fairway/echo --overrides='{"spec":{"nodeSelector":{"kubernetes.io/hostname":"optiplex-1"},"terminationGracePeriodSeconds":0}}'`
    try {
      expect(await desk.sees('kubectl cordon optiplex-1')).toBe('node/optiplex-1 cordoned')
      await desk.does(pod('a'))
      await desk.does(
        `kubectl wait pod/a --for=jsonpath='{.status.conditions[?(@.type=="PodScheduled")].reason}'=Unschedulable --timeout=20s`,
      )
      expect(await desk.does('kubectl events --for pod/a --types=Warning')).toContain('1 node(s) were unschedulable')
      await desk.does('kubectl uncordon optiplex-1 && kubectl wait pod/a --for=condition=Ready --timeout=30s')
      expect(await desk.sees('kubectl taint node optiplex-1 k=v:NoExecute')).toBe('node/optiplex-1 tainted')
      await desk.does('kubectl wait pod/a --for=delete --timeout=30s')
      expect(await desk.sees('kubectl taint node optiplex-1 k=w:NoExecute')).toContain('already has')
      expect(await desk.sees('kubectl taint node optiplex-1 k=w:NoExecute --overwrite')).toBe('node/optiplex-1 modified')
      expect(await desk.sees('kubectl taint node optiplex-1 k=w:Nope')).toContain('invalid taint effect: Nope')
      expect(await desk.sees('kubectl taint node optiplex-1 k-')).toBe('node/optiplex-1 untainted')
      expect(await desk.sees('kubectl taint node optiplex-1 k-')).toContain('taint "k" not found')
    } finally {
      await desk.types('kubectl uncordon optiplex-1; kubectl taint node optiplex-1 k-')
    }
    expect(await desk.does("kubectl get node optiplex-1 -o jsonpath='{.spec}'")).not.toMatch(/taints|unschedulable/)
    expect(await desk.sees('kubectl label node optiplex-1 rack=r1')).toBe('node/optiplex-1 labeled')
    expect(await desk.does('kubectl get nodes -l rack=r1 -o name')).toBe('node/optiplex-1')
    await desk.does('kubectl label node optiplex-1 rack-')
  },
}
