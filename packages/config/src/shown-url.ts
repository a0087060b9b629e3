/** A URL as everybody may see it: what follows the path may be a secret. */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, '');
}

/** The same for every URL of a server in a text, be it plain or JSON. */
export function withShownUrls(text: string): string {
  return text.replace(/(\bwss?:\/\/[^\s"?#]*)[?#][^\s"]*?(?=[:,;]?(?:[\s"]|$))/g, '$1');
}
