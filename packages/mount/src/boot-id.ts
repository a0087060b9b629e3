/**
 * The name that tests give to a boot of the machine, as an option for the queue: another name is how a test says
 * that the power was lost. Without it the queue asks the kernel.
 */
export function bootId(): { bootId?: string } {
  const given = process.env['K2HFT_BOOT_ID'];
  return given === undefined ? {} : { bootId: given };
}
