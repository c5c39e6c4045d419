/** What a handler module imports: `import { defineHandlers, GiveUp } from 'zoom-relay'`. */
export {
  defineHandlers,
  type Handle,
  type HandlerContext,
  type HandlerLog,
  type HandlerMap,
  type HandlerSettings,
  type Handlers,
} from './consumers/handlers/define-handlers.ts';
export { GiveUp } from './consumers/handlers/give-up.ts';
export type { KnownEventName, OtherZoomEvent, ZoomEvent, ZoomEvents } from './zoom/events.ts';
export { isEvent } from './zoom/is-event.ts';
