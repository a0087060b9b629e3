import { make, setAttribute, setText } from './document.js';

/** What a cell shows: text, with a smaller second line and a mark if there is one. */
export interface Cell {
  text: string;
  small?: string;
  /** Shown in full when the pointer is over it. */
  title?: string;
  mark?: 'bad' | 'warn' | 'dim';
}

export interface Column<Row> {
  title: string;
  cell: (row: Row) => Cell;
  isNumber?: boolean;
  /** What the table is ordered by when this is chosen. */
  order?: string;
  /** Does something with the row: the cell's text is a button. */
  act?: { label: (row: Row) => string; run: (row: Row) => void };
}

export interface TableOptions<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  isChosen?: (row: Row) => boolean;
  isDim?: (row: Row) => boolean;
  chooseOrder?: (order: string) => void;
}

interface ShownRow<Row> {
  element: HTMLTableRowElement;
  cells: { main: HTMLElement; small: HTMLElement; cell: HTMLTableCellElement }[];
  row: Row;
}

/** A table whose rows keep their elements while what they show changes, so that focus and selection stay. */
export class Table<Row> {
  readonly element: HTMLTableElement;
  private readonly body: HTMLTableSectionElement;
  private readonly heads: HTMLTableCellElement[];
  private readonly shown = new Map<string, ShownRow<Row>>();

  constructor(private readonly options: TableOptions<Row>) {
    this.heads = options.columns.map((column) => this.head(column));
    this.body = make('tbody');
    const caption = make('caption', 'unseen', options.caption);
    this.element = make('table', '', caption, make('thead', '', make('tr', '', ...this.heads)), this.body);
  }

  show(rows: readonly Row[], order?: string): void {
    this.options.columns.forEach((column, index) => {
      const head = this.heads[index];
      if (head === undefined || column.order === undefined) return;
      const direction = column.isNumber === true ? 'descending' : 'ascending';
      setAttribute(head, 'aria-sort', column.order === order ? direction : 'none');
    });
    const keys = new Set(rows.map((row) => this.options.keyOf(row)));
    for (const [key, { element }] of this.shown) {
      if (keys.has(key)) continue;
      element.remove();
      this.shown.delete(key);
    }
    rows.forEach((row, index) => {
      const shown = this.shownRow(row);
      this.update(shown);
      const there = this.body.children[index];
      if (there !== shown.element) this.body.insertBefore(shown.element, there ?? null);
    });
  }

  private head(column: Column<Row>): HTMLTableCellElement {
    const head = make('th', column.isNumber === true ? 'number' : '');
    head.scope = 'col';
    const { order } = column;
    if (order === undefined) {
      head.append(column.title);
    } else {
      const button = make('button', 'order', column.title);
      button.type = 'button';
      button.addEventListener('click', () => this.options.chooseOrder?.(order));
      head.append(button);
    }
    return head;
  }

  private shownRow(row: Row): ShownRow<Row> {
    const key = this.options.keyOf(row);
    let shown = this.shown.get(key);
    if (shown === undefined) {
      const element = make('tr');
      shown = { element, cells: [], row };
      for (const column of this.options.columns) shown.cells.push(this.emptyCell(column, shown));
      element.append(...shown.cells.map(({ cell }) => cell));
      this.shown.set(key, shown);
    }
    shown.row = row;
    return shown;
  }

  private emptyCell(column: Column<Row>, shown: ShownRow<Row>): ShownRow<Row>['cells'][number] {
    const { act } = column;
    const main = act === undefined ? make('span', 'main') : make('button', 'main');
    if (main instanceof HTMLButtonElement) {
      main.type = 'button';
      main.addEventListener('click', () => act?.run(shown.row));
    }
    const small = make('small');
    const cell = make('td', column.isNumber === true ? 'number' : '', make('div', '', main, small));
    cell.dataset['label'] = column.title;
    return { main, small, cell };
  }

  private update({ element, cells, row }: ShownRow<Row>): void {
    element.classList.toggle('chosen', this.options.isChosen?.(row) ?? false);
    element.classList.toggle('dim', this.options.isDim?.(row) ?? false);
    this.options.columns.forEach((column, index) => {
      const parts = cells[index];
      if (parts === undefined) return;
      const { text, small = '', title = '', mark = '' } = column.cell(row);
      setText(parts.main, text);
      setText(parts.small, small);
      setAttribute(parts.cell, 'title', title);
      setAttribute(parts.cell, 'data-mark', mark);
      if (column.act !== undefined) setAttribute(parts.main, 'aria-label', column.act.label(row));
    });
  }
}

/** Under the table or in its place: that more, or nothing, matches. */
export function countText(shown: number, matching: number, all: number, what: string): string {
  if (all === 0) return '';
  if (shown < matching)
    return matching < all
      ? `the first ${shown} of ${matching} that match, of ${all} ${what}`
      : `the first ${shown} of ${all}`;
  return matching < all ? `${matching} of ${all} match` : String(all);
}
