import type { Code } from '../code.ts'

/** FW095x: the API server of the lab. */
export const APISERVER_FLAG_WRONG: Code = {
  code: 'FW0950',
  name: 'APISERVER_FLAG_WRONG',
  severity: 'error',
  title: "The lab's API server was started with a wrong flag",
  cause: 'A flag is unknown, missing, or has a value that cannot be used, or a file that it names cannot be read.',
  fix: 'See the flags in docs/design/lab.md; `fairway lab up` sets all of them.',
}

export const APISERVER_ADDRESS_TAKEN: Code = {
  code: 'FW0951',
  name: 'APISERVER_ADDRESS_TAKEN',
  severity: 'error',
  title: "The API server's port is taken",
  cause: 'Another process listens on the address and port, or the address is not on this host.',
  fix: 'See who listens there with `ss -ltnp`, and stop it, or choose another port for the lab.',
}

export const APISERVER_STORE_UNUSABLE: Code = {
  code: 'FW0952',
  name: 'APISERVER_STORE_UNUSABLE',
  severity: 'error',
  title: "The API server's store cannot be used",
  cause:
    'The file under the store cannot be opened or written: the disk is full, it is read-only, or another server has it open.',
  fix: 'Make room on that file system or choose another with FAIRWAY_RUN_DIR; reads go on meanwhile, and writes work again by themselves.',
}
