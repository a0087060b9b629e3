/** How much of something: batches, the records in them, their bytes. */
export interface Amount {
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
}

export const NO_AMOUNT: Amount = { batches: 0, records: 0, bytes: 0 };

export function addAmounts(a: Amount, b: Amount): Amount {
  return { batches: a.batches + b.batches, records: a.records + b.records, bytes: a.bytes + b.bytes };
}

/** What was given up, by reason: a short word such as `expired`. */
export type Losses = Readonly<Record<string, Amount>>;

export function addLoss(losses: Losses, reason: string, amount: Amount): Losses {
  return { ...losses, [reason]: addAmounts(losses[reason] ?? NO_AMOUNT, amount) };
}

export function mergeLosses(a: Losses, b: Losses): Losses {
  return Object.entries(b).reduce((all, [reason, amount]) => addLoss(all, reason, amount), a);
}

export function encodeLosses(losses: Losses): Buffer {
  return Buffer.from(JSON.stringify(losses));
}

/** Counters are not worth a refusal: what cannot be read counts as nothing. */
export function decodeLosses(bytes: Buffer | undefined): Losses {
  if (bytes === undefined) return {};
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, Amount] => isAmount(entry[1])),
    );
  } catch {
    return {};
  }
}

function isAmount(value: unknown): value is Amount {
  if (typeof value !== 'object' || value === null) return false;
  return ['batches', 'records', 'bytes'].every((name) =>
    Number.isFinite((value as Record<string, unknown>)[name]),
  );
}
