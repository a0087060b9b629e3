import type { OutputSettings, ServerSettings } from '@k2hft/config';
import { ServerError } from './errors.js';
import { compileFormat, type LineFormat } from './format.js';
import { compilePathTemplate, type PathTemplate } from './path-template.js';

/** How batches become bytes in files; may change while the server runs. */
export interface OutputRules {
  template: PathTemplate;
  format: LineFormat;
  fsync: OutputSettings['fsync'];
  rotate: OutputSettings['rotate'];
}

/** Throws {@link ServerError} for a template or a format that cannot be used. */
export function compileOutputRules(output: OutputSettings): OutputRules {
  return {
    template: compilePathTemplate(output.path),
    format: compileFormat(output.format, output.timeFormat),
    fsync: output.fsync,
    rotate: output.rotate,
  };
}

/** Those of a configuration; undefined for a pure relay. Throws {@link ServerError} for what cannot be used. */
export function outputRulesOf(settings: ServerSettings): OutputRules | undefined {
  const output = supportedOutput(settings);
  return output && compileOutputRules(output);
}

/**
 * The output settings of a configuration that this version can serve as it is written; undefined for a pure relay. Throws
 * {@link ServerError} `unsupported`, naming every setting that would be without effect: none is ignored silently.
 */
export function supportedOutput(settings: ServerSettings): OutputSettings | undefined {
  const { output } = settings;
  const unsupported = [
    output?.rotate !== undefined &&
      output.plugin !== undefined &&
      output.pluginStdout === 'file' &&
      'output.rotate with plugin_stdout: file',
  ].filter((name) => name !== false);
  if (unsupported.length > 0) {
    throw new ServerError(
      'unsupported',
      `not supported yet: ${unsupported.join(', ')}; remove it from the settings`,
    );
  }
  return output;
}
