const isoForm = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)(Z|[+-]\d{2}:\d{2})?$/;

/** Epoch milliseconds of `2021-07-13T21:44:51Z`, or of `2024-09-08 15:58:40`, which is taken to be UTC. */
export function parseUtcTime(text: string | null | undefined): number | undefined {
  const [, date, time, zone = 'Z'] = isoForm.exec(text ?? '') ?? [];
  const atMs = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(atMs) ? undefined : atMs;
}
