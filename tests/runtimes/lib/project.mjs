// A project that has installed the package, as its users do.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { output } from './process.mjs';
import { here, target } from './tools.mjs';

/** Installs the tarball into a fresh folder, with the tests beside it. Returns the folder. */
export async function install(tarball, folder = join(target, 'project')) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'];
  // It has no dependencies: nothing is to be fetched.
  await output('npm', ['install', '--offline', ...quiet, resolve(tarball)], { cwd: folder, seconds: 60 });
  for (const part of ['suite', 'sockets', 'programs']) cpSync(join(here, part), join(folder, part), { recursive: true });
  return folder;
}
