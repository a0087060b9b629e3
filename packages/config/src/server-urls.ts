import { expandHostNames } from './legacy/host-names.js';
import { serverUrl, serverUrlFault } from './network-types.js';
import { FAILED, type ValueType } from './reading.js';
import { readItems, readText } from './shapes.js';

const EXPECTED = 'a list of URLs such as [ws://host:8020]';

/** What stands between `//` and the next slash, `?` or `#`: a host that may be a pattern, and a port. */
const AUTHORITY = /^(wss?:\/\/)([^/?#]*)(.*)$/s;

/** The port, behind the host; an address of IPv6 has its colons in brackets. */
const PORT = /:\d*$/;

/** An address of IPv6, or what is meant as one: a pattern has no colon in its brackets. */
const IPV6 = /^\[[^\]]*:[^\]]*\]$/;

/**
 * URLs of servers, in which a host may stand for several, as `ws://agg[1-3].example.com:8020`. The settings hold each of them, in this
 * order and none twice; what is written back is the whole list.
 */
export const serverUrls: ValueType<string[]> = {
  shape: 'list',
  expected: EXPECTED,
  keys: [],
  read(node, reading) {
    const items = readItems(node, true, EXPECTED, reading);
    if (items === FAILED) return FAILED;
    const found = new Map<string, string>();
    let areGood = true;
    for (const [index, item] of items.entries()) {
      const inner = reading.at(index);
      const fail = (message: string) => {
        areGood = false;
        inner.fail(item.place, message);
      };
      const written = readText(item, serverUrl.expected, inner);
      const urls = written === FAILED ? { fault: undefined } : expandServerUrl(written.text);
      if ('fault' in urls) {
        areGood = false;
        if (urls.fault !== undefined) fail(urls.fault);
        continue;
      }
      for (const url of urls) {
        const fault = serverUrlFault(url);
        const address = fault === undefined ? new URL(url).href : url;
        if (fault !== undefined) fail(fault);
        else if (found.has(address)) fail(`"${url}" is in the list already`);
        else found.set(address, url);
      }
    }
    return areGood ? [...found.values()] : FAILED;
  },
  write: (urls) => urls.map((url) => serverUrl.write(url)),
};

/** The URLs that one with a pattern for its host stands for; one without stands for itself, whatever it is. */
export function expandServerUrl(written: string): readonly string[] | { readonly fault: string } {
  const [, scheme, authority, rest] = AUTHORITY.exec(written) ?? [];
  if (scheme === undefined || authority === undefined || rest === undefined) return [written];
  const port = PORT.exec(authority)?.[0] ?? '';
  const host = authority.slice(0, authority.length - port.length);
  if (!/[[\]]/.test(host) || IPV6.test(host)) return [written];
  const hosts = expandHostNames(host);
  if (!('fault' in hosts)) return hosts.map((name) => `${scheme}${name}${port}${rest}`);
  const hint = host.includes(']') ? '' : ' (in INI, a value with a comma stands in double quotes)';
  return {
    fault: `expected hosts such as agg[1-3].example.com, found ${JSON.stringify(written)}: ${hosts.fault}${hint}`,
  };
}
