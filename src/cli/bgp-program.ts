/** `fairway bgp ...`: the commands about BGP. What a command needs is imported when it runs. */
import type { Command } from 'commander'
import { clusterOptions } from './options.ts'

export function addBgp(program: Command): void {
  const bgp = program.command('bgp').description('what nodes say to their routers, and hear from them').enablePositionalOptions()
  clusterOptions(
    bgp
      .command('peers')
      .description('the sessions of every node with its BGP peers, and why one is not established')
      .argument('[bgppeer]', 'the name of a BGPPeer (default: all)'),
  ).action(async (peer, options) => (await import('./commands/bgp-peers.ts')).bgpPeersCommand(peer, options))
  clusterOptions(
    bgp
      .command('routes')
      .description('the prefixes that nodes announce, what for, and how many sessions hear of them')
      .argument('[what]', 'an address, a prefix, NAMESPACE/POD or NAMESPACE/SERVICE: who announces it? (default: all)')
      .option('--load-balancer-class <class>', 'the class that the agents announce (default: Services without one)', ''),
  ).action(async (what, options) => (await import('./commands/bgp-routes.ts')).bgpRoutesCommand(what, options))
}
