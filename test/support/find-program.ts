import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where package managers put servers that are not on PATH. */
const extraFolders: Readonly<Record<string, readonly string[]>> = {
  nginx: ['/usr/sbin', '/usr/local/sbin'], // not on the PATH of those who are not root
  postgres: ['/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql@*/bin', '/usr/local/opt/postgresql@*/bin'],
};

/** The path of a program, from PATH or a known folder of its family; `undefined` when it is not installed. */
export function findProgram(name: string, family = name): string | undefined {
  const known = (extraFolders[family] ?? []).flatMap((pattern) => globSync(pattern).toSorted().toReversed());
  const folders = [...known, ...(process.env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
