/** Imports point downwards: commands -> instance -> the rest; the pure parts import nothing that does I/O (../shared/design.md, 3). */
const io =
  '^(node:)?(fs|fs/promises|net|http|https|child_process|ffi|dgram|tls|worker_threads)$|node_modules/(pg|pino|execa)/';
export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'nobody-imports-commands',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/commands/' },
      to: { path: '^src/commands/' },
    },
    {
      name: 'only-commands-import-instance',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(commands|instance)/' },
      to: { path: '^src/instance/' },
    },
    {
      name: 'leaves-do-not-import-each-other',
      comment: 'logs, server, process, kubernetes stand beside each other; instance joins them',
      severity: 'error',
      from: { path: '^src/(logs|server|process|kubernetes)/' },
      to: { path: '^src/(logs|server|process|kubernetes|cluster|postgres)/', pathNot: '^src/$1/' },
    },
    {
      name: 'alignment-is-pure',
      severity: 'error',
      from: { path: '^src/(alignment|errors)/' },
      to: {
        path: `${io}|^src/(postgres/io|commands|instance|logs|server|process|kubernetes)/|^src/cluster/(file-|shared-|passfile|yaml-)`,
      },
    },
    {
      name: 'pure-half-of-postgres',
      comment: 'a file of src/postgres that does I/O lives in src/postgres/io',
      severity: 'error',
      from: { path: '^src/postgres/', pathNot: '^src/postgres/io/' },
      to: { path: `${io}|^src/(postgres/io|commands|instance|logs|server|process|kubernetes)/` },
    },
    {
      name: 'nothing-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(node:)?ffi$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node'] },
  },
};
