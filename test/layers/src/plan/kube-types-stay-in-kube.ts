import type { V1Pod } from '@kubernetes/client-node'

export type Broken = V1Pod
