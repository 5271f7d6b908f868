/**
 * Shows each event of an SDK's stream to `find` until it finds something; null where the stream ends before that. The stream is left there, not closed
 * as a `for await` that is left closes it: the SDKs abort their request then, with two errors and their stacks, which is 3 % of what a call
 * costs. The call's control lets the connection go.
 */
export async function readUntil<Event, Found>(
  stream: AsyncIterable<Event>,
  find: (event: Event) => Found | null,
): Promise<Found | null> {
  const events = stream[Symbol.asyncIterator]();
  for (let next = await events.next(); next.done !== true; next = await events.next()) {
    const found = find(next.value);
    if (found !== null) return found;
  }
  return null;
}
