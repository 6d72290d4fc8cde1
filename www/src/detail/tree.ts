import { el, setText } from '../dom.js';
import type { Decoded } from '../model.js';
import { VirtualRows } from './virtual-rows.js';

type Node = Decoded['nodes'][number];

/** What a {@link DecodedTree} tells: the bytes of a node, an empty range when none is meant any more; `held`: by click or keyboard. */
type Mark = (start: number, end: number, held: boolean) => void;

/** What a decoder found, as a tree with any number of nodes. One tab stop; arrows as the ARIA pattern of trees has them. */
export class DecodedTree {
  /** The tree. */
  readonly element: HTMLElement;
  readonly #rows: VirtualRows;
  readonly #mark: Mark;
  readonly #id: string;
  #nodes: Node[] = [];
  #visible: number[] = [];
  #collapsed = new Set<number>();
  #cursor = 0;
  #marked: [number, number] = [0, 0];

  constructor(mark: Mark) {
    this.#mark = mark;
    this.#id = `tree-${(serial += 1)}`;
    this.#rows = new VirtualRows({ rowHeight: ROW, make, render: (row, index) => this.#render(row, index) }, 'tree', el('div', { role: 'presentation' }));
    this.element = this.#rows.element;
    this.element.tabIndex = 0;
    this.element.role = 'tree';
    this.element.ariaLabel = 'Decoded message';
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.element.addEventListener('pointerover', (event) => this.#hover(event));
    this.element.addEventListener('pointerleave', () => this.#mark(0, 0, false));
    this.element.addEventListener('click', (event) => this.#press(event));
    this.element.addEventListener('focus', () => this.#announce());
  }

  /** Shows other nodes, all of them open. */
  show(nodes: Node[]): void {
    this.#nodes = nodes;
    this.#collapsed.clear();
    this.#cursor = 0;
    this.#marked = [0, 0];
    this.#layout();
    this.#rows.rewind();
  }

  /** Marks the innermost nodes that hold these bytes; an empty range marks none. */
  mark(start: number, end: number, reveal: boolean): void {
    this.#marked = [start, end];
    if (reveal && start < end) {
      const at = this.#nodes.findLastIndex((node) => node.start <= start && end <= node.end);
      const row = this.#visible.indexOf(at);
      if (row >= 0) this.#rows.reveal(row);
    }
    this.#rows.refresh();
  }

  /** Moves to the next node whose label or value has `text` in it; gives whether there is one. */
  find(text: string, step: 1 | -1): boolean {
    const wanted = text.toLowerCase();
    const from = this.#visible[this.#cursor] ?? 0;
    for (let tried = 1; tried <= this.#nodes.length; tried += 1) {
      const index = (from + step * tried + this.#nodes.length * 2) % this.#nodes.length;
      const node = this.#nodes[index];
      if (!node || !`${node.label} ${node.value}`.toLowerCase().includes(wanted)) continue;
      this.#uncover(index);
      this.#moveTo(this.#visible.indexOf(index));
      return true;
    }
    return false;
  }

  #layout(): void {
    const visible: number[] = [];
    let hidden = Infinity;
    for (const [index, node] of this.#nodes.entries()) {
      if (node.depth > hidden) continue;
      hidden = this.#collapsed.has(index) ? node.depth : Infinity;
      visible.push(index);
    }
    this.#visible = visible;
    this.#cursor = Math.min(this.#cursor, Math.max(0, visible.length - 1));
    this.#rows.count = visible.length;
  }

  #render(row: HTMLElement, at: number): void {
    const index = this.#visible[at] ?? 0;
    const node = this.#nodes[index];
    if (!node) return;
    const [twist, label, value] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
    const parent = this.#hasChildren(index);
    const kind = node.kind.toLowerCase();
    row.id = `${this.#id}-${index}`;
    row.dataset.at = String(at);
    row.style.setProperty('--depth', String(node.depth));
    row.setAttribute('aria-level', String(node.depth + 1));
    row.setAttribute('aria-selected', String(at === this.#cursor));
    if (parent) row.setAttribute('aria-expanded', String(!this.#collapsed.has(index)));
    else row.removeAttribute('aria-expanded');
    setText(twist, parent ? (this.#collapsed.has(index) ? '▸' : '▾') : '');
    setText(label, node.label ? `${node.label}: ` : '');
    setText(value, node.value || (parent ? '' : kind));
    value.dataset.kind = kind;
    const [start, end] = this.#marked;
    row.classList.toggle('marked', start < end && node.start < end && start < node.end && this.#isInnermost(index, start, end));
    row.classList.toggle('current', at === this.#cursor);
  }

  /** Whether no visible child of the node would be marked in its place. */
  #isInnermost(index: number, start: number, end: number): boolean {
    const node = this.#nodes[index];
    if (!node || this.#collapsed.has(index)) return true;
    if (start <= node.start && node.end <= end) return true;
    for (let next = index + 1; next < this.#nodes.length; next += 1) {
      const child = this.#nodes[next];
      if (!child || child.depth <= node.depth) break;
      if (child.start < end && start < child.end) return false;
    }
    return true;
  }

  #hasChildren(index: number): boolean {
    return (this.#nodes[index + 1]?.depth ?? 0) > (this.#nodes[index]?.depth ?? 0);
  }

  #parent(index: number): number | null {
    const depth = this.#nodes[index]?.depth ?? 0;
    const at = this.#nodes.slice(0, index).findLastIndex((node) => node.depth < depth);
    return at < 0 ? null : at;
  }

  #uncover(index: number): void {
    for (let at = this.#parent(index); at !== null; at = this.#parent(at)) this.#collapsed.delete(at);
    this.#layout();
  }

  #toggle(index: number): void {
    if (!this.#hasChildren(index)) return;
    if (!this.#collapsed.delete(index)) this.#collapsed.add(index);
    this.#layout();
  }

  #moveTo(at: number): void {
    this.#cursor = Math.max(0, Math.min(this.#visible.length - 1, at));
    this.#rows.reveal(this.#cursor);
    this.#rows.refresh();
    this.#announce();
    const node = this.#nodes[this.#visible[this.#cursor] ?? 0];
    if (node) this.#mark(node.start, node.end, true);
  }

  #announce(): void {
    const index = this.#visible[this.#cursor];
    if (index === undefined) this.element.removeAttribute('aria-activedescendant');
    else this.element.setAttribute('aria-activedescendant', `${this.#id}-${index}`);
  }

  #at(event: Event): number | null {
    const at = (event.target as HTMLElement).closest<HTMLElement>('[data-at]')?.dataset.at;
    return at === undefined ? null : Number(at);
  }

  #hover(event: Event): void {
    const at = this.#at(event);
    const node = at === null ? undefined : this.#nodes[this.#visible[at] ?? -1];
    if (node) this.#mark(node.start, node.end, false);
  }

  #press(event: Event): void {
    const at = this.#at(event);
    if (at === null) return;
    if ((event.target as HTMLElement).classList.contains('tree-twist')) this.#toggle(this.#visible[at] ?? -1);
    this.#moveTo(at);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const index = this.#visible[this.#cursor] ?? 0;
    const collapsed = this.#collapsed.has(index);
    switch (event.key) {
      case 'ArrowDown':
        this.#moveTo(this.#cursor + 1);
        break;
      case 'ArrowUp':
        this.#moveTo(this.#cursor - 1);
        break;
      case 'ArrowRight':
        if (collapsed) this.#toggle(index);
        else if (this.#hasChildren(index)) this.#moveTo(this.#cursor + 1);
        break;
      case 'ArrowLeft': {
        const parent = this.#parent(index);
        if (this.#hasChildren(index) && !collapsed) this.#toggle(index);
        else if (parent !== null) this.#moveTo(this.#visible.indexOf(parent));
        break;
      }
      case 'Enter':
      case ' ':
        this.#toggle(index);
        break;
      case 'Home':
        this.#moveTo(0);
        break;
      case 'End':
        this.#moveTo(this.#visible.length - 1);
        break;
      case 'PageDown':
        this.#moveTo(this.#cursor + this.#rows.page);
        break;
      case 'PageUp':
        this.#moveTo(this.#cursor - this.#rows.page);
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

function make(): HTMLElement {
  return el(
    'div',
    { class: 'tree-row', role: 'treeitem' },
    el('span', { class: 'tree-twist', 'aria-hidden': 'true' }),
    el('span', { class: 'tree-label' }),
    el('span', { class: 'tree-value' }),
  );
}

const ROW = 22;
let serial = 0;
