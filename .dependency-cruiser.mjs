/**
 * The layers of docs/design/layers.md, one rule an arrow. A module may import what its rule lists, itself, npm packages
 * and Node; everything else is an error. `test/layers` holds a tree that must fail, so that the rules are known to bite.
 */
const may = (layer, allowed, comment) => ({
  name: `layer-${layer.replaceAll('/', '-')}`,
  severity: 'error',
  comment,
  from: { path: `(^|/)src/${layer}/`, pathNot: layer === 'lab' ? '(^|/)src/lab/apiserver/' : undefined },
  to: { path: '(^|/)src/', pathNot: [layer, ...allowed].map((name) => `(^|/)src/${name}/`) },
})

export default {
  forbidden: [
    may('model', [], 'The vocabulary imports nothing.'),
    may('log', [], 'Logging knows no other layer.'),
    may('http', ['model', 'log'], 'HTTP carries bytes and coded errors.'),
    may('linux', ['model', 'log'], 'Linux interfaces know coded errors, no features.'),
    may('config', ['model'], 'Configuration is read into the vocabulary.'),
    may('plan', ['model'], 'Planners are pure: world in, plan out.'),
    may('explain', ['plan', 'model'], 'Explanations are made of plans and findings.'),
    may('kube', ['model', 'http', 'log'], 'Kubernetes types end here: the world that comes out is made of model types.'),
    may('engine', ['model', 'linux', 'log'], 'Engines carry what was planned and know no planner and no API.'),
    may('agent', ['kube', 'plan', 'engine', 'config', 'linux', 'http', 'log', 'model'], 'The node loop.'),
    may('controller', ['kube', 'plan', 'engine', 'config', 'linux', 'http', 'log', 'model'], 'The cluster loop.'),
    may('gateway', ['kube', 'plan', 'engine', 'config', 'linux', 'http', 'log', 'model'], 'The L7 loop.'),
    may('lab/apiserver', ['kube', 'linux', 'http', 'log', 'model'], 'The embedded API server.'),
    may('lab', ['kube', 'linux', 'http', 'log', 'model'], 'The lab is a client of the API like anyone.'),
    may(
      'cli',
      ['explain', 'kube', 'http', 'log', 'linux', 'model', 'plan', 'lab', 'config'],
      'The CLI starts the lab and asks the API.',
    ),
    may('console', ['explain', 'kube', 'http', 'log', 'model', 'plan'], 'The console shows, and changes nothing.'),
    {
      name: 'engines-apart',
      severity: 'error',
      comment: 'Each engine owns one slice of the node and never imports another.',
      from: { path: '(^|/)src/engine/([^/]+)/' },
      to: { path: '(^|/)src/engine/[^/]+/', pathNot: '(^|/)src/engine/$2/' },
    },
    {
      name: 'nobody-imports-apiserver',
      severity: 'error',
      comment: 'Everything reaches the API server by kubeconfig, so that a real one can stand in its place.',
      from: { path: '(^|/)src/', pathNot: '(^|/)src/(lab/apiserver/|main\\.ts$)|\\.test\\.ts$' },
      to: { path: '(^|/)src/lab/apiserver/' },
    },
    {
      name: 'kube-types-stay-in-kube',
      severity: 'error',
      comment: 'Kubernetes clients and types never enter model, plan, explain or engine.',
      from: { path: '(^|/)src/(model|plan|explain|engine)/' },
      to: { path: 'node_modules/@kubernetes/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'A cycle is two modules that are one, or one arrow too many.',
      from: { path: '(^|/)src/' },
      to: { circular: true },
    },
    {
      name: 'tests-are-leaves',
      severity: 'error',
      comment: 'Product code never imports tests.',
      from: { path: '(^|/)src/', pathNot: '\\.test\\.ts$' },
      to: { path: '\\.test\\.ts$|^test/|^demo/|^bench/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    moduleSystems: ['es6'],
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.mjs'],
      exportsFields: ['exports'],
      conditionNames: ['node', 'import', 'types'],
    },
  },
}
