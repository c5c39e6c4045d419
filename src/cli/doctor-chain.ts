import { z } from 'zod';
import { RelayError } from '../errors.ts';
import type { CommandProcess } from './command-process.ts';
import type { Line, Mark } from './doctor-line.ts';
import { askOperatorApi } from './operator-api.ts';

const chain = z.object({
  lines: z.array(
    z.object({
      mark: z.enum(['sound', 'wrong', 'unknown']),
      subject: z.string(),
      app: z.string().exactOptional(),
      text: z.string(),
      fix: z.string().exactOptional(),
    }),
  ),
});
const markOf: Readonly<Record<'sound' | 'wrong' | 'unknown', Mark>> = { sound: '✓', wrong: '✗', unknown: '?' };

/** Has a running relay look at every link from Zoom to Recall: it has the secrets. No answer is one that cannot tell. */
export async function readChainLines(host: CommandProcess): Promise<readonly Line[]> {
  try {
    const { lines } = chain.parse(JSON.parse(await askOperatorApi(host, '/api/doctor/chain')));
    return lines.map((line) => ({ ...line, mark: markOf[line.mark] }));
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    const why = error.code === 'route_unknown' ? 'this relay is older than this command' : error.message;
    return [{ mark: '?', subject: 'chain', text: `not looked at: ${why}` }];
  }
}
