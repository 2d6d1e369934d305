/** `fairway convert`: manifests of clusters that were. What it needs is imported when it runs. */
import type { Command } from 'commander'
import { collected, failOn } from './options.ts'

export function addConvert(program: Command): void {
  program
    .command('convert')
    .description(
      'Ingresses of extensions/v1beta1 and networking.k8s.io/v1beta1 as networking.k8s.io/v1, and what of them is not served',
    )
    .requiredOption('-f, --filename <file>', 'manifests as kubectl takes them, - for standard input', collected)
    .addOption(failOn())
    .action(async (options) => (await import('./commands/convert.ts')).convert(options))
}
