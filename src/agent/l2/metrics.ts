/** What is counted of announcements on L2. */
import { Gauge, type Metric } from '../../http/metrics.ts'

export class L2Metrics {
  readonly all: readonly Metric[]

  constructor(read: { readonly announced: () => number; readonly alive: () => number }) {
    this.all = [
      new Gauge('fairway_l2_announced_addresses', 'Addresses that this node announces by ARP and NDP.', read.announced),
      new Gauge(
        'fairway_l2_alive_nodes',
        'Nodes that can announce addresses, as this node sees it; itself among them.',
        read.alive,
      ),
    ]
  }
}
