import type { LogSettings } from './mount-settings.js';
import { withShownUrls } from './shown-url.js';

/** How grave a line is. `silent` is no such level: as a setting it lets none through. */
export type LogLevel = Exclude<LogSettings['level'], 'silent'>;

/** Writes one line to the log. What comes from the network or a file name must have gone through `printable`. */
export type Log = (level: LogLevel, message: string) => void;

const RANK: Readonly<Record<LogSettings['level'], number>> = {
  silent: -1,
  error: 0,
  warn: 1,
  info: 2,
  debug: 3,
};

/**
 * Whatever a message holds, it stays one entry and harmless to a terminal: control characters are shown as escapes, and
 * what follows a line break is indented, so that nothing in it can pass for another entry.
 */
function harmless(message: string): string {
  return message
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
      if (character === '\n' || character === '\t') return character;
      const point = character.codePointAt(0) ?? 0;
      return point < 0x100 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
    })
    .replaceAll('\n', '\n    ');
}

/**
 * Lines go to `write` (stderr) as text that starts with the program's name, or as one JSON object each. What may be a secret
 * in the URL of a server is left out.
 */
export function createLog(program: string, settings: LogSettings, write: (line: string) => void): Log {
  const rank = RANK[settings.level];
  return (level, given) => {
    if (RANK[level] > rank) return;
    const message = withShownUrls(given);
    if (settings.format === 'json') {
      write(`${JSON.stringify({ time: new Date().toISOString(), level, program, message })}\n`);
    } else {
      write(`${program}: ${level === 'info' ? '' : `${level}: `}${harmless(message)}\n`);
    }
  };
}
