import { fail, optionalText } from './values.ts';

/** The URL of a collector of traces. It would be logged with credentials in it, so it may hold none. */
export function collectorUrl() {
  return optionalText().transform((value, context): URL | undefined => {
    if (value === undefined) return undefined;
    const url = URL.parse(value);
    const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
    if (url !== null && isHttp && url.username === '' && url.password === '' && !/[?#\s]/.test(value)) return url;
    return fail(context, 'must be an http: or https: URL without user, query or fragment');
  });
}

/** What a service is called in traces. */
export function serviceName() {
  return optionalText().transform((value = 'zoom-relay', context): string => {
    return /^[A-Za-z0-9._/-]{1,100}$/.test(value) ? value : fail(context, 'must be 1 to 100 of A-Z a-z 0-9 . _ / -');
  });
}

/** Where a collector at a base URL takes traces, as OpenTelemetry says. */
export function tracesUrlOf(base: URL): URL {
  const url = new URL(base);
  url.pathname = `${base.pathname.replace(/\/+$/, '')}/v1/traces`;
  return url;
}
