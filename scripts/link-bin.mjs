// Makes `npx oracle-publisher` work in this checkout. The command is linked here and not named under `bin` in package.json:
// for a project's own `bin`, npx installs the project into its cache first, which takes half a minute and builds it again.
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';

const link = 'node_modules/.bin/oracle-publisher';
chmodSync('dist/cli/main.js', 0o755);
mkdirSync('node_modules/.bin', { recursive: true });
rmSync(link, { force: true });
symlinkSync('../../dist/cli/main.js', link);
