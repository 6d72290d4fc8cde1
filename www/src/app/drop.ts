import { el, fill, icon } from '../dom.js';
import type { Sample } from './session.js';

/** A field of the example: RFC 6455 §5.7, a masked text frame with "Hello". */
const example: [string, string, number, string][] = [
  ['FIN', '1', 1, 'bit'],
  ['RSV', '000', 3, 'bit'],
  ['opcode', '0x1', 4, 'type'],
  ['M', '1', 1, 'bit'],
  ['length', '5', 7, 'length'],
  ['masking key', '37 fa', 16, 'key'],
  ['masking key', '21 3d', 16, 'key'],
  ['payload', '7f 9f', 16, 'payload'],
  ['payload', '4d 51 58', 24, 'payload'],
];

/**
 * The first screen: what this is, a place for files, sample captures, and how to get a capture. Events: `files` (a `CustomEvent` with
 * `File[]`) and `sample` (with a `Sample`).
 */
export class DropZone extends HTMLElement {
  #samples = el('ul', { class: 'samples' });
  #problem = el('p', { class: 'problem', role: 'alert', hidden: true });
  #picker = el('input', { type: 'file', multiple: true, class: 'spoken', id: 'picker', tabindex: '-1', 'aria-hidden': 'true' });

  connectedCallback(): void {
    if (this.firstChild) return;
    const choose = el('button', { class: 'primary', type: 'button', text: 'Choose files', on: { click: () => this.pick() } });
    this.#picker.addEventListener('change', () => {
      const files = [...(this.#picker.files ?? [])];
      this.#picker.value = '';
      if (files.length > 0) this.dispatchEvent(new CustomEvent('files', { detail: files }));
    });
    this.append(
      el(
        'div',
        { class: 'landing' },
        el('div', { class: 'intro' },
          el('h1', { text: 'See and check every WebSocket frame' }),
          el('p', { class: 'lead', text: 'Open a capture and read each frame as it was on the wire: bit by bit, unmasked, inflated, decoded, and checked against RFC 6455 and RFC 7692.' }),
        ),
        drawing(),
        el('section', { class: 'open-files', 'aria-label': 'Open a capture' },
          el('div', { class: 'zone' },
            icon('M8 10.5V2.5M4.8 5.7 8 2.5 11.2 5.7M2.5 10v3.5h11V10', 'icon large'),
            el('p', {}, choose, el('span', { text: ' or drop them anywhere on this page' })),
            el('p', { class: 'faint', text: 'pcap and pcapng, Chrome net-export, HAR, mitmproxy flows, raw streams, hex or base64 text; gzip too. Several files at once for the two directions of a raw stream, or a TLS key log beside a capture.' }),
          ),
          this.#picker,
          this.#problem,
          el('p', { class: 'stays' }, icon('M4.5 7V5.2a3.5 3.5 0 0 1 7 0V7M3 7h10v6.5H3Z'),
            el('span', {}, el('strong', { text: 'It stays in this tab.' }), ' Nothing is uploaded and nothing is stored. The security policy of the page forbids it to talk to any other server, and it works without a network.')),
        ),
        el('section', { class: 'try', 'aria-labelledby': 'try-title' }, el('h2', { id: 'try-title', text: 'Look at a sample' }), this.#samples),
        el('section', { class: 'how', 'aria-labelledby': 'how-title' },
          el('h2', { id: 'how-title', text: 'Capture your own with Chrome' }),
          el('p', { class: 'soft', text: 'No root, no proxy, no certificate: Chrome writes the decrypted bytes of its own WebSockets.' }),
          el('ol', { class: 'steps' },
            el('li', {}, 'Open ', el('code', { text: 'chrome://net-export' }), ' and choose ', el('strong', { text: 'Include raw bytes' }), '.'),
            el('li', {}, 'Press ', el('strong', { text: 'Start Logging to Disk' }), ', then use the page that you want to look at.'),
            el('li', {}, el('strong', { text: 'Stop Logging' }), ', and drop the file here.'),
          ),
        ),
        el('section', { class: 'how', 'aria-labelledby': 'else-title' },
          el('h2', { id: 'else-title', text: 'Or with something else' }),
          el('dl', { class: 'ways' },
            el('dt', { text: 'tcpdump, Wireshark' }), el('dd', {}, el('code', { text: 'tcpdump -i any -w ws.pcap port 8080' }), '; for TLS, a key log dropped beside it.'),
            el('dt', { text: 'mitmproxy' }), el('dd', {}, el('code', { text: 'mitmdump -w flows.mitm' })),
            el('dt', { text: 'Sockeye' }), el('dd', {}, el('code', { text: 'sockeye proxy --to wss://example.com' }), ', which shows this page live.'),
          ),
        ),
      ),
    );
  }

  /** Shows the samples that come with the page. */
  set samples(samples: Sample[]) {
    this.classList.toggle('without-samples', samples.length === 0);
    fill(
      this.#samples,
      ...samples.map((sample) =>
        el('li', {},
          el('button', { type: 'button', on: { click: () => this.dispatchEvent(new CustomEvent('sample', { detail: sample })) } },
            el('strong', { text: sample.name }),
            el('span', { class: 'soft', text: sample.description }),
          ),
        ),
      ),
    );
  }

  /** Says why nothing could be opened; `null` takes it back. */
  set problem(text: string | null) {
    this.#problem.textContent = text ?? '';
    this.#problem.hidden = text === null;
  }

  /** Lets the user choose files. */
  pick(): void {
    this.#picker.click();
  }
}

/** The example frame as RFC 6455 §5.2 draws it, 32 bits to a row. */
function drawing(): HTMLElement {
  const figure = el('figure', { class: 'example' });
  const grid = el('div', { class: 'example-grid', role: 'img', 'aria-label': 'A frame as it is drawn in RFC 6455: FIN 1, RSV 000, opcode 1, text, masked, length 5, masking key 37 fa 21 3d, payload 7f 9f 4d 51 58, which is Hello' });
  for (const [name, value, bits, kind] of example)
    grid.append(el('div', { class: `cell ${kind} bits-${bits}` }, el('small', { text: name }), el('code', { text: value })));
  figure.append(
    grid,
    el('figcaption', {}, el('span', { class: 'soft', text: '11 bytes from a client: a text message, masked as it must be' }), el('span', { class: 'soft' }, 'unmasked ', el('code', { text: '"Hello"' }))),
  );
  return figure;
}

customElements.define('sky-drop', DropZone);
