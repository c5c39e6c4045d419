import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { findChromium } from './chromium.ts';
import { findProgram } from './find-program.ts';

/**
 * Makes sure that the servers the tests run against (and nginx, which balances over edges, promtool, which checks
 * metrics and alerts, and Chromium, which the dashboard is tested in) are installed: found, or installed with apt-get where that is allowed (root on Debian), or
 * else named in one sentence.
 */
const needed = [
  { debianPackage: 'redis-server', isInstalled: () => findProgram('redis-server') !== undefined },
  { debianPackage: 'postgresql', isInstalled: () => findProgram('initdb', 'postgres') !== undefined },
  { debianPackage: 'nginx-light', isInstalled: () => findProgram('nginx') !== undefined },
  { debianPackage: 'prometheus', isInstalled: () => findProgram('promtool') !== undefined },
  { debianPackage: 'chromium', isInstalled: () => findChromium() !== undefined },
];

const missing = needed.filter((server) => !server.isInstalled()).map((server) => server.debianPackage);
if (missing.length > 0) install(missing);

function install(packages: readonly string[]): void {
  if (findProgram('apt-get') === undefined || process.getuid?.() !== 0) {
    fail(
      `The tests need ${packages.join(' and ')}: install them with your package manager, for example "sudo apt-get install ${packages.join(' ')}" or "brew install redis postgresql nginx prometheus" and Google Chrome or Chromium on PATH, and run npm test again.`,
    );
  }
  process.stdout.write(`Installing ${packages.join(' and ')} for the tests (apt-get)\n`);
  const options: SpawnSyncOptions = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  spawnSync('apt-get', ['update', '-qq'], options);
  const { status } = spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options);
  if (status !== 0) fail(`apt-get could not install ${packages.join(' and ')}: see its message above.`);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
