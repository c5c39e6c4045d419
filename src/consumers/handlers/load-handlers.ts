import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RelayError } from '../../errors.ts';
import { describeError } from '../../log.ts';
import { type LocalHandler, readHandlers } from './read-handlers.ts';

const packageName = 'zoom-relay';
/** What the package exports, wherever a handler module lies. */
const packageEntry = new URL('../../index.ts', import.meta.url).href;

/**
 * Imports the module that `HANDLERS` names (`.ts`, `.js`, `.mjs`; relative to the working directory) and reads its
 * handlers. In it, `zoom-relay` means this very relay, wherever the file lies.
 *
 * @throws RelayError `configuration_invalid` with all that is wrong
 */
export async function loadHandlers(path: string): Promise<readonly LocalHandler[]> {
  const { handlers, problems } = readHandlers(await importDefault(path));
  if (problems.length === 0) return handlers;
  throw new RelayError('configuration_invalid', `HANDLERS ${path}:\n${problems.map((what) => `  ${what}`).join('\n')}`);
}

async function importDefault(path: string): Promise<unknown> {
  const { href } = pathToFileURL(resolve(path));
  const hook = registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier !== packageName) return next(specifier, context);
      return { url: packageEntry, format: 'module-typescript', shortCircuit: true };
    },
  });
  try {
    const module: unknown = await import(/* @vite-ignore */ href);
    return typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  } catch (cause) {
    throw new RelayError('configuration_invalid', `HANDLERS ${path} does not load: ${whyNot(cause, href)}`, { cause });
  } finally {
    hook.deregister();
  }
}

/** The error, and the first line of the module it came from. */
function whyNot(error: unknown, href: string): string {
  if (isMissing(error, href)) return 'there is no such file';
  const { type, message } = describeError(error);
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const [, at = ''] = new RegExp(`${RegExp.escape(href)}:(\\d+)`).exec(stack) ?? [];
  return `${type}: ${message}${at === '' ? '' : ` (line ${at})`}`;
}

function isMissing(error: unknown, href: string): boolean {
  const isNotFound = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  return isNotFound && 'url' in error && error.url === href;
}
