/** What a close code means. */
export interface CloseCode {
  /** Its name, as in the registry of RFC 6455 §11.7. */
  name: string;
  /** A sentence for someone who sees it for the first time. */
  meaning: string;
  /** Whether an endpoint may put it into a Close frame (RFC 6455 §7.4). */
  onWire: boolean;
}

/** What `code` means, for every code that fits into a Close frame. */
export function closeCode(code: number): CloseCode {
  const known = KNOWN[code];
  if (known) return known;
  if (code < 1000) {
    return { name: 'invalid', meaning: 'Codes below 1000 are not used.', onWire: false };
  }
  if (code < 3000) {
    return { name: 'unassigned', meaning: 'Reserved for the protocol, and not given a meaning so far.', onWire: false };
  }
  if (code < 4000) {
    return { name: 'library or framework', meaning: 'Registered with IANA by libraries, frameworks and applications.', onWire: true };
  }
  if (code < 5000) {
    return { name: 'private', meaning: 'For private use: its meaning is an agreement between these two peers.', onWire: true };
  }
  return { name: 'invalid', meaning: 'Codes from 5000 on are not used.', onWire: false };
}

const KNOWN: Record<number, CloseCode> = {
  1000: { name: 'normal closure', meaning: 'The connection has served its purpose.', onWire: true },
  1001: { name: 'going away', meaning: 'The server goes down, or the user leaves the page.', onWire: true },
  1002: { name: 'protocol error', meaning: 'The other side broke a rule of the protocol.', onWire: true },
  1003: { name: 'unsupported data', meaning: 'The other side sent a type of data that is not accepted here.', onWire: true },
  1004: { name: 'reserved', meaning: 'Reserved; a meaning may be defined in the future.', onWire: false },
  1005: { name: 'no status received', meaning: 'Stands for a Close frame without a code, and never goes over the wire.', onWire: false },
  1006: { name: 'abnormal closure', meaning: 'Stands for an end without a Close frame, and never goes over the wire.', onWire: false },
  1007: { name: 'invalid payload data', meaning: 'A message did not match its type, such as text that is not UTF-8.', onWire: true },
  1008: { name: 'policy violation', meaning: 'A message broke a policy of the receiver; the general code when no other fits.', onWire: true },
  1009: { name: 'message too big', meaning: 'A message was longer than the receiver is willing to process.', onWire: true },
  1010: { name: 'mandatory extension', meaning: 'The client needed an extension that the server did not agree to.', onWire: true },
  1011: { name: 'internal error', meaning: 'The server met a condition that kept it from fulfilling the request.', onWire: true },
  1012: { name: 'service restart', meaning: 'The service restarts; a client may reconnect after a random delay.', onWire: true },
  1013: { name: 'try again later', meaning: 'The service is overloaded; a client may reconnect later.', onWire: true },
  1014: { name: 'bad gateway', meaning: 'The server, as a gateway, got an invalid response from upstream.', onWire: true },
  1015: { name: 'TLS handshake', meaning: 'Stands for a failed TLS handshake, and never goes over the wire.', onWire: false },
};
