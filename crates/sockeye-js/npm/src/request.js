// Questions about requests that somebody else has read.

/**
 * Whether this request asks for a WebSocket. Use it to route; an `Upgrader` checks everything else.
 * @param {Request | import('./index.js').NodeRequest} request
 */
export function isWebSocketUpgrade(request) {
  const connection = tokens(request, 'connection');
  // `fetch` hides this field on some platforms.
  const isHidden = connection.length === 0 && !request.rawHeaders;
  return has(tokens(request, 'upgrade'), 'websocket') && (isHidden || has(connection, 'upgrade'));
}

/**
 * The subprotocols that this request offers, in its order of preference. What is not a token is left out.
 * @param {Request | import('./index.js').NodeRequest} request
 */
export function subprotocols(request) {
  return tokens(request, 'sec-websocket-protocol');
}

function has(list, name) {
  return list.some((token) => token.toLowerCase() === name);
}

/** The tokens of a field that is a list (RFC 9110 §5.6.1), which may come several times. */
function tokens(request, name) {
  const values = [];
  if (request.rawHeaders) {
    for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
      if (request.rawHeaders[at].toLowerCase() === name) values.push(request.rawHeaders[at + 1]);
    }
  } else {
    values.push(request.headers.get(name) ?? '');
  }
  // RFC 9110 §5.6.2: what a token is made of.
  return values
    .join(',')
    .split(',')
    .map((token) => token.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((token) => /^[!#$%&'*+.^_`|~\w-]+$/.test(token));
}
