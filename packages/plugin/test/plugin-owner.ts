import { endPluginsOfFault, PluginProcess } from '@k2hft/plugin';

/** A program that has a plugin, to be killed: its argument is the plugin's shell script. SIGUSR1 is a fault. */
const plugin = new PluginProcess({
  name: 'owned',
  command: ['sh', '-c', process.argv[2] ?? ''],
  stdout: { kind: 'discard' },
  log: () => undefined,
});
plugin.start();
plugin.write(Buffer.from('a line\n'));
process.once('SIGUSR1', () => {
  endPluginsOfFault(300, 200);
  process.exit(70);
});
setInterval(() => undefined, 1000);
