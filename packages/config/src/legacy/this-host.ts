import { hostname, networkInterfaces } from 'node:os';

/** Every name and address by which a configuration may mean this host, as far as can be told without asking a name server. */
export function namesOfThisHost(): ReadonlySet<string> {
  const name = hostname().toLowerCase();
  const addresses = Object.values(networkInterfaces()).flatMap(
    (found) => found?.map(({ address }) => address) ?? [],
  );
  return new Set([name, 'localhost', ...addresses]);
}

/** Whether a node's name means this host: `agg1` and `agg1.example.com` are the same where one of both is all that is known. */
export function isThisHost(node: string, names: ReadonlySet<string>): boolean {
  const wanted = node.toLowerCase();
  if (names.has(wanted)) return true;
  const isName = (text: string) => !/^[0-9.]+$|:/.test(text);
  if (!isName(wanted)) return false;
  return [...names].some((name) => {
    const short = !name.includes('.') || !wanted.includes('.');
    return isName(name) && short && name.split('.')[0] === wanted.split('.')[0];
  });
}
