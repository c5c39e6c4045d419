import { BullStore, type StoreSetup } from './bull-store.ts';
import { createEmbeddedEngine } from './embedded.ts';
import type { Engine } from './engine.ts';
import { createPostgresEngine } from './postgres.ts';
import { createRedisEngine } from './redis.ts';
import type { Store } from './store.ts';

/** Which store, besides what it is to hold. */
export interface StoreChoice extends StoreSetup {
  /** `file:`, `redis:`… or `postgres:` */
  readonly url: string;
}

/** The store that the URL names, not opened yet. */
export function openStore(choice: StoreChoice): Store {
  return new BullStore(createEngine(choice), choice);
}

function createEngine({ url, workers, onFatal }: StoreChoice): Engine {
  if (url.startsWith('file:')) return createEmbeddedEngine(url.slice('file:'.length), onFatal);
  if (/^postgres(ql)?:/.test(url)) return createPostgresEngine(url, workers);
  return createRedisEngine(url);
}
