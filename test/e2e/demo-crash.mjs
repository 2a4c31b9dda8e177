/** A daemon that deploys like the real one and then dies: the demo must say so, with its last words. */
const [command] = process.argv.slice(2);
if (command === 'run') {
  console.log('{"level":"info","event":"started"}');
  console.error('the sky has fallen');
  process.exit(3);
}
await import('../../dist/cli/main.js');
