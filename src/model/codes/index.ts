/** The registry of every code. A test matches it with docs/reference/codes.md, both ways. */
import type { Code } from '../code.ts'
import * as address from './address.ts'
import * as agent from './agent.ts'
import * as apiserver from './apiserver.ts'
import * as bgp from './bgp.ts'
import * as bgpLoadBalancer from './bgp-load-balancer.ts'
import * as bgpPlan from './bgp-plan.ts'
import * as bgpReport from './bgp-report.ts'
import * as bgpReturn from './bgp-return.ts'
import * as controller from './controller.ts'
import * as datapath from './datapath.ts'
import * as floating from './floating.ts'
import * as haproxy from './haproxy.ts'
import * as ingress from './ingress.ts'
import * as kube from './kube.ts'
import * as l2 from './l2.ts'
import * as l2Plan from './l2-plan.ts'
import * as lab from './lab.ts'
import * as machine from './machine.ts'
import * as pod from './pod.ts'
import * as ports from './ports.ts'
import * as usage from './usage.ts'

export const CODES: readonly Code[] = [
  address,
  agent,
  apiserver,
  bgp,
  bgpLoadBalancer,
  bgpPlan,
  bgpReport,
  bgpReturn,
  controller,
  datapath,
  floating,
  haproxy,
  ingress,
  kube,
  l2Plan,
  l2,
  lab,
  machine,
  pod,
  ports,
  usage,
].flatMap((area) => Object.values(area))
