import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

export const VERSION = manifest.version;
/** How this program names itself to a server. */
export const SOFTWARE = `k2hft ${VERSION}`;
