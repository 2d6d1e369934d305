import { other } from './no-cycles-other.ts'

export const broken = () => other
