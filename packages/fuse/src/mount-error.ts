/** Why a mount could not be made, served or removed. */
export type MountErrorCode =
  | 'needs_root'
  | 'no_device'
  | 'no_driver'
  | 'not_a_directory'
  | 'no_program'
  | 'mount_failed'
  | 'unmount_failed'
  | 'busy'
  | 'timeout'
  | 'protocol'
  | 'unmounted';

export class MountError extends Error {
  override readonly name = 'MountError';
  readonly code: MountErrorCode;

  constructor(code: MountErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
