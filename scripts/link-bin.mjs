// Makes `npx oracle-publisher` work in this checkout: npm links the commands of dependencies only, not a project's own.
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';

const link = 'node_modules/.bin/oracle-publisher';
chmodSync('dist/cli/main.js', 0o755);
mkdirSync('node_modules/.bin', { recursive: true });
rmSync(link, { force: true });
symlinkSync('../../dist/cli/main.js', link);
