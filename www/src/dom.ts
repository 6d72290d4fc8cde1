/** What `el` sets on the element that it makes. Anything not named here is an attribute (`aria-label`, `role`, `type` …). */
export interface Properties {
  /** CSS classes, separated by spaces. */
  class?: string;
  /** Text content; never parsed as HTML. */
  text?: string;
  /** `data-…` attributes, in camelCase. */
  data?: Record<string, string | number | boolean>;
  /** Listeners by event name. */
  on?: Record<string, (event: never) => void>;
  /** CSS custom properties and styles, set through CSSOM so that the content security policy allows them. */
  style?: Record<string, string>;
  [attribute: string]: unknown;
}

/** A child of `el`: a node, text, or nothing. */
export type Child = Node | string | number | null | undefined | false;

/**
 * Makes an element. `true` gives an attribute without value; `false`, `null` and `undefined` leave it out.
 *
 * `el('button', { class: 'quiet', type: 'button', on: { click: open } }, 'Open')`
 */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties?: Properties | null,
  ...children: Child[]
): HTMLElementTagNameMap[K];
export function el(tag: string, properties?: Properties | null, ...children: Child[]): HTMLElement;
export function el(tag: string, properties?: Properties | null, ...children: Child[]): HTMLElement {
  const element = document.createElement(tag);
  apply(element, properties);
  append(element, children);
  return element;
}

/** Makes an SVG element, in the same way as `el`. */
export function svg(tag: string, properties?: Properties | null, ...children: Child[]): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  apply(element, properties);
  append(element, children);
  return element;
}

/** An icon of 16 × 16 drawn with one stroked path in the colour of the text; hidden from assistive technology. */
export function icon(path: string, className = 'icon'): SVGElement {
  return svg(
    'svg',
    { class: className, viewBox: '0 0 16 16', width: '16', height: '16', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: path }),
  );
}

/** Replaces everything inside `parent`. */
export function fill(parent: Node, ...children: Child[]): void {
  while (parent.lastChild) parent.removeChild(parent.lastChild);
  append(parent, children);
}

/** Sets text only where it differs, so that nothing is laid out anew for the same words. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** The element that matches, which must exist. */
export function query<T extends Element = HTMLElement>(root: ParentNode, selector: string): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

/** Calls `run` at most once per animation frame, however often the returned function is called. */
export function perFrame(run: () => void): () => void {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      run();
    });
  };
}

function apply(element: HTMLElement | SVGElement, properties?: Properties | null): void {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    switch (name) {
      case 'class':
        element.setAttribute('class', String(value));
        break;
      case 'text':
        element.textContent = String(value);
        break;
      case 'data':
        for (const [key, item] of Object.entries(value as Record<string, unknown>)) element.dataset[key] = String(item);
        break;
      case 'on':
        for (const [type, listener] of Object.entries(value as Record<string, (event: never) => void>))
          element.addEventListener(type, listener as EventListener);
        break;
      case 'style':
        for (const [key, item] of Object.entries(value as Record<string, string>)) element.style.setProperty(key, item);
        break;
      default:
        element.setAttribute(name, value === true ? '' : String(value));
    }
  }
}

function append(parent: Node, children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(typeof child === 'object' ? child : document.createTextNode(String(child)));
  }
}
