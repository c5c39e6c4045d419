import type { IncomingMessage, ServerResponse } from 'node:http';

/** The request as a Hono app takes it. A body on a GET or HEAD is left out. */
export function toFetchRequest(incoming: IncomingMessage, body: Buffer): Request {
  const { method = 'GET', url = '/', headers, rawHeaders } = incoming;
  const pairs: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) pairs.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  const withBody = body.length > 0 && method !== 'GET' && method !== 'HEAD';
  return new Request(`http://${headers.host ?? 'localhost'}${url}`, {
    method,
    headers: pairs,
    ...(withBody && { body: new Uint8Array(body) }),
  });
}

export async function sendFetchResponse(answer: Response, response: ServerResponse): Promise<void> {
  const content = Buffer.from(await answer.arrayBuffer());
  if (response.destroyed) return;
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(content);
}
