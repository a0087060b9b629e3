import { endPluginsOfFault, PluginProcess } from '@k2hft/plugin';

/**
 * A program that has a plugin, to be killed. Its arguments: the plugin's shell script, and how long the plugin may take to
 * end when there is a fault, which SIGUSR1 is.
 */
const [script = '', graceMs = '0'] = process.argv.slice(2);
const plugin = new PluginProcess({
  name: 'owned',
  command: ['sh', '-c', script],
  stdout: { kind: 'discard' },
  log: () => undefined,
});
plugin.start();
plugin.write(Buffer.from('a line\n'));
process.once('SIGUSR1', () => {
  endPluginsOfFault(Number(graceMs), 200);
  process.exit(70);
});
setInterval(() => undefined, 1000);
