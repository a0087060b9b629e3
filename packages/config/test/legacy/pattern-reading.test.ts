import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Findings, readLegacyIni, readLegacyYaml, type LegacyDocument } from '../../src/legacy/index.js';
import { readPattern, type PatternMode } from '../../src/legacy/pattern-reading.js';

function entryOf(document: LegacyDocument | undefined) {
  const [entry] = document?.sections.at(-1)?.entries ?? [];
  assert.ok(entry !== undefined);
  return entry;
}

/** `text T`, `all`, `expression P` or `expression P -> R`; or `fault`. */
function shown(document: LegacyDocument | undefined, mode: PatternMode): string {
  const reading = readPattern(entryOf(document), mode);
  switch (reading.kind) {
    case 'all':
    case 'fault':
      return reading.kind;
    case 'text':
      return `text ${reading.text}`;
    case 'expression':
      return `expression ${reading.pattern}${reading.replacement === undefined ? '' : ` -> ${reading.replacement}`}`;
  }
}

function ofIni(written: string, mode: PatternMode): string {
  return shown(readLegacyIni(`[K2HFTFUSE_RULE]\nALLOW = ${written}\n`, 'f', '/', new Findings()), mode);
}

function ofYaml(written: string, mode: PatternMode): string {
  const text = `K2HFTFUSE:\n  K2HFTFUSE_RULE:\n    - ALLOW: ${written}\n`;
  return shown(readLegacyYaml(text, 'f', '/', new Findings()), mode);
}

test('patterns in INI, as they are meant and as K2HFTFUSE takes them', () => {
  const table: [written: string, documented: string, literal: string][] = [
    ['', 'all', 'all'],
    ['""', 'all', 'all'],
    ['INFO', 'text INFO', 'text INFO'],
    ['"INFO"', 'text INFO', 'text INFO'],
    ['INFO, WARN', 'text INFO, WARN', 'text INFO, WARN'],
    ['a.*b', 'text a.*b', 'text a.*b'],
    ["'a.*b'", 'text a.*b', 'text a.*b'],
    ['"(.*)ERR(.*)"', 'expression (.*)ERR(.*)', 'text (.*)ERR(.*)'],
    ['"a.c" # why', 'expression a.c', 'text a.c'],
    ['"(.*)ERR(.*)", "$1-$2"', 'expression (.*)ERR(.*) -> $1-$2', 'text (.*)ERR(.*), $1-$2'],
    ['"ERR" , "" # gone', 'expression ERR -> ', 'text ERR ,'],
    ['"a\\.b"', 'expression a\\.b', 'text a\\.b'],
    ['"say \\"x\\".*"', 'expression say "x".*', 'text say "x".*'],
    ['\'"(.*)ERR(.*)"\'', 'expression (.*)ERR(.*)', 'expression (.*)ERR(.*)'],
    ['\'"INFO"\'', 'expression INFO', 'expression INFO'],
    ['\\"a.c\\"', 'expression a.c', 'expression a.c'],
    ['\'"(.*)ERR(.*)", "$1-$2"\'', 'expression (.*)ERR(.*) -> $1-$2', 'expression (.*)ERR(.*) -> $1-$2'],
    ['\'"a"\', \'"b"\'', 'expression a -> b', 'expression a -> b'],
    ['\'"a",\'', 'expression a', 'expression a'],
    ['\'"a" , ""\'', 'expression a -> ', 'expression a -> '],
    ['\'"a"b\'', 'fault', 'fault'],
    ['\'"a", "b", "c"\'', 'fault', 'fault'],
    ['\'"a", b\'', 'fault', 'fault'],
    ['"a.b", c', 'fault', 'text a.b, c'],
    ['"a", "b", "c"', 'fault', 'text a, b, c'],
    ['"a.b" c', 'text a.b c', 'text a.b c'],
    ['"a"b', 'text ab', 'text ab'],
    ['"x{2}"', 'expression x{2}', 'text x{2}'],
    ['"a]b}"', 'text a]b}', 'text a]b}'],
  ];
  for (const [written, documented, literal] of table) {
    assert.equal(ofIni(written, 'documented'), documented, written);
    assert.equal(ofIni(written, 'literal'), literal, written);
  }
});

test('patterns in YAML and JSON', () => {
  const table: [written: string, documented: string, literal: string][] = [
    ['', 'all', 'all'],
    ['""', 'all', 'all'],
    ['INFO', 'text INFO', 'text INFO'],
    ['"INFO"', 'text INFO', 'text INFO'],
    ['a.*b', 'text a.*b', 'text a.*b'],
    ['"(.*)ERR"', 'expression (.*)ERR', 'text (.*)ERR'],
    ["'(.*)ERR'", 'expression (.*)ERR', 'text (.*)ERR'],
    ['\'"(.*)ERR"\'', 'expression (.*)ERR', 'expression (.*)ERR'],
    ['"\\"ERR\\""', 'expression ERR', 'expression ERR'],
    ['[INFO]', 'text INFO', 'text INFO'],
    ['[["(.*)ERR", "$1"]]', 'expression (.*)ERR -> $1', 'text (.*)ERR'],
    ['[[ERR, x]]', 'expression ERR -> x', 'text ERR'],
    ['[[\'"ERR"\', \'"x"\']]', 'expression ERR -> x', 'expression ERR -> x'],
    ['\'"a", "b"\'', 'expression a -> b', 'expression a -> b'],
    ['4', 'text 4', 'text 4'],
    ['null', 'text null', 'text null'],
  ];
  for (const [written, documented, literal] of table) {
    assert.equal(ofYaml(written, 'documented'), documented, written);
    assert.equal(ofYaml(written, 'literal'), literal, written);
  }
});
