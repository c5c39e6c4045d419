/** Longer text is none that Zoom would send: topics have up to 200 characters, join URLs some hundred. */
const maxLength = 2000;

/** Text as an event tells it. Absent, null and `""` all mean absent. */
export function readText(value: string | null | undefined): string | undefined {
  return value && value.length <= maxLength ? value : undefined;
}
