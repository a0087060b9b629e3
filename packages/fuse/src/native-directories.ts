import type { Done, NativeOperations } from './native-binding.js';
import { required, type NativeContext } from './native-context.js';
import { namesOf, splitLast, toText } from './native-names.js';
import type { ByteString, DirectoryFiller, Entry, FuseRequest } from './operations.js';

type DirectoryOperations = Pick<
  NativeOperations,
  'readlink' | 'readdir' | 'mknod' | 'mkdir' | 'symlink' | 'link' | 'unlink' | 'rmdir' | 'rename'
>;

export function directoryOperations(context: NativeContext): DirectoryOperations {
  const { calls, walk, operations } = context;
  /** Calls with a request in the directory that holds the path's last name. */
  const at = (path: string, done: Done, use: (request: FuseRequest, name: ByteString) => void) => {
    calls.number(done, (request) => {
      const { parent, last } = splitLast(path);
      walk.with(parent, (nodeId) => {
        use({ ...request, nodeId }, last);
      });
      return undefined;
    });
  };
  /** Makes a name; the look-up that counts for what was made is given back. */
  const put = (
    path: string,
    done: Done,
    make: (request: FuseRequest, name: ByteString) => Entry | undefined,
  ) => {
    at(path, done, (request, name) => {
      const { nodeId } = required(make(request, name));
      operations.forget?.(nodeId, 1);
    });
  };
  return {
    readlink: (path, answer) => {
      calls.value(answer, () =>
        walk.with(namesOf(path), (nodeId) =>
          required(operations.readlink?.(calls.request(nodeId))).toString('utf8'),
        ),
      );
    },
    readdir: (path, answer) => {
      calls.value(answer, () => walk.with(namesOf(path), (nodeId) => list(context, nodeId)));
    },
    mknod: (path, mode, rdev, done) => {
      put(path, done, (request, name) => operations.mknod?.(request, name, mode, rdev));
    },
    mkdir: (path, mode, done) => {
      put(path, done, (request, name) => operations.mkdir?.(request, name, mode));
    },
    symlink: (target, path, done) => {
      put(path, done, (request, name) => operations.symlink?.(request, name, Buffer.from(target, 'utf8')));
    },
    link: (existing, path, done) => {
      put(path, done, (request, name) =>
        walk.with(namesOf(existing), (nodeId) => operations.link?.(request, nodeId, name)),
      );
    },
    unlink: (path, done) => {
      at(path, done, (request, name) => operations.unlink?.(request, name));
    },
    rmdir: (path, done) => {
      at(path, done, (request, name) => operations.rmdir?.(request, name));
    },
    rename: (from, to, done) => {
      at(from, done, (request, name) => {
        const { parent, last } = splitLast(to);
        walk.with(parent, (newParent) => operations.rename?.(request, name, newParent, last, 0));
      });
    },
  };
}

function list({ operations, calls }: NativeContext, nodeId: number): string[] {
  const { handle } = required(operations.opendir?.(calls.request(nodeId), 0));
  const names: string[] = [];
  const filler: DirectoryFiller = {
    add: ({ name }) => names.push(toText(name)) > 0,
    addWithEntry: ({ name }) => names.push(toText(name)) > 0,
  };
  try {
    operations.readdir?.(calls.request(nodeId), handle, 0, filler);
  } finally {
    operations.releasedir?.(calls.request(nodeId), handle);
  }
  return names;
}
