/** A look at what a body says, for logs and routing. Never a source: nothing is rebuilt from it. */
export interface EventLook {
  /** Zoom's event name, `meeting.created`; `undefined` when the body says none that looks like one. */
  readonly name: string | undefined;
  /** The parsed body; `undefined` when it is not JSON. */
  readonly parsed: unknown;
}

const eventName = /^[a-z0-9_]+(?:\.[a-z0-9_]+)*$/;
const maxEventNameLength = 100;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Never throws: a body that is no UTF-8 or no JSON simply says nothing. */
export function lookAtEvent(body: Uint8Array): EventLook {
  const parsed = parseJson(body);
  return { name: eventNameOf(parsed), parsed };
}

/** The name that a parsed body gives, if it looks like one of Zoom's. */
export function eventNameOf(parsed: unknown): string | undefined {
  const name = typeof parsed === 'object' && parsed !== null && 'event' in parsed ? parsed.event : undefined;
  const isKnown = typeof name === 'string' && name.length <= maxEventNameLength && eventName.test(name);
  return isKnown ? name : undefined;
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body));
  } catch {
    return undefined;
  }
}
