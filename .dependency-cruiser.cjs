// The import arrows of the design: stages stand side by side, `publisher` joins them, `common`, `config` and
// `telemetry` lie below, `server` and `cli` above.
const stages = ['prices', 'reports', 'rounds', 'chain', 'replicas'];
const forbid = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: `^src/(${from})/` },
  to: { path: `^src/(${to})/` },
});

module.exports = {
  forbidden: [
    ...stages.map((stage) =>
      forbid(
        `${stage}-stands-alone`,
        stage,
        [...stages.filter((other) => other !== stage), 'publisher', 'server', 'cli'].join('|'),
        'stages share small types from src/common and are joined by src/publisher',
      ),
    ),
    forbid('common-is-lowest', 'common', ['config', 'telemetry', ...stages, 'publisher', 'server', 'cli'].join('|')),
    forbid('config-lies-low', 'config', ['telemetry', ...stages, 'publisher', 'server', 'cli'].join('|')),
    forbid('telemetry-lies-low', 'telemetry', ['config', ...stages, 'publisher', 'server', 'cli'].join('|')),
    forbid('publisher-below-server', 'publisher', 'server|cli'),
    forbid('server-below-cli', 'server', 'cli'),
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'src-stands-alone',
      severity: 'error',
      comment: 'the demo, the scripts and the tests drive src from outside',
      from: { path: '^src/' },
      to: { path: '^(demo|scripts|test|contracts)/' },
    },
  ],
  options: { doNotFollow: { path: 'node_modules' }, tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' } },
};
