export interface SearchText {
  readonly raw: string;
  /** As it stands in a body that is kept with backticks for quotes, see `stored-delivery.ts`. Absent: in none of these. */
  readonly ticked?: string;
  /** As these stand inside a JSON text, without the quotes around it. */
  readonly escaped: string;
  readonly escapedTicked?: string;
}

/** What to look for: the text as typed and in lower case. None for no text, which stands everywhere. */
export function searchTexts(text = ''): readonly SearchText[] {
  const wanted = new Set([text, text.toLowerCase()].filter((each) => each !== ''));
  return [...wanted].map((raw) => {
    const ticked = raw.replaceAll('"', '`');
    const both = { raw, escaped: inJson(raw) };
    return raw.includes('`') ? both : { ...both, ticked, escapedTicked: inJson(ticked) };
  });
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
