// Preloaded into a daemon (node --require) by a drill: from SIGUSR2 on, no timer that is set fires any more. The process
// still answers HTTP, while whatever waits for time hangs: what a stalled loop looks like from outside.
const { setTimeout: real } = globalThis;
let stopped = false;
globalThis.setTimeout = Object.assign(
  (work, ms, ...rest) => real(stopped ? () => {} : work, ms, ...rest),
  real,
);
process.on('SIGUSR2', () => {
  stopped = true;
});
