/** `fairway lab ...`: the commands about the lab. What a command needs is imported when it runs. */
import type { Command } from 'commander'
import { FairwayError } from '../model/code.ts'
import { USAGE_WRONG } from '../model/codes/usage.ts'
import { collected, features, labName, output, portNumber, positiveNumber, times, wholeNumber } from './options.ts'

export function addLab(program: Command): void {
  const lab = program
    .command('lab')
    .description('a whole cluster on this machine, in network namespaces')
    .enablePositionalOptions()
  lab
    .command('up')
    .description('bring the lab up, or make it whole again')
    .addOption(labName())
    .option('--api-port <port>', 'loopback port of the API server (default: any free one)', portNumber)
    .option('-f, --file <topology>', 'a YAML file with nodes, addresses and ranges (default: three nodes, dual-stack)')
    .addOption(times())
    .addOption(features())
    .option('--timeout <seconds>', 'how long to wait for the nodes', positiveNumber, 60)
    .addOption(output())
    .action(async (options) => (await import('./commands/lab-up.ts')).labUp(options))
  lab
    .command('down')
    .description('take the lab down and leave nothing behind')
    .addOption(labName())
    .option('--all', 'every lab of this machine')
    .action(async (options, command: Command) => {
      // A name in the environment is only a default; one that was typed contradicts --all.
      if (options.all && command.getOptionValueSource('name') === 'cli')
        throw new FairwayError(USAGE_WRONG, '--all and --name contradict each other.', { fix: 'Leave one of them away.' })
      await (await import('./commands/lab-down.ts')).labDown(options)
    })
  lab
    .command('status')
    .description('hosts, processes and nodes of the lab, and what is wrong with them')
    .addOption(labName())
    .addOption(output())
    .action(async (options) => (await import('./commands/lab-status.ts')).labStatusCommand(options))
  lab
    .command('shell')
    .description('a shell on a host of the lab; kubectl and curl work there')
    .argument('[host]', 'client, a node or a router', 'client')
    .addOption(labName())
    .action(async (host, options) => (await import('./commands/lab-enter.ts')).labShell(host, options))
  lab
    .command('exec')
    .description('run a command on a host of the lab')
    .usage('[options] <host> -- <command...>')
    .argument('<host>', 'client, a node or a router')
    .argument('<command...>', 'the command and its arguments, after --')
    .addOption(labName())
    .passThroughOptions()
    .action(async (host, command, options) => (await import('./commands/lab-enter.ts')).labExec(host, command, options))
  lab
    .command('logs')
    .description("the processes' logs")
    .argument('[process]', 'one that `lab status` lists (default: all)')
    .addOption(labName())
    .option('-f, --follow', 'go on with what is logged from now')
    .option('--tail <lines>', 'how many lines of each', wholeNumber, 100)
    .addOption(output())
    .action(async (process, options) => (await import('./commands/lab-logs.ts')).labLogs(process, options))
  addFaults(lab)
  addImages(lab)
}

function addFaults(lab: Command): void {
  const node = lab.command('node').description('take power or the wire from a node, and give it back').enablePositionalOptions()
  const verbs = {
    stop: 'power it off: its pods and processes are gone at once, without a word',
    start: 'boot it again, and wait until it is Ready',
    cut: 'pull its cable; what runs on it goes on',
    heal: 'put the cable back',
  } as const
  for (const [verb, text] of Object.entries(verbs) as [keyof typeof verbs, string][]) {
    const command = node.command(verb).description(text).argument('<node>', 'one that `lab status` lists').addOption(labName())
    if (verb === 'start') command.option('--timeout <seconds>', 'how long to wait for it', positiveNumber, 60)
    command.action(async (name, options) => (await import('./commands/lab-fault.ts')).labNode(verb, name, options))
  }
  const link = lab.command('link').description('cut and heal the wires between hosts').enablePositionalOptions()
  for (const verb of ['cut', 'heal'] as const) {
    link
      .command(verb)
      .description(verb === 'cut' ? 'cut the wire of a host, or what goes between two' : 'end that')
      .argument('<host>', 'client, a node or a router')
      .argument('[peer]', 'another host: only what goes between the two, without a word')
      .addOption(labName())
      .action(async (host, peer, options) => (await import('./commands/lab-fault.ts')).labLink(verb, { host, peer }, options))
  }
}

function addImages(lab: Command): void {
  const image = lab.command('image').description('programs of this machine as images for pods').enablePositionalOptions()
  image
    .command('add')
    .description('make an image of a program; pods that wait for it find it at their next try')
    .argument('<image>', 'its name, as pods have it')
    .requiredOption('--command <program>', 'the program: a path, or a name on the PATH')
    .option('--arg <argument>', 'one argument; repeat it for more (--arg=-x for dashes)', collected)
    .option('--env <key=value>', 'one variable; repeat it for more', collected)
    .option('--dir <folder>', 'a folder of this machine that it sees (read-only) and starts in')
    .addOption(labName())
    .action(async (name, options) => (await import('./commands/lab-image.ts')).labImageAdd(name, options))
  image
    .command('list')
    .description('the images that there are')
    .addOption(labName())
    .addOption(output())
    .action(async (options) => (await import('./commands/lab-image.ts')).labImageList(options))
  image
    .command('remove')
    .description('take away an image that was added; what runs goes on')
    .argument('<image>', 'its name')
    .addOption(labName())
    .action(async (name, options) => (await import('./commands/lab-image.ts')).labImageRemove(name, options))
}
