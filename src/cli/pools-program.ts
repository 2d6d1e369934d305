/** `fairway pools`: the command about addresses for Services. What it needs is imported when it runs. */
import type { Command } from 'commander'
import { clusterOptions, collected } from './options.ts'

export function addPools(program: Command): void {
  clusterOptions(
    program
      .command('pools')
      .description('pools of addresses for Services: how full they are, who announces them, and what other pools would change')
      .option('--dry-run', 'say what the pools of -f would change; nothing is written')
      .option('-f, --filename <file>', 'with --dry-run: IPAddressPools as kubectl takes them, - for standard input', collected)
      .option('--load-balancer-class <class>', 'the class that the controller serves (default: Services without one)', ''),
  ).action(async (options) => (await import('./commands/pools.ts')).poolsCommand(options))
}
