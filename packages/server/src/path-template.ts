import { ServerError } from './errors.js';
import { compileTimeFormat } from './strftime.js';

/** What a path template may name. */
interface NameFields {
  /** Bytes, relative to the mount. */
  path: Buffer;
  host: string;
  timeSeconds: number;
  timeNanos: number;
}

/** The name of an output file as a byte string, relative to the output directory; not checked yet. */
export interface PathTemplate {
  /** Whether names depend on the time: if not, those of one stream are all the same. */
  readonly timed: boolean;
  render(fields: NameFields): string;
}

type Part = (fields: NameFields, path: string) => string;

const PLACEHOLDERS: Readonly<Record<string, Part>> = {
  host: (fields) => safeHost(fields.host),
  path: (_fields, path) => path,
  dir: (_fields, path) => path.slice(0, Math.max(0, path.lastIndexOf('/'))),
  file: (_fields, path) => path.slice(path.lastIndexOf('/') + 1),
};

/**
 * Compiles `{host}/{path}` and the like. Throws {@link ServerError} `path_template` for names that are not known
 * and for text that leads out of the output directory.
 */
export function compilePathTemplate(template: string): PathTemplate {
  checkText(template);
  const parts: Part[] = [];
  let timed = false;
  for (const [whole, name, text] of template.matchAll(/\{dir\}\/|\{([^{}]*)\}|([^{}]+|[{}])/g)) {
    if (whole === '{dir}/') {
      parts.push(directoryAndSlash);
    } else if (name === undefined) {
      parts.push(literal(text ?? '', template));
    } else {
      timed ||= name.startsWith('date:');
      parts.push(placeholder(name, template));
    }
  }
  return {
    timed,
    render(fields) {
      const path = fields.path.toString('latin1');
      let name = '';
      for (const part of parts) name += part(fields, path);
      return name;
    },
  };
}

/** A file that lies in no directory leaves {dir} empty: then the slash behind it goes too, or the name would be absolute. */
function directoryAndSlash(_fields: NameFields, path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** The text between the placeholders must be a sound path, whatever they stand for. */
function checkText(template: string): void {
  const segments = template.replace(/\{[^{}]*\}/g, 'x').split('/');
  if (template === '' || segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new ServerError(
      'path_template',
      `output.path "${template}" must be relative, without empty parts, "." and ".."`,
    );
  }
  if (template.includes('\0')) throw new ServerError('path_template', 'output.path holds a NUL');
}

function literal(text: string, template: string): Part {
  if (text === '{' || text === '}') {
    throw new ServerError('path_template', `output.path "${template}" has a "${text}" without its partner`);
  }
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  return () => bytes;
}

function placeholder(name: string, template: string): Part {
  if (name.startsWith('date:')) {
    const format = compileTimeFormat(name.slice('date:'.length));
    return (fields) => Buffer.from(format(fields.timeSeconds, fields.timeNanos), 'utf8').toString('latin1');
  }
  const part = Object.hasOwn(PLACEHOLDERS, name) ? PLACEHOLDERS[name] : undefined;
  if (part === undefined) {
    throw new ServerError(
      'path_template',
      `output.path "${template}" names {${name}}; known are {host} {path} {dir} {file} {date:FORMAT}`,
    );
  }
  return part;
}

/** A host is one part of a path: a slash in it becomes a NUL, which makes the name one that is refused. */
function safeHost(host: string): string {
  return Buffer.from(host, 'utf8').toString('latin1').replaceAll('/', '\0');
}
