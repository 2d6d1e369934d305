import type { Code } from '../code.ts'

/** FW00xx: how a command was typed. */
export const USAGE_WRONG: Code = {
  code: 'FW0001',
  name: 'USAGE_WRONG',
  severity: 'error',
  title: 'The command was not understood',
  cause: 'A command, argument or option is unknown, missing, or has a value that cannot be used.',
  fix: 'Run the command with --help to see what it takes.',
}

export const USAGE_CODE_UNKNOWN: Code = {
  code: 'FW0002',
  name: 'USAGE_CODE_UNKNOWN',
  severity: 'error',
  title: 'No such code',
  cause: '`fairway explain` was asked about a code or name that is not in the registry.',
  fix: 'Run `fairway explain` without a code to list all of them.',
}

export const USAGE_BUG: Code = {
  code: 'FW0003',
  name: 'USAGE_BUG',
  severity: 'error',
  title: 'Fairway met something that it did not expect',
  cause: 'An error came up that has no code of its own: this is a bug in Fairway, or a machine in an unusual state.',
  fix: 'Run the command again with FAIRWAY_LOG=debug, and report what it prints.',
}

export const USAGE_TIMEOUT: Code = {
  code: 'FW0004',
  name: 'USAGE_TIMEOUT',
  severity: 'error',
  title: 'It took longer than allowed',
  cause: 'The time that --timeout allows was over before the answer, or what --wait waits for, was there.',
  fix: 'Allow more time with --timeout, or look at what is slow: `kubectl get --raw /readyz` asks the API server alone.',
}

export const USAGE_FILE_INVALID: Code = {
  code: 'FW0005',
  name: 'USAGE_FILE_INVALID',
  severity: 'error',
  title: 'A file of manifests cannot be used',
  cause:
    'The file of -f is not there, is no YAML or JSON, or holds something that is no object of the API or none that the command looks at.',
  fix: 'Give a file as `kubectl apply -f` takes it, or `-` and the manifests on standard input.',
}
