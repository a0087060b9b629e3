import { Document, isScalar, Scalar, visit } from 'yaml';
import { mountSchema } from './mount-schema.js';
import type { MountSettings } from './mount-settings.js';
import { formatNote, type Note } from './notes.js';
import { NOTHING_WORDS } from './parse-yaml.js';
import { serverSchema } from './server-schema.js';
import type { ServerSettings } from './server-settings.js';
import type { Plain } from './tree.js';

/**
 * The settings as YAML with the keys of the configuration, defaults included. Loaded again, from any folder and
 * with any environment, it gives the same settings. Notes stand in front, as comments.
 */
export function describeSettings(
  settings: MountSettings | ServerSettings,
  notes: readonly Note[] = [],
): string {
  const comments = notes.map((note) => `# ${note.level === 'warn' ? 'warning: ' : ''}${formatNote(note)}\n`);
  return comments.join('') + toYaml(plainSettings(settings));
}

/** The same as a tree of texts, which is also what the settings look like in JSON. */
export function plainSettings(settings: MountSettings | ServerSettings): Plain {
  return 'mount' in settings ? mountSchema.write(settings) : serverSchema.write(settings);
}

function toYaml(plain: Plain): string {
  // The schema in which every plain scalar is a text, as when it is read: numbers and booleans need no quotes.
  const document = new Document(plain, { schema: 'failsafe', aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, scalar) {
      if (typeof scalar.value === 'string' && NOTHING_WORDS.has(scalar.value))
        scalar.type = Scalar.QUOTE_DOUBLE;
    },
    Seq(_key, list) {
      // A list of words fits on a line; lists of pairs and of sections get a line for each.
      list.flow = list.items.every((item) => isScalar(item));
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
