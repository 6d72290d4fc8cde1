/** Sends back every message until the connection has ended. */
export async function echo(conn) {
  for await (const message of conn) await conn.send(message);
}
