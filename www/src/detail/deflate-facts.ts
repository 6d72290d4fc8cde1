import type { MessageDetail, Token } from '../model.js';

/** What a token is: literals, a copy from the same message, or one that begins in an earlier message. */
export type TokenKind = 'literal' | 'copy' | 'earlier';

/** What kind of token it is. */
export function tokenKind({ distance, inflated }: Token): TokenKind {
  if (distance === 0) return 'literal';
  return distance > inflated[0] ? 'earlier' : 'copy';
}

/** Where the bytes of a compressed message come from. */
export interface DeflateFacts {
  /** Tokens of each kind. */
  tokens: Record<TokenKind, number>;
  /** Bytes that they stand for. */
  bytes: Record<TokenKind, number>;
  /** The longest distance. */
  farthest: number;
  /** Whether the tokens cover all of the message. */
  complete: boolean;
}

/** Adds up the tokens of a message. */
export function deflateFacts(message: MessageDetail): DeflateFacts {
  const facts: DeflateFacts = {
    tokens: { literal: 0, copy: 0, earlier: 0 },
    bytes: { literal: 0, copy: 0, earlier: 0 },
    farthest: 0,
    complete: (message.tokens.at(-1)?.inflated[1] ?? 0) >= (message.inflated?.total ?? 0),
  };
  for (const token of message.tokens) {
    const kind = tokenKind(token);
    facts.tokens[kind] += 1;
    facts.bytes[kind] += token.inflated[1] - token.inflated[0];
    facts.farthest = Math.max(facts.farthest, token.distance);
  }
  return facts;
}
