const maxLength = 2000;

/**
 * A path of this server to go to after logging in; `/` for any other text: what begins with no or two slashes, holds
 * `//`, a backslash, white space or control characters (browsers drop or turn some of them), or leads back to `/login`.
 */
export function localPathOf(text: string | undefined): string {
  const isLocal = text !== undefined && text.length <= maxLength && /^(?!.*(?:\/\/|\\))\/[\x21-\x7e]*$/.test(text);
  return isLocal && !/^\/log(?:in|out)(?![^/?#])/.test(text) ? text : '/';
}
