/** Control characters that JSON leaves as they are, and those that turn the direction of writing. */
const steering = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** A stranger's text for a line of output: it must not steer the terminal, nor fill it. */
export function oneLine(text: string): string {
  const shown = JSON.stringify(text)
    .slice(1, -1)
    .replace(steering, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return shown.length > 200 ? `${shown.slice(0, 200)}… (--json shows all)` : shown;
}

/** Our own sentence with a stranger's text in it, whole: only what steers the terminal is replaced. */
export function harmless(sentence: string): string {
  return sentence.replace(/\p{Cc}|[\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
