/** A URL as everybody may see it: what follows the path may be a secret, and so may be what stands before an `@`. */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^([a-z]+:\/\/)[^/]*@/, '$1');
}

/** Of a URL of a server: a name and a password that somebody wrote there. */
const LOGIN = /(wss?:\/\/)[^\s"\\/?#]*@/g;

/**
 * What is behind a URL's path, up to a blank, a quote or the punctuation that stands behind the URL. In JSON the quote may have
 * a backslash in front, which has to stay; two of them stand for one.
 */
const QUERY = /(wss?:\/\/[^\s"?#\\]*)[?#](?:[^\s"\\]|\\\\)*?(?=[:,;]?(?:[\s"]|\\(?!\\)|$))/g;

/** The same for every URL of a server in a text, be it plain or JSON. */
export function withShownUrls(text: string): string {
  return text.replace(LOGIN, '$1').replace(QUERY, '$1');
}
