import type { MapNode } from '../tree.js';
import type { LegacyDocument } from './document.js';
import { isSectionName } from './document.js';
import type { Findings } from './findings.js';
import { documentOpener } from './open-document.js';
import { namesOfThisHost } from './this-host.js';
import { translateMount } from './translate-mount.js';
import { translateServer } from './translate-server.js';

export { Findings } from './findings.js';
export type { LegacyDocument } from './document.js';
export { readLegacyIni } from './ini-reader.js';
export { isLegacyYaml, readLegacyYaml } from './yaml-reader.js';

/** What the translation takes from the command line and the environment. */
export interface LegacyContext {
  readonly point: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

/** Whether a text in INI has a section of K2HFTFUSE, or a key that only its INI knows. */
export function isLegacyIni(text: string): boolean {
  return text.split(/\r\n|\n|\r/).some((line) => {
    const header = /^\s*\[([^\]]*)\]/.exec(line)?.[1];
    return header === undefined ? /^\s*INCLUDE\s*=/.test(line) : isSectionName(header.trim().toUpperCase());
  });
}

/** The tree that `k2hft` reads. */
export function translateForMount(
  document: LegacyDocument,
  context: LegacyContext,
  findings: Findings,
): MapNode {
  const programPath = context.env['PATH'];
  return translateMount(
    document,
    { point: context.point, programPath, open: documentOpener(findings) },
    findings,
  );
}

/** The tree that `k2hft-svr` reads. */
export function translateForServer(
  document: LegacyDocument,
  context: LegacyContext,
  findings: Findings,
): MapNode {
  const programPath = context.env['PATH'];
  const open = documentOpener(findings);
  return translateServer(document, { programPath, hostNames: namesOfThisHost(), open }, findings);
}
