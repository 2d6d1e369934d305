import type { Code } from '../code.ts'

/** FW09xx: the lab. */
export const LAB_NAME_INVALID: Code = {
  code: 'FW0901',
  name: 'LAB_NAME_INVALID',
  severity: 'error',
  title: 'Not a name for a lab',
  cause: "A lab's name becomes part of namespace and file names, so it is short and plain, and `pod` is no word of it.",
  fix: 'Use up to 12 lower-case letters, digits and dashes that begin with a letter, for example `--name two`.',
}

export const LAB_NOT_RUNNING: Code = {
  code: 'FW0902',
  name: 'LAB_NOT_RUNNING',
  severity: 'error',
  title: 'The lab is not running',
  cause: 'The command needs a lab, and none of that name runs on this machine.',
  fix: 'Start it with `fairway lab up`.',
}

export const LAB_HOST_UNKNOWN: Code = {
  code: 'FW0903',
  name: 'LAB_HOST_UNKNOWN',
  severity: 'error',
  title: 'No such host in the lab',
  cause: 'The lab has a client, nodes and routers, and none of them has that name.',
  fix: 'Use one of the hosts that `fairway lab status` lists.',
}

export const LAB_PORT_TAKEN: Code = {
  code: 'FW0904',
  name: 'LAB_PORT_TAKEN',
  severity: 'error',
  title: 'The API port is taken',
  cause: "The lab's API server listens on one loopback port of the machine, and another process has the one that was asked for.",
  fix: 'Leave --api-port away to get a free one, or find who listens with `ss -ltnp`.',
}

export const LAB_PROCESS_FAILED: Code = {
  code: 'FW0905',
  name: 'LAB_PROCESS_FAILED',
  severity: 'error',
  title: 'A process of the lab does not start',
  cause: 'One of the processes of the lab ended, or was not ready in time, again and again.',
  fix: 'Read its log with `fairway lab logs PROCESS`.',
}

export const LAB_START_TIMEOUT: Code = {
  code: 'FW0906',
  name: 'LAB_START_TIMEOUT',
  severity: 'error',
  title: 'The lab was not ready in time',
  cause: 'Not every process and node of the lab became ready before the time was up; it goes on starting.',
  fix: 'See `fairway lab status`, and `fairway lab logs PROCESS` for what is not ready.',
}

export const LAB_PROCESS_DOWN: Code = {
  code: 'FW0907',
  name: 'LAB_PROCESS_DOWN',
  severity: 'error',
  title: 'A process of the lab is down',
  cause: 'A process of the lab ended and has not been started again yet, or the supervisor, which would do so, is gone.',
  fix: 'Read its log with `fairway lab logs PROCESS`; `fairway lab up` starts again what is gone.',
}

export const LAB_NODE_NOT_READY: Code = {
  code: 'FW0908',
  name: 'LAB_NODE_NOT_READY',
  severity: 'error',
  title: 'A node is not Ready',
  cause: 'The API server has no Ready condition of that node, so its kubelet does not run or cannot reach the API.',
  fix: "Read the kubelet's log with `fairway lab logs lab-kubelet-NODE`.",
}

export const LAB_BUSY: Code = {
  code: 'FW0909',
  name: 'LAB_BUSY',
  severity: 'error',
  title: 'The lab is being started or stopped',
  cause: 'Another `fairway lab up` or `down` works on the same lab.',
  fix: 'Wait until it ends, then run the command again.',
}

export const LAB_PROCESS_UNKNOWN: Code = {
  code: 'FW0910',
  name: 'LAB_PROCESS_UNKNOWN',
  severity: 'error',
  title: 'No such process in the lab',
  cause: '`fairway lab logs` was asked for a process that the lab does not have.',
  fix: 'Use one of the processes that `fairway lab status` lists.',
}

export const LAB_API_UNREACHABLE: Code = {
  code: 'FW0911',
  name: 'LAB_API_UNREACHABLE',
  severity: 'error',
  title: "The lab's API server does not answer",
  cause: 'The lab runs, but its API server refused the connection, or did not answer in time.',
  fix: 'Read its log with `fairway lab logs lab-apiserver`.',
}

export const LAB_NAMESPACE_FOREIGN: Code = {
  code: 'FW0912',
  name: 'LAB_NAMESPACE_FOREIGN',
  severity: 'error',
  title: 'A namespace of that name is in use',
  cause: 'A namespace that the lab would make is there already, no lab in this run directory made it, and processes run in it.',
  fix: 'Use another `--name`; or, if it is a lab with another FAIRWAY_RUN_DIR, take that one down.',
}

export const LAB_STATE_UNREADABLE: Code = {
  code: 'FW0913',
  name: 'LAB_STATE_UNREADABLE',
  severity: 'error',
  title: "The lab's state cannot be used",
  cause: "The lab's own file lab.json is damaged, or was written by another version of Fairway.",
  fix: 'Run `fairway lab down`, which needs no state to clean up, then `fairway lab up`.',
}

export const LAB_TOPOLOGY_INVALID: Code = {
  code: 'FW0914',
  name: 'LAB_TOPOLOGY_INVALID',
  severity: 'error',
  title: 'Not a topology for a lab',
  cause:
    'The file of `fairway lab up -f` has a field that is unknown, misspelt, or has a value that no lab can be laid out with.',
  fix: 'Correct the field that the message names; examples are in examples/topologies.',
}

export const LAB_TOPOLOGY_DIFFERS: Code = {
  code: 'FW0915',
  name: 'LAB_TOPOLOGY_DIFFERS',
  severity: 'error',
  title: 'The lab has another topology',
  cause: 'A lab keeps the topology that it was brought up with, and the file or `--times` that was given is another.',
  fix: 'Take the lab down with `fairway lab down`, or use another `--name`.',
}

export const LAB_NODE_STOPPED: Code = {
  code: 'FW0916',
  name: 'LAB_NODE_STOPPED',
  severity: 'error',
  title: 'The node is stopped',
  cause: 'The node was powered off with `fairway lab node stop`; nothing can run on it.',
  fix: 'Start it with `fairway lab node start NODE`.',
}

export const LAB_IMAGE_INVALID: Code = {
  code: 'FW0917',
  name: 'LAB_IMAGE_INVALID',
  severity: 'error',
  title: 'Not an image for the lab',
  cause: 'An image of the lab is a name and a program of this machine, and one of them cannot be used.',
  fix: 'Correct the option that the message names.',
}

export const LAB_DEFINITIONS_UNREADABLE: Code = {
  code: 'FW0919',
  name: 'LAB_DEFINITIONS_UNREADABLE',
  severity: 'error',
  title: 'A file of CustomResourceDefinitions cannot be applied',
  cause: '`fairway lab up` applies every file of deploy/crds to the lab, and one of them holds something else, or was refused.',
  fix: 'Correct the file that the message names; the API server says what is wrong with it.',
}

export const LAB_IMAGE_UNKNOWN: Code = {
  code: 'FW0918',
  name: 'LAB_IMAGE_UNKNOWN',
  severity: 'error',
  title: 'No such image in the lab',
  cause: '`fairway lab image remove` takes away what `fairway lab image add` added, and there is nothing of that name.',
  fix: 'Use one of the added images that `fairway lab image list` shows.',
}
