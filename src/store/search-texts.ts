export interface SearchText {
  readonly raw: string;
  /** As it stands inside a JSON text, without the quotes around it. */
  readonly escaped: string;
}

/** What to look for: the text as typed and in lower case. None for no text, which stands everywhere. */
export function searchTexts(text = ''): readonly SearchText[] {
  const wanted = new Set([text, text.toLowerCase()].filter((each) => each !== ''));
  return [...wanted].map((raw) => ({ raw, escaped: JSON.stringify(raw).slice(1, -1) }));
}
