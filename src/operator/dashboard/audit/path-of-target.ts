import { pathOfConnection, pathOfDeliveries, pathOfDelivery, pathOfReplay } from '../parts/paths.ts';

/**
 * Where what an audit entry is about is shown; `undefined` when nowhere: the replay of a single delivery has no page.
 *
 * @param target as `delivery:acme/recall/<id>`, `consumer:acme/recall`, `replay:<id>`, `connection:<id>`
 */
export function pathOfTarget(target: string): string | undefined {
  const [, kind, rest = ''] = /^(delivery|consumer|replay|connection):(.*)$/s.exec(target) ?? [];
  const [app = '', consumer = '', id = ''] = rest.split('/');
  if (kind === 'delivery') return pathOfDelivery({ app, consumer, id });
  if (kind === 'consumer') return pathOfDeliveries({ app, consumer });
  if (kind === 'connection') return pathOfConnection(rest);
  return kind === 'replay' && !rest.startsWith('one-') ? pathOfReplay(rest) : undefined;
}
