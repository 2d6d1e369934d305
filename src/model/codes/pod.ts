import type { Code } from '../code.ts'

/** FW092x: the lab's pods, their images and their scheduling. */
export const POD_IMAGE_UNKNOWN: Code = {
  code: 'FW0920',
  name: 'POD_IMAGE_UNKNOWN',
  severity: 'error',
  title: 'The lab has no such image',
  cause: 'The lab downloads no images: a name stands for a program of this machine, and this name stands for none.',
  fix: 'Use an image that the lab has (nginx, fairway/echo), or describe the program in a JSON file in the folder of images.',
}

export const POD_IMAGE_FILE_BAD: Code = {
  code: 'FW0921',
  name: 'POD_IMAGE_FILE_BAD',
  severity: 'error',
  title: 'An image file cannot be used',
  cause: 'A JSON file that describes an image for the lab is not JSON, lacks a field or has one of the wrong type.',
  fix: 'Correct the named field; a minimal file is {"name": "web", "command": ["/usr/bin/python3", "-m", "http.server"]}.',
}

export const POD_ADDRESSES_EXHAUSTED: Code = {
  code: 'FW0922',
  name: 'POD_ADDRESSES_EXHAUSTED',
  severity: 'error',
  title: 'No pod address is free on the node',
  cause: "Every address of the node's pod range is held by a pod.",
  fix: 'Delete pods of that node, or let them run on another node.',
}

export const POD_FLAG_BAD: Code = {
  code: 'FW0923',
  name: 'POD_FLAG_BAD',
  severity: 'error',
  title: 'A flag of a lab process cannot be used',
  cause: 'A process of the lab was started with a flag that is missing, unknown or has a bad value.',
  fix: 'Start the lab with `fairway lab up`, which passes the flags itself; docs/design/lab.md lists them.',
}

export const POD_FIELD_UNSUPPORTED: Code = {
  code: 'FW0924',
  name: 'POD_FIELD_UNSUPPORTED',
  severity: 'error',
  title: 'The lab cannot do what this pod asks for',
  cause: 'The pod uses a source of environment or a field path that the lab does not provide.',
  fix: 'Take the field out, or set the value literally.',
}

export const POD_DATA_MISSING: Code = {
  code: 'FW0925',
  name: 'POD_DATA_MISSING',
  severity: 'error',
  title: 'A pod needs a ConfigMap or Secret that is not there',
  cause:
    'The environment or a volume of the pod names a ConfigMap, a Secret or a key of one that does not exist in its namespace.',
  fix: 'Create it; the pod goes on by itself within seconds. Or mark the reference as optional.',
}
